package clickhouse

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// dialTimeout bounds a connection to a server on this machine.
const dialTimeout = 5 * time.Second

// dialer reaches one child.
type dialer interface {
	dial(context.Context) (net.Conn, error)
	close()
}

// loopbackDialer reaches a child that listens on the machine's loopback.
type loopbackDialer struct{ port int }

func (d loopbackDialer) dial(ctx context.Context) (net.Conn, error) {
	return dialPort(ctx, d.port)
}

func (loopbackDialer) close() {}

func dialPort(ctx context.Context, port int) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("reach the embedded ClickHouse: %w", err)
	}
	return conn, nil
}
