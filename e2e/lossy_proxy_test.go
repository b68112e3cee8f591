package e2e

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// lossy is a network between senders and an engine, which can lose the answers.
type lossy struct {
	address string
	to      atomic.Pointer[string]
	// losing is how many answers are still to be lost: the engine has given them,
	// and their senders see the connection end.
	losing, lost atomic.Int64
	// greeting is how many bytes a sender may say before its first request. With one,
	// not all that the engine says is an answer: its answer may come after.
	greeting int64
}

// greetingOfHTTP2 is more than what senders say before their first request.
const greetingOfHTTP2 = 1500

// newLossy listens until the test ends; where it leads, aim says.
func newLossy(t testing.TB, greeting int64) *lossy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &lossy{address: l.Addr().String(), greeting: greeting}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go n.carry(conn)
		}
	}()
	return n
}

func (n *lossy) aim(p *process) {
	to := strings.TrimPrefix(p.base, "http://")
	n.to.Store(&to)
}

// dial waits for an engine that starts anew: a sender that gives up on a connection which
// ends without an answer shall not meet one but where an answer is to be lost.
func (n *lossy) dial() (engine net.Conn, err error) {
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if engine, err = net.Dial("tcp", *n.to.Load()); err == nil || time.Now().After(end) {
			return engine, err
		}
	}
}

// carry carries a connection, up to an answer that is to be lost.
func (n *lossy) carry(sender net.Conn) {
	defer sender.Close()
	engine, err := n.dial()
	if err != nil {
		return
	}
	defer engine.Close()
	var said atomic.Int64 // by the sender
	go func() {
		_, _ = io.Copy(io.MultiWriter(counter{&said}, engine), sender) // counted before it can be answered
		_ = engine.(*net.TCPConn).CloseWrite()
	}()
	buf := make([]byte, 64<<10)
	for {
		count, err := engine.Read(buf)
		if count > 0 && said.Load() > n.greeting && n.losing.Load() > 0 && n.losing.Add(-1) >= 0 {
			if n.greeting > 0 {
				_ = engine.SetReadDeadline(time.Now().Add(time.Second)) // it answers meanwhile
				_, _ = io.Copy(io.Discard, engine)
			}
			n.lost.Add(1)
			return
		}
		if _, e := sender.Write(buf[:count]); e != nil || err != nil {
			return
		}
	}
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return len(b), nil
}
