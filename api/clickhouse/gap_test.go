package clickhouse_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"nightjar/schema"
)

// TestLogsOnBothSidesOfGapsAreThoseOfMemory searches ranges that begin and end before, in and
// behind stretches of minutes to years without an event, of which parts are merged, and others
// are not, so that they have no index on time; some events are deleted. Filters match much,
// little and nothing, and cursors stand anywhere.
func TestLogsOnBothSidesOfGapsAreThoseOfMemory(t *testing.T) {
	s := newShelf(t)
	random := rand.New(rand.NewPCG(11, 12))
	const minute = schema.Millis(60_000)
	at, moments := begin, []schema.Millis{schema.MinMillis, schema.MaxMillis}
	for i, gap := range []schema.Millis{0, 20 * minute, 45 * minute, 3 * 60 * minute, 70 * 60 * minute, 40 * 24 * 60 * minute, 3 * 365 * 24 * 60 * minute, minute} {
		at += gap
		moments = append(moments, at-gap/2, at-1, at)
		var some []schema.Event
		for range 25 {
			at += schema.Millis(random.IntN(30_000))
			some = append(some, event(t, at, fmt.Sprintf("s%d", random.IntN(3)), fmt.Sprintf(`{"n":%d}`, random.IntN(50)), "env:prod"))
		}
		s.add(some...)
		moments = append(moments, at, at+1)
		if i == 3 || i == 6 {
			if err := s.conn.Exec(t.Context(), "OPTIMIZE TABLE events FINAL"); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.remove(3) // the last events, and the first
	logs := s.logs()
	for range 60 {
		asked := everything(t, []string{"", "@n:>40", "@n:7 source:s1", "nothing"}[random.IntN(4)])
		asked.Ascending, asked.Limit = random.IntN(2) == 0, 3+random.IntN(90)
		asked.From, asked.To = moments[random.IntN(len(moments))], moments[random.IntN(len(moments))]
		if asked.From > asked.To {
			asked.From, asked.To = asked.To, asked.From
		}
		want := s.expected(asked)
		if got := pages(t, logs, asked, func() {}); !slices.Equal(got, want) {
			t.Errorf("%q from %s to %s, ascending %t, limit %d:\ngot  %v\nwant %v", asked.Query, asked.From, asked.To, asked.Ascending, asked.Limit, got, want)
		}
	}
}

// remove deletes the first and the last n events, without rewriting any part.
func (s *shelf) remove(n int) {
	s.t.Helper()
	gone := slices.Concat(s.events[:n], s.events[len(s.events)-n:])
	for _, e := range gone {
		if err := s.conn.Exec(s.t.Context(), fmt.Sprintf("DELETE FROM events WHERE seq = %d", e.Seq)); err != nil {
			s.t.Fatal(err)
		}
	}
	s.events = s.events[n : len(s.events)-n]
	if last, err := s.sink.LastSeq(s.t.Context()); err != nil || last != s.events[len(s.events)-1].Seq {
		s.t.Errorf("the last of what is left: %d, %v", last, err)
	}
}
