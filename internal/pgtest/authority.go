package pgtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates for a test.
type Authority struct {
	Root string // file of its own certificate

	dir         string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	count       int64
}

// NewAuthority makes one with files in a directory of the test.
func NewAuthority(t testing.TB, name string) *Authority {
	t.Helper()
	a := &Authority{dir: t.TempDir()}
	template := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	var certificate string
	certificate, _ = a.sign(t, name, template)
	a.Root = filepath.Join(a.dir, "root.crt")
	if err := os.WriteFile(a.Root, []byte(certificate), 0o644); err != nil {
		t.Fatal(err)
	}
	return a
}

// Issue returns a certificate for a host or a user and its key, in PEM.
func (a *Authority) Issue(t testing.TB, name string) (certificate, key string) {
	t.Helper()
	template := &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	return a.sign(t, name, template)
}

// Files is Issue into files, the key being closed to others as libpq demands.
func (a *Authority) Files(t testing.TB, name string) (certificate, key string) {
	t.Helper()
	certificate, key = filepath.Join(a.dir, name+".crt"), filepath.Join(a.dir, name+".key")
	certificateText, keyText := a.Issue(t, name)
	for file, text := range map[string]string{certificate: certificateText, key: keyText} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// sign signs with the key of the authority; its own certificate, the first,
// with its own.
func (a *Authority) sign(t testing.TB, name string, template *x509.Certificate) (certificate, key string) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.count++
	template.SerialNumber, template.Subject = big.NewInt(a.count), pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if a.key == nil {
		a.certificate, a.key = template, own
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &own.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.certificate == template {
		if a.certificate, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
	}
	bytes, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes}))
}

// Secure switches TLS on, with a certificate for a host.
func (n *Network) Secure(t testing.TB, a *Authority, host string) {
	t.Helper()
	certificate, key := a.Issue(t, host)
	root, err := os.ReadFile(a.Root)
	if err != nil {
		t.Fatal(err)
	}
	n.Write(t, "server.crt", certificate)
	n.Write(t, "server.key", key)
	n.Write(t, "root.crt", string(root))
	n.Reload(t, "ALTER SYSTEM SET ssl_ca_file = 'root.crt'", "ALTER SYSTEM SET ssl = on")
}
