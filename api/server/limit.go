package server

import (
	"net"
	"sync"
)

// limited bounds the connections of gRPC that are open at a time; more wait to be accepted.
// It is golang.org/x/net/netutil's LimitListener, but for this: what is below a connection
// can be asked for, since TLS tells who shows which certificate.
func limited(l net.Listener) net.Listener {
	return &limiting{Listener: l, free: make(chan struct{}, maxConnections), closed: make(chan struct{})}
}

type limiting struct {
	net.Listener
	free   chan struct{}
	closed chan struct{}
	once   sync.Once
}

// Accept implements net.Listener.
func (l *limiting) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &counted{Conn: c, release: sync.OnceFunc(func() { <-l.free })}, nil
}

// Close implements net.Listener.
func (l *limiting) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// counted is a connection that another may come after.
type counted struct {
	net.Conn
	release func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	defer c.release()
	return c.Conn.Close()
}
