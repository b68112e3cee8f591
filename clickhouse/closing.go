package clickhouse

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// lingerConn is a connection to an embedded server that is closed in two steps:
// what the server still sends is read first. A socket that is closed with
// something unread resets the connection, and a server that meets the reset
// while it begins a session ends with "uncaught exception: connection reset by
// peer", with everybody's queries. One abandoned query in a few hundred did that.
type lingerConn struct {
	net.Conn

	reading sync.Mutex // held by Read
	mu      sync.Mutex
	closed  bool
}

// lingerTime bounds how long the server may take to notice that the connection
// is at its end. A query is cancelled before it is abandoned, so it is soon.
const lingerTime = 10 * time.Second

// Read implements net.Conn.
func (l *lingerConn) Read(b []byte) (int, error) {
	l.reading.Lock()
	defer l.reading.Unlock()
	if l.isClosed() {
		return 0, net.ErrClosed
	}
	n, err := l.Conn.Read(b)
	if err != nil && l.isClosed() {
		err = net.ErrClosed
	}
	return n, err
}

func (l *lingerConn) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// SetDeadline implements net.Conn; it does not reach a connection that lingers.
func (l *lingerConn) SetDeadline(t time.Time) error {
	return l.unlessClosed(func() error { return l.Conn.SetDeadline(t) })
}

// SetReadDeadline implements net.Conn.
func (l *lingerConn) SetReadDeadline(t time.Time) error {
	return l.unlessClosed(func() error { return l.Conn.SetReadDeadline(t) })
}

func (l *lingerConn) unlessClosed(do func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	return do()
}

// Close implements net.Conn. It returns at once, and so does a Read in progress.
func (l *lingerConn) Close() error {
	err := l.unlessClosed(func() error {
		l.closed = true
		return l.Conn.SetReadDeadline(time.Unix(1, 0))
	})
	if err != nil {
		return err
	}
	if half, ok := l.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		go l.linger()
		return nil
	}
	return l.Conn.Close()
}

func (l *lingerConn) linger() {
	l.reading.Lock() // a Read in progress has ended
	defer l.reading.Unlock()
	_ = l.Conn.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.Copy(io.Discard, l.Conn) // until the server's end, or for as long as that may take
	_ = l.Conn.Close()                 // nobody waits for it any more
}

// SyscallConn lets the driver see whether the server has ended an idle connection.
func (l *lingerConn) SyscallConn() (syscall.RawConn, error) {
	if c, ok := l.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
