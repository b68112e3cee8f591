package clickhouse_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

// A query that its caller abandons ends, and the server does not: a connection
// that is reset while the server begins a session ends the server, so none is.
func TestAbandonedQueriesLeaveTheServerUp(t *testing.T) {
	server := testenv.Server(t)
	conn := testenv.Open(t, server.Options(clickhouse.Analyst))
	before, pid := server.Restarts(), server.Pid()
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for i := range 30 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				rows, err := conn.Query(ctx, "SELECT number, toString(number) FROM numbers(100000000)")
				if err == nil {
					for range i % 3 {
						rows.Next()
					}
				}
				cancel()
				if err == nil {
					rows.Close()
				}
			}
		})
	}
	callers.Wait()
	admin := testenv.ClickHouse(t)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if one[uint64](t, admin, "SELECT count() FROM system.processes WHERE query LIKE '%numbers(1000%' AND query NOT LIKE '%processes%'") == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("queries still run")
		}
	}
	time.Sleep(time.Second) // a server that aborts writes its stack first
	if server.Restarts() != before || server.Pid() != pid {
		t.Error("the server ended")
	}
}
