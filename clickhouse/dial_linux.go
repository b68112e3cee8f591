package clickhouse

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// privateDialer reaches a child in a network of its own. A socket belongs to
// the network it was made in, wherever it is used afterwards; so the child makes
// and connects it, and hands it over a Unix socket that only the two hold.
//
// A request is an eight-byte number. The answer starts with the same number and
// carries either a connected socket or the text of an error.
type privateDialer struct {
	ask *net.UnixConn

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan dialAnswer
	err     error // why no more answers come
}

type dialAnswer struct {
	conn net.Conn
	err  error
}

// newPrivateDialer returns a dialer and the end of it that the child gets.
func newPrivateDialer() (dialer, *os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	near, far := os.NewFile(uintptr(pair[0]), "dial"), os.NewFile(uintptr(pair[1]), "dial")
	ask, err := unixConn(near)
	if err != nil {
		far.Close()
		return nil, nil, err
	}
	d := &privateDialer{ask: ask, waiting: map[uint64]chan dialAnswer{}}
	go d.receive()
	return d, far, nil
}

// unixConn makes a connection of a socket's file, and closes the file.
func unixConn(file *os.File) (*net.UnixConn, error) {
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

func (d *privateDialer) dial(ctx context.Context) (net.Conn, error) {
	id, answer, err := d.enlist()
	if err != nil {
		return nil, err
	}
	request := binary.BigEndian.AppendUint64(nil, id)
	if _, err := d.ask.Write(request); err != nil {
		d.delist(id, answer)
		return nil, fmt.Errorf("ask the embedded ClickHouse for a connection: %w", err)
	}
	select {
	case a := <-answer:
		return a.conn, a.err
	case <-ctx.Done():
		d.delist(id, answer)
		return nil, fmt.Errorf("ask the embedded ClickHouse for a connection: %w", ctx.Err())
	}
}

func (d *privateDialer) enlist() (uint64, chan dialAnswer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return 0, nil, d.err
	}
	d.last++
	answer := make(chan dialAnswer, 1)
	d.waiting[d.last] = answer
	return d.last, answer, nil
}

// delist gives up a request. An answer that came at the same moment is closed
// here, and one that comes later is closed by receive.
func (d *privateDialer) delist(id uint64, answer chan dialAnswer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, id)
	select {
	case a := <-answer:
		if a.conn != nil {
			a.conn.Close()
		}
	default:
	}
}

// receive hands the answers to those who wait for them, until the child ends.
func (d *privateDialer) receive() {
	for {
		id, a, err := readAnswer(d.ask)
		d.mu.Lock()
		if err != nil {
			d.err = fmt.Errorf("the embedded ClickHouse is down: %w", err)
			for id, answer := range d.waiting {
				answer <- dialAnswer{err: d.err}
				delete(d.waiting, id)
			}
			d.mu.Unlock()
			return
		}
		if answer, ok := d.waiting[id]; ok {
			answer <- a
			delete(d.waiting, id)
		} else if a.conn != nil {
			a.conn.Close()
		}
		d.mu.Unlock()
	}
}

func (d *privateDialer) close() { d.ask.Close() }

// maxDialError is how much of an error's text an answer carries.
const maxDialError = 512

func readAnswer(from *net.UnixConn) (uint64, dialAnswer, error) {
	text, control := make([]byte, 8+maxDialError), make([]byte, unix.CmsgSpace(4))
	n, controlled, _, _, err := from.ReadMsgUnix(text, control)
	if err != nil {
		return 0, dialAnswer{}, err
	}
	if n < 8 {
		return 0, dialAnswer{}, errors.New("its end of the line was closed")
	}
	id := binary.BigEndian.Uint64(text)
	if controlled == 0 {
		return id, dialAnswer{err: errors.New(string(text[8:n]))}, nil
	}
	conn, err := receivedConn(control[:controlled])
	return id, dialAnswer{conn, err}, nil
}

func receivedConn(control []byte) (net.Conn, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	if len(messages) != 1 {
		return nil, fmt.Errorf("%d control messages instead of one", len(messages))
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fds[0]), "clickhouse")
	defer file.Close()
	return net.FileConn(file)
}

// serveDials is the child's side: it connects to its own port on request. It
// returns when the parent is gone.
func serveDials(file *os.File, port int) {
	answer, err := unixConn(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, "nightjar: serve connections:", err)
		return
	}
	for {
		request := make([]byte, 8)
		n, err := answer.Read(request)
		if err != nil || n != len(request) {
			return
		}
		go func() {
			text, rights := request, []byte(nil)
			file, err := connectedFile(port)
			if err != nil {
				text = append(text, err.Error()[:min(len(err.Error()), maxDialError)]...)
			} else {
				defer file.Close()
				rights = unix.UnixRights(int(file.Fd()))
			}
			_, _, _ = answer.WriteMsgUnix(text, rights, nil) // a parent that is gone needs no answer
		}()
	}
}

func connectedFile(port int) (*os.File, error) {
	conn, err := dialPort(context.Background(), port)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*net.TCPConn).File()
}
