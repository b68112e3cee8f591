package clickhouse_test

import (
	"fmt"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	adapter "nightjar/api/clickhouse"
	"nightjar/schema"
)

// withhold writes a version of a signal that a suppression withholds.
func withhold(t *testing.T, conn driver.Conn, id string, version int, at schema.Millis, suppression, reason string) {
	t.Helper()
	sql := fmt.Sprintf(`INSERT INTO signals (id, version, key, rule_id, timestamp, first_seen, last_seen, state, reason, suppression, status, events)
		VALUES ('%s', %d, %d, 'abc-def-ghi', fromUnixTimestamp64Milli(%d), fromUnixTimestamp64Milli(%[4]d), fromUnixTimestamp64Milli(%[4]d + 500), 'suppressed', '%[6]s', '%[5]s', 'high', 2)`,
		id, version, id[0], at, suppression, reason)
	if err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// TestHiddenSignalsAreCountedForWhatWithholdsThem has signals that are withheld no more, that
// another suppression withholds now, that the engine withdrew, and that lie before and
// after what is counted by days.
func TestHiddenSignalsAreCountedForWhatWithholdsThem(t *testing.T) {
	conn := signalsTable(t)
	withhold(t, conn, "a", 1, begin, "s1", "suppressed")
	withhold(t, conn, "b", 1, begin+1000, "s1", "suppressed")
	withhold(t, conn, "b", 2, begin+1000, "s1", "suppressed")
	withhold(t, conn, "c", 1, begin+2000, "s1", "suppressed")
	store(t, conn, "c", 2, begin+2000, "web1", "open", "") // no more
	withhold(t, conn, "d", 1, begin+3000, "s1", "suppressed")
	withhold(t, conn, "d", 2, begin+3000, "s2", "suppressed")
	withhold(t, conn, "e", 1, begin+4000, "s1", "merged") // the engine withdrew it
	withhold(t, conn, "f", 1, begin-10_000, "s1", "suppressed")
	withhold(t, conn, "g", 1, begin+10_000, "s1", "suppressed")
	store(t, conn, "h", 1, begin, "web1", "open", "")
	states := adapter.NewStates(conn)
	if err := states.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*adapter.Signals{adapter.NewSignals(conn), adapter.NewSignals(conn).By(states)} {
		hiddenAreCounted(t, s)
	}
}

func hiddenAreCounted(t *testing.T, s *adapter.Signals) {
	t.Helper()
	bounds := []schema.Millis{begin, begin + 1000, begin + 5000}
	counts, err := s.CountHidden(t.Context(), "", bounds)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("map[s1:{4 [1 1] %s %s} s2:{1 [0 1] %s %s}]", begin-10_000, begin+10_500, begin+3000, begin+3500)
	if got := fmt.Sprint(counts); got != want {
		t.Errorf("counted\n got %s\nwant %s", got, want)
	}
	if one, err := s.CountHidden(t.Context(), "s2", bounds); err != nil || len(one) != 1 || one["s2"].Total != 1 {
		t.Errorf("of one: %v %v", one, err)
	}
}
