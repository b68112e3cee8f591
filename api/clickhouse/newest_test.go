package clickhouse_test

import (
	"fmt"
	"testing"
	"time"

	adapter "nightjar/api/clickhouse"
	"nightjar/api/services/facets"
	"nightjar/schema"
	"nightjar/testenv"
)

// TestWhatIsCountedWithinATimeIsExactForTheNewest counts 30 days of events: within a
// millisecond no more than the first stretch, within a minute all. Whatever was counted is
// what a count of exactly that stretch says.
func TestWhatIsCountedWithinATimeIsExactForTheNewest(t *testing.T) {
	conn := testenv.ClickHouse(t)
	fillEvents(t, conn, 50_000)
	store := adapter.NewFacets(adapter.NewLogs(conn, adapter.LogsConfig{}), nil)
	of := facets.Selection{Of: facets.Events, Query: parse(t, "*"), From: new(begin), To: new(begin + 300*86_400_000)} // nothing in most of it
	q := facets.Question{Selection: of, Fields: facetFields(schema.ParseField, "host", "@usr.id"), Limit: 5, Within: time.Millisecond}
	part, err := store.Facets(t.Context(), q)
	if err != nil || part.From == nil || !part.Partial || part.Total == 0 || part.Total >= 50_000 {
		t.Fatalf("within a millisecond: %+v, %v", part, err)
	}
	whole := q
	whole.From, whole.Within = part.From, 0
	want, err := store.Facets(t.Context(), whole)
	if err != nil || fmt.Sprint(want.Fields) != fmt.Sprint(part.Fields) || want.Total != part.Total || want.From != nil || want.Partial {
		t.Errorf("got %+v, want %+v, %v", part, want, err)
	}
	q.Within = time.Minute
	if all, err := store.Facets(t.Context(), q); err != nil || all.From != nil || all.Partial || all.Total != 50_000 {
		t.Errorf("within a minute: %+v, %v", all, err)
	}
	tags := facets.Question{Selection: of, Limit: 5, Within: time.Millisecond}
	if keys, err := store.TagKeys(t.Context(), tags); err != nil || len(keys) != 2 || keys[0].Count >= 50_000 {
		t.Errorf("tags: %v, %v", keys, err)
	}
}

// TestWhatWasBrokenOffIsExactForNoTime has less time than the first stretch takes: nobody knows
// which of its events were counted.
func TestWhatWasBrokenOffIsExactForNoTime(t *testing.T) {
	conn := testenv.ClickHouse(t)
	fillEvents(t, conn, 50_000)
	store := adapter.NewFacets(adapter.NewLogs(conn, adapter.LogsConfig{Time: time.Millisecond}), nil)
	of := facets.Selection{Of: facets.Events, Query: parse(t, "*"), From: new(begin - 300*86_400_000), To: new(begin + 300*86_400_000)}
	var got facets.Counts
	untilAsked(t, func() (err error) {
		got, err = store.Facets(t.Context(), facets.Question{Selection: of, Fields: facetFields(schema.ParseField, "@usr.id"), Limit: 5, Within: time.Millisecond})
		return err
	})
	if !got.Partial || got.From != nil {
		t.Errorf("facets: partial %t, exact from %v", got.Partial, got.From)
	}
	q := facets.HistogramQuestion{Selection: of, Within: time.Millisecond}
	for i := range schema.Millis(601) {
		q.Bounds = append(q.Bounds, *of.From+i*86_400_000)
	}
	var drawn facets.Histogram
	untilAsked(t, func() (err error) {
		drawn, err = store.Histogram(t.Context(), q)
		return err
	})
	if !drawn.Partial || drawn.From != nil {
		t.Errorf("histogram: partial %t, exact from %v", drawn.Partial, drawn.From)
	}
}

// untilAsked asks again where the machine had no time for so much as to ask.
func untilAsked(t *testing.T, ask func() error) {
	t.Helper()
	var err error
	for range 100 {
		if err = ask(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// TestAHistogramGrowsFromTheNewest asks again and again for what is older than what was
// counted: together that is all, each event once.
func TestAHistogramGrowsFromTheNewest(t *testing.T) {
	conn := testenv.ClickHouse(t)
	fillEvents(t, conn, 50_000)
	store := adapter.NewFacets(adapter.NewLogs(conn, adapter.LogsConfig{}), nil)
	q := facets.HistogramQuestion{
		Selection: facets.Selection{Of: facets.Events, Query: parse(t, "*"), From: new(begin), To: new(begin + 30*86_400_000)},
		Groups:    facetFields(schema.ParseField, "status"),
	}
	for i := range schema.Millis(31) {
		q.Bounds = append(q.Bounds, begin+i*86_400_000)
	}
	want, err := store.Histogram(t.Context(), q)
	if err != nil || want.From != nil || len(want.Series) != 2 {
		t.Fatal(want, err)
	}
	sums := map[string][]uint64{}
	answers := 0
	for q.Within = time.Millisecond; ; q.Within *= 2 {
		part, err := store.Histogram(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		answers++
		for _, s := range part.Series {
			into := sums[s.By[0]]
			if into == nil {
				into = make([]uint64, len(s.Counts))
				sums[s.By[0]] = into
			}
			for i, n := range s.Counts {
				into[i] += n
			}
		}
		if part.From == nil {
			break
		}
		if !part.Partial || *part.From >= *q.To || *part.From <= *q.From {
			t.Fatalf("counted from %s of %s to %s, partial %t", part.From, q.From, q.To, part.Partial)
		}
		q.To = part.From
	}
	if answers < 2 {
		t.Error("a millisecond was enough for 30 days")
	}
	for _, s := range want.Series {
		if fmt.Sprint(sums[s.By[0]]) != fmt.Sprint(s.Counts) {
			t.Errorf("%s: together %v, at once %v", s.By[0], sums[s.By[0]], s.Counts)
		}
	}
}

// TestTheSpanOfAllEventsIsThatOfTheFirstAndTheLast compares the two statements that find it.
func TestTheSpanOfAllEventsIsThatOfTheFirstAndTheLast(t *testing.T) {
	s := newShelf(t)
	store := adapter.NewFacets(s.logs(), nil)
	of := facets.Selection{Of: facets.Events, Query: parse(t, "*"), To: new(begin + 1000)}
	if from, to, err := store.Span(t.Context(), of); err != nil || from != 0 || to != 0 {
		t.Errorf("of nothing: %s to %s, %v", from, to, err)
	}
	for _, ago := range []schema.Millis{500, 7, 90_000_000, 4000} {
		s.add(event(t, begin-ago, fmt.Sprint("s", ago), `{}`))
	}
	s.add(event(t, begin+1000, "later", `{}`))
	for _, query := range []string{"*", "source:s*"} {
		of.Query = parse(t, query)
		if from, to, err := store.Span(t.Context(), of); err != nil || from != begin-90_000_000 || to != begin-6 {
			t.Errorf("%s: %s to %s, %v", query, from, to, err)
		}
	}
}
