package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/cenkalti/backoff/v5"
)

// minVersion is the oldest ClickHouse that has all we use: the JSON type left
// its beta in 25.3, and 25.8 is the long-term release that reads its typed and
// dynamic paths as subcolumns of a MergeTree part.
var minVersion = version{major: 25, minor: 8}

type version struct{ major, minor uint64 }

// Open returns a pool of connections to the server that options name, once the
// server has answered; until ctx ends, it asks again. A server that answers and
// refuses (a wrong password, an unknown database, too old) is not asked twice.
func Open(ctx context.Context, options *ch.Options) (driver.Conn, error) {
	conn, err := ch.Open(withDefaults(options))
	if err != nil {
		return nil, fmt.Errorf("open ClickHouse: %w", err)
	}
	if err := waitForServer(ctx, conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("open ClickHouse at %v: %w", options.Addr, err)
	}
	return conn, nil
}

// withDefaults is a copy of options with our choices where there are none.
func withDefaults(options *ch.Options) *ch.Options {
	o := *options
	if o.Compression == nil {
		o.Compression = &ch.Compression{Method: ch.CompressionLZ4}
	}
	o.DialTimeout = cmp.Or(o.DialTimeout, 10*time.Second)
	// A query is bounded by its context; this only notices a server that is
	// gone without a word, and the server says something every few seconds.
	o.ReadTimeout = cmp.Or(o.ReadTimeout, 5*time.Minute)
	o.MaxOpenConns = cmp.Or(o.MaxOpenConns, 16)
	o.MaxIdleConns = cmp.Or(o.MaxIdleConns, 8)
	// A connection holds on to buffers as large as the largest block it ever sent.
	// A new one is a matter of milliseconds.
	o.ConnMaxLifetime = cmp.Or(o.ConnMaxLifetime, 15*time.Second)
	o.BlockBufferSize = cmp.Or(o.BlockBufferSize, 10)
	if len(o.ClientInfo.Products) == 0 {
		o.ClientInfo.Products = append(o.ClientInfo.Products, struct{ Name, Version string }{"nightjar", "1"})
	}
	return &o
}

func waitForServer(ctx context.Context, conn driver.Conn) error {
	var silent error // why there was no answer the last time
	ask := func() (version, error) {
		server, err := conn.ServerVersion()
		if err == nil {
			return version{major: server.Version.Major, minor: server.Version.Minor}, nil
		}
		if refused(err) {
			return version{}, backoff.Permanent(err)
		}
		silent = err
		return version{}, err
	}
	pauses := &backoff.ExponentialBackOff{InitialInterval: 50 * time.Millisecond, Multiplier: 2, MaxInterval: 2 * time.Second}
	has, err := backoff.Retry(ctx, ask, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return checkVersion(has.major, has.minor)
	case ctx.Err() != nil && silent != nil:
		return fmt.Errorf("no answer: %w (last error: %w)", ctx.Err(), silent)
	}
	return err
}

// refused tells an answer of the server from its silence. A server that is
// about to end says so, and the next one may answer.
func refused(err error) bool {
	const aborted = 236
	var said *ch.Exception
	return errors.As(err, &said) && said.Code != aborted
}

func checkVersion(major, minor uint64) error {
	if major > minVersion.major || (major == minVersion.major && minor >= minVersion.minor) {
		return nil
	}
	return fmt.Errorf("the server is ClickHouse %d.%d, and nightjar needs %d.%d or newer",
		major, minor, minVersion.major, minVersion.minor)
}
