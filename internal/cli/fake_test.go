package cli

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/rogpeppe/go-internal/testscript"
)

// fakeServer listens on a local port and answers as much of the protocol as a
// test needs that no real server can play. It returns the address.
func fakeServer(env *testscript.Env, answer func(net.Conn)) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	env.Defer(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn, answer)
		}
	}()
	return listener.Addr().String(), nil
}

// serve reads the startup message, declining encryption, and hands over.
func serve(conn net.Conn, answer func(net.Conn)) {
	defer conn.Close()
	const encryption = 80877103
	for {
		var head [8]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		rest := int64(binary.BigEndian.Uint32(head[:4])) - int64(len(head))
		if _, err := io.CopyN(io.Discard, conn, rest); err != nil {
			return
		}
		if binary.BigEndian.Uint32(head[4:]) != encryption {
			break
		}
		if _, err := conn.Write([]byte("N")); err != nil {
			return
		}
	}
	answer(conn)
}

// message is a message of the server: its type, its length, its fields.
func message(kind byte, fields string) []byte {
	head := []byte{kind, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(head[1:], uint32(len(fields)+4))
	return append(head, fields...)
}

func refusePassword(conn net.Conn) {
	_, _ = conn.Write(message('R', "\x00\x00\x00\x03"))
	_, _ = conn.Read(make([]byte, 1024))
	_, _ = conn.Write(message('E', "SFATAL\x00VFATAL\x00C28P01\x00Mpassword authentication failed for user \"alice\"\x00\x00"))
}

func reportVersion(version string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Write(message('R', "\x00\x00\x00\x00"))
		_, _ = conn.Write(message('S', fmt.Sprintf("server_version\x00%s\x00", version)))
		_, _ = conn.Write(message('Z', "I"))
		_, _ = io.Copy(io.Discard, conn)
	}
}
