package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// accept lets senders in until ctx ends, those that are waiting by then too, and returns
// when the last of them has gone.
func (r *Receiver) accept(ctx context.Context, l listener) error {
	var connections sync.WaitGroup
	defer connections.Wait()
	defer l.Close() // nobody is let in any more
	pauses := backoff.ExponentialBackOff{InitialInterval: 5 * time.Millisecond, Multiplier: 2, MaxInterval: time.Second}
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			pauses.Reset()
			r.admit(ctx, l, conn, &connections)
		case ctx.Err() != nil:
			r.acceptWaiting(ctx, l, &connections)
			return nil
		default: // such as too many open files: it passes
			l.door.note(refused, "accept", "", err)
			select {
			case <-time.After(pauses.NextBackOff()):
			case <-ctx.Done():
			}
		}
	}
}

// knocking is how long a listener that is to be closed waits for one more connection:
// nobody begins one any more, but some have begun. A connection that is not accepted by
// then is reset, with what was sent on it.
const knocking = 20 * time.Millisecond

// acceptWaiting lets in who has connected before the listener is closed, for as long as
// connections are read then. A sender that is told of the end connects again at once.
func (r *Receiver) acceptWaiting(ctx context.Context, l listener, connections *sync.WaitGroup) {
	if err := letNobodyKnock(l.TCPListener); err != nil {
		r.log.Warn("syslog: who connects in the moment of the stop may lose what it sends", "error", err)
	}
	for end := time.Now().Add(lastWords); time.Now().Before(end); {
		_ = l.SetDeadline(time.Now().Add(knocking))
		conn, err := l.Accept()
		if err != nil {
			return
		}
		r.admit(ctx, l, conn, connections)
	}
}

func (r *Receiver) admit(ctx context.Context, l listener, conn net.Conn, connections *sync.WaitGroup) {
	peer := addressOf(conn.RemoteAddr())
	cause := ""
	switch {
	case !r.config.allows(peer):
		cause = notAllowed
	case !l.door.enter(r.config.MaxConnections):
		cause = tooManyConnections
	}
	if cause != "" {
		l.door.note(refused, cause, peer.String(), nil)
		_ = conn.Close() // there is nothing to be said to it
		return
	}
	connections.Go(func() {
		defer l.door.leave()
		defer conn.Close()
		r.converse(ctx, l, conn, sender{address: peer.String()})
	})
}

func addressOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// handshakeTime is how long a handshake may take.
const handshakeTime = 10 * time.Second

func (r *Receiver) converse(ctx context.Context, l listener, conn net.Conn, from sender) {
	if l.tls != nil {
		secure := tls.Server(conn, l.tls)
		shaking, cancel := context.WithTimeout(ctx, handshakeTime)
		err := secure.HandshakeContext(shaking)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				l.door.note(refused, tlsFailed, from.address, err)
			}
			return
		}
		if shown := secure.ConnectionState().PeerCertificates; len(shown) > 0 {
			from.certificate = shown[0].Subject.CommonName
		}
		conn = secure
	}
	r.read(ctx, l.door, conn, from)
}

// lastWords is how long a connection is read when the engine stops. Its sender is told
// first, and most close it then: what they sent before is all there.
const lastWords = 3 * time.Second

// errNoMemory ends a connection whose message found no room.
var errNoMemory = errors.New("too much is waiting in parts of messages")

// read reads the messages of a connection until it ends.
func (r *Receiver) read(ctx context.Context, d *door, conn net.Conn, from sender) {
	p := &patient{conn: conn, config: r.config}
	stop := context.AfterFunc(ctx, func() { p.finish(lastWords) })
	defer stop()
	part := share{of: r.parts, patience: r.config.Stall}
	defer part.giveBack()
	f := newFrames(p, r.config.MaxMessage, part.cover)
	p.frames = f
	for {
		text, problem, err := f.next()
		if err != nil {
			r.ended(ctx, d, from, err, f.started)
			return
		}
		// This waits while the intake refuses, and so does the sender.
		r.streams.put(message{text: slices.Clone(text), from: from, problem: problem, door: d})
		part.giveBack()
	}
}

// ended notes why a connection ended, when it was not its sender's wish.
func (r *Receiver) ended(ctx context.Context, d *door, from sender, err error, started bool) {
	switch {
	case errors.Is(err, io.EOF) || ctx.Err() != nil:
	case errors.Is(err, errNoMemory):
		d.note(closed, noMemory, from.address, err)
	case errors.Is(err, os.ErrDeadlineExceeded) && started:
		d.note(closed, stalled, from.address, nil)
	case errors.Is(err, os.ErrDeadlineExceeded):
		d.note(closed, idle, from.address, nil)
	default:
		d.note(closed, "broken", from.address, err)
	}
}

// patient reads a connection, and waits as long as a sender may be silent: between
// messages longer than within one.
type patient struct {
	conn   net.Conn
	config Config
	frames *frames

	mu   sync.Mutex
	last time.Time // when the engine stops; zero: it does not
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	wait := p.config.Idle
	if p.frames.started {
		wait = p.config.Stall
	}
	p.mu.Lock()
	until := time.Now().Add(wait)
	if !p.last.IsZero() {
		until = p.last
	}
	err := p.conn.SetReadDeadline(until)
	p.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return p.conn.Read(b)
}

// finish tells the sender that this is the end, and ends the reading after a moment.
func (p *patient) finish(after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = time.Now().Add(after)
	_ = p.conn.SetReadDeadline(p.last) // a connection that is gone ends by itself
	conn := p.conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn() // see quiet
	}
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.CloseWrite()
	}
}

// share is what a connection has of the room for parts of messages.
type share struct {
	of interface {
		Acquire(ctx context.Context, n int64) error
		Release(n int64)
	}
	taken    int64
	patience time.Duration
}

func (s *share) cover(total int) error {
	more := int64(total) - s.taken
	if more <= 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.patience)
	defer cancel()
	if err := s.of.Acquire(ctx, more); err != nil {
		return errNoMemory
	}
	s.taken += more
	return nil
}

func (s *share) giveBack() {
	s.of.Release(s.taken)
	s.taken = 0
}
