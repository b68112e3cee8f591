package clickhouse_test

import (
	"fmt"
	"testing"

	adapter "nightjar/api/clickhouse"
	"nightjar/schema"
)

// A signal counts once, on the day of its newest version, unless the engine took it back.
func TestSignalsOfRulesAreCountedByDay(t *testing.T) {
	conn := signalsTable(t)
	const day = schema.Millis(86_400_000)
	today := begin - begin%day
	for i, at := range []schema.Millis{begin, today, today - 1, today - 40*day, begin + 2*day} {
		store(t, conn, string(rune('a'+i)), 1, at, "h", "open", "")
	}
	store(t, conn, "a", 2, begin, "h", "archived", "false_positive")
	store(t, conn, "x", 1, begin, "h", "open", "")
	store(t, conn, "x", 2, begin, "h", "archived", "retracted")
	store(t, conn, "y", 1, begin, "h", "suppressed", "suppressed")
	states := adapter.NewStates(conn)
	if err := states.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, store := range map[string]*adapter.Signals{"signals": adapter.NewSignals(conn), "states": adapter.NewSignals(conn).By(states)} {
		got, err := store.SignalsOfRules(t.Context(), []schema.Millis{today - 2*day, today - day, today})
		if err != nil {
			t.Fatal(err)
		}
		if s, want := fmt.Sprint(got), "map[abc-def-ghi:{5 [0 1 3]}]"; s != want {
			t.Errorf("of %s: got %s, want %s", name, s, want)
		}
	}
}
