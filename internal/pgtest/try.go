package pgtest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// Try runs a test that may fail without failing t, and returns what it said
// when it failed. What the test leaves to clean up is cleaned up.
func Try(t testing.TB, test func(testing.TB)) string {
	t.Helper()
	a := &attempt{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer a.cleanUp()
		test(a)
	}()
	<-done
	return strings.Join(a.said, "\n")
}

// attempt is a test that keeps its failures to itself.
type attempt struct {
	testing.TB
	said     []string
	cleanups []func()
}

func (a *attempt) cleanUp() {
	for len(a.cleanups) > 0 {
		last := a.cleanups[len(a.cleanups)-1]
		a.cleanups = a.cleanups[:len(a.cleanups)-1]
		last()
	}
}

// Errorf keeps the failure.
func (a *attempt) Errorf(format string, args ...any) {
	a.said = append(a.said, fmt.Sprintf(format, args...))
}

// Fatalf keeps the failure and ends the attempt.
func (a *attempt) Fatalf(format string, args ...any) {
	a.Errorf(format, args...)
	runtime.Goexit()
}

// Fatal keeps the failure and ends the attempt.
func (a *attempt) Fatal(args ...any) { a.Fatalf("%s", fmt.Sprint(args...)) }

// Helper does nothing: positions are not printed.
func (a *attempt) Helper() {}

// Failed reports whether the attempt failed so far.
func (a *attempt) Failed() bool { return len(a.said) > 0 }

// Cleanup runs f when the attempt ends.
func (a *attempt) Cleanup(f func()) { a.cleanups = append(a.cleanups, f) }

// Context is that of the whole test.
func (a *attempt) Context() context.Context { return a.TB.Context() }

// TempDir returns a directory that the end of the attempt removes.
func (a *attempt) TempDir() string {
	directory, err := os.MkdirTemp("", "attempt-")
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { _ = os.RemoveAll(directory) })
	return directory
}
