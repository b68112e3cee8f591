package clickhouse_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

func TestOldServerIsNamed(t *testing.T) {
	for version, good := range map[[2]uint64]bool{{24, 12}: false, {25, 7}: false, {25, 8}: true, {25, 10}: true, {26, 1}: true} {
		err := clickhouse.CheckVersion(version[0], version[1])
		if (err == nil) != good {
			t.Errorf("%v: %v", version, err)
		}
	}
	if err := clickhouse.CheckVersion(24, 3); err == nil || err.Error() != "the server is ClickHouse 24.3, and nightjar needs 25.8 or newer" {
		t.Error(err)
	}
}

func TestOpenWaitsForAServerUntilTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dials := atomic.Int64{}
	_, err := clickhouse.Open(ctx, &ch.Options{
		Addr: []string{"127.0.0.1:1"}, Auth: ch.Auth{Password: "s3cret"},
		DialContext: func(ctx context.Context, address string) (net.Conn, error) {
			if dials.Add(1) == 3 {
				cancel()
			}
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
	})
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
	if !errors.Is(err, context.Canceled) || dials.Load() < 3 {
		t.Errorf("it gave up after %d attempts: %v", dials.Load(), err)
	}
}

func TestOpenReachesAServerThatComesUpLate(t *testing.T) {
	server := testenv.Server(t)
	late := time.Now().Add(300 * time.Millisecond)
	options := server.Options(clickhouse.Admin)
	options.DialContext = func(ctx context.Context, _ string) (net.Conn, error) {
		if time.Now().Before(late) {
			return nil, &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
		}
		return server.Dial(ctx)
	}
	testenv.Open(t, options)
}

func TestOpenDoesNotInsistOnAnUnknownDatabase(t *testing.T) {
	options := start(t, clickhouse.EmbeddedConfig{}).Options(clickhouse.Admin)
	options.Auth.Database = "nowhere"
	conn, err := clickhouse.Open(t.Context(), options)
	if err == nil {
		conn.Close()
		t.Fatal("it was opened")
	}
	if !strings.Contains(err.Error(), "nowhere") { // it would ask for ever
		t.Error(err)
	}
}
