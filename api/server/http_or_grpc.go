package server

import (
	"bufio"
	"net"
	"sync"
	"time"
)

// preface begins a connection of HTTP/2 whose client knows beforehand that it is
// spoken. Only gRPC does so here; over HTTP/1 nothing begins like this.
const preface = "PRI * HTTP/2.0"

// prefaceTime is how long a connection may take to show what it speaks.
const prefaceTime = 10 * time.Second

// splitHTTP2 tells the connections of gRPC from those of HTTP on one address, so that
// a sender that knows one address only has both. Closing either closes both.
func splitHTTP2(l net.Listener) (http1, http2 net.Listener) {
	s := &split{Listener: l, closed: make(chan struct{})}
	one, two := &side{s, make(chan net.Conn)}, &side{s, make(chan net.Conn)}
	go s.accept(one, two)
	return one, two
}

type split struct {
	net.Listener
	once   sync.Once
	closed chan struct{}
	err    error // why it closed
}

func (s *split) accept(http1, http2 *side) {
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			s.end(err)
			return
		}
		go s.sort(c, http1, http2)
	}
}

// sort hands a connection to its side. One that is silent is HTTP's, which has its
// own patience.
func (s *split) sort(c net.Conn, http1, http2 *side) {
	_ = c.SetReadDeadline(time.Now().Add(prefaceTime))
	in := bufio.NewReaderSize(c, len(preface))
	to := http1
	for n := 1; ; n++ {
		begun, err := in.Peek(n)
		if err != nil || begun[n-1] != preface[n-1] {
			break
		}
		if n == len(preface) {
			to = http2
			break
		}
	}
	_ = c.SetReadDeadline(time.Time{})
	select {
	case to.conns <- &peeked{c, in}:
	case <-s.closed:
		_ = c.Close() // nobody serves any more
	}
}

func (s *split) end(err error) {
	s.once.Do(func() { s.err = err; close(s.closed) })
}

// side is one of the two listeners.
type side struct {
	*split
	conns chan net.Conn
}

// Accept implements net.Listener.
func (s *side) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.closed:
		return nil, s.err
	}
}

// Close implements net.Listener.
func (s *side) Close() error {
	s.end(net.ErrClosed)
	return s.Listener.Close()
}

// peeked is a connection whose first bytes were looked at.
type peeked struct {
	net.Conn
	in *bufio.Reader
}

// Read implements net.Conn.
func (p *peeked) Read(b []byte) (int, error) { return p.in.Read(b) }
