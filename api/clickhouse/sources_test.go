package clickhouse_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	adapter "nightjar/api/clickhouse"
	"nightjar/api/services/facets"
	"nightjar/schema"
)

const hour = schema.Millis(3600_000)

// TestSourcesAreCountedByArrival stores events that arrived at known moments, late and
// early by their own clocks, and wants every number of the list.
func TestSourcesAreCountedByArrival(t *testing.T) {
	s := newShelf(t)
	now := begin + 20*24*hour
	arrived := func(source string, ago, late schema.Millis, attributes string) {
		e := event(t, now-ago-late, source, attributes)
		e.Seen = now - ago
		s.add(e)
	}
	arrived("steady", 2*hour, 0, `{}`)
	for i := range schema.Millis(100) {
		arrived("steady", i*hour/5, i*1000, `{"nightjar":{"pipelines":["p@1"]}}`) // late by 0 to 99 s
	}
	arrived("steady", 0, 0, `{"nightjar":{"pipelines":["p@1"],"pipeline_errors":["p: no"]}}`)
	arrived("ahead", 10, -5*hour, `{}`)
	arrived("silent", 3*hour, 0, `{}`)
	arrived("gone", 50*hour, 7, `{}`)
	arrived("forgotten", 8*24*hour, 0, `{}`)
	arrived("", hour/2, 0, `{}`)

	q := facets.SourcesQuestion{
		Known: now - 7*24*hour, Hour: now - hour, Start: now - 24*hour + 1, Width: int64(hour), Stretches: 24,
		Unread: parse(t, "-@nightjar.pipelines:*"), Failed: parse(t, "@nightjar.pipeline_errors:*"), Limit: 10,
	}
	got, err := adapter.NewFacets(s.logs(), nil).Sources(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]facets.SourceCounts{}
	var names []string
	for _, c := range got.All {
		of[c.Source] = c
		names = append(names, c.Source)
	}
	if want := []string{"steady", "", "ahead", "silent", "gone"}; !slices.Equal(names, want) || got.Distinct != 5 || got.Total != 105 || got.Partial {
		t.Errorf("got %q, %d of %d events, want %q, 5 and 105", names, got.Distinct, got.Total, want)
	}
	steady := of["steady"]
	if steady.Events != 102 || steady.Hour != 7 || steady.Unread != 1 || steady.Failed != 1 || steady.Arrived != now || steady.Happened != now || steady.Seq != 102 {
		t.Errorf("steady: %+v", steady)
	}
	if l := steady.Lags; l == nil || math.Abs(l[0]-48_500) > 2000 || math.Abs(l[1]-94_000) > 2000 {
		t.Errorf("steady is late by %v, want 48.5 and 94 s", l)
	}
	var sum uint64
	for _, n := range steady.Counts {
		sum += n
	}
	if len(steady.Counts) != 24 || sum != 102 || steady.Counts[23] != 6 {
		t.Errorf("the course of steady is %v", steady.Counts)
	}
	if l := of["ahead"].Lags; l == nil || l[0] != -5*float64(hour) || of["ahead"].Happened != now-10+5*hour {
		t.Errorf("ahead: %+v, %v", of["ahead"], l)
	}
	if c := of["silent"]; c.Hour != 0 || c.Events != 1 || c.Unread != 1 {
		t.Errorf("silent: %+v", c)
	}
	if c := of["gone"]; c.Events != 0 || c.Lags != nil || c.Arrived != now-50*hour || c.Happened != now-50*hour-7 || len(c.Counts) != 24 {
		t.Errorf("gone: %+v", c)
	}
	q.Limit = 2
	if got, err = adapter.NewFacets(s.logs(), nil).Sources(t.Context(), q); err != nil || len(got.All) != 2 || got.Distinct != 5 {
		t.Errorf("of two: %d of %d, %v", len(got.All), got.Distinct, err)
	}
}

// Where there are more sources than are told apart, the answer is partial.
func TestMoreSourcesThanAreToldApartAreCountedInPart(t *testing.T) {
	s := newShelf(t)
	now := begin + hour
	const more = 100_001
	insert := fmt.Sprintf("INSERT INTO events (seq, timestamp, seen, source, message) WITH fromUnixTimestamp64Milli(toInt64(%d), 'UTC') AS at SELECT number + 1, at, at, concat('of ', toString(number)), '' FROM numbers(%d)", now, more)
	if err := s.conn.Exec(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	got, err := adapter.NewFacets(s.logs(), nil).Sources(t.Context(), facets.SourcesQuestion{
		Known: now - 24*hour, Hour: now - hour, Start: now - hour, Width: int64(hour), Stretches: 2,
		Unread: parse(t, "*"), Failed: parse(t, "*"), Limit: 10,
	})
	if err != nil || !got.Partial || len(got.All) != 10 || got.Distinct >= more {
		t.Errorf("%d of %d sources, partial %t, %v", len(got.All), got.Distinct, got.Partial, err)
	}
}
