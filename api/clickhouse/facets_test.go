package clickhouse_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"nightjar/api"
	adapter "nightjar/api/clickhouse"
	"nightjar/api/services/facets"
	"nightjar/compiler/search"
	"nightjar/schema"
	"nightjar/testenv"
)

func facetFields(place func(string) schema.Field, names ...string) (out []facets.Field) {
	for _, name := range names {
		out = append(out, facets.Field{Name: name, Field: place(name)})
	}
	return out
}

// recounted are the counts of events, done again in memory.
func recounted(q facets.Question, stored []schema.Event) facets.Counts {
	out := facets.Counts{Fields: make([]facets.FieldCounts, len(q.Fields))}
	counts := make([]map[string]uint64, len(q.Fields))
	for i := range counts {
		counts[i] = map[string]uint64{}
	}
	for i := range stored {
		e := &stored[i]
		if e.At < *q.From || e.At >= *q.To || !q.Query.Match(e) {
			continue
		}
		out.Total++
		for k, f := range q.Fields {
			values := e.Values(f.Field)
			if len(values) == 0 {
				out.Fields[k].Lacking++
			}
			for _, v := range values {
				counts[k][v]++
			}
		}
	}
	for k := range counts {
		var list []facets.ValueCount
		for v, n := range counts[k] {
			list = append(list, facets.ValueCount{Value: v, Count: n})
		}
		slices.SortFunc(list, func(a, b facets.ValueCount) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
		})
		out.Fields[k].Distinct = uint64(len(list))
		out.Fields[k].Values = list[:min(len(list), q.Limit)]
	}
	return out
}

// TestFacetsCountWhatASearchFinds compares counts of random events with those of memory.
func TestFacetsCountWhatASearchFinds(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 24))
	s := newShelf(t)
	s.add(randomEvents(t, random, 400)...)
	s.add(event(t, begin, "forms", `{"text":"","whole":-3,"half":2.5,"yes":true}`), event(t, begin, "forms", `{"text":"x","half":1e30}`))
	s.add(event(t, begin, "many", `{"list":["a","b","a"],"n":[1,2],"usr":{"id":["x","y"]}}`, "team:a", "team:b", "bare"), event(t, begin, "many", `{"list":"b","n":1.5}`))
	store := adapter.NewFacets(s.logs(), nil)
	names := []string{"source", "status", "host", "@list", "@n", "@usr.id", "team", "tags", "@text", "@whole", "@half", "@yes", "@nothing"}
	for _, query := range []string{"*", "source:many", "@a:*", "-source:many", "nothing_has_this"} {
		q := facets.Question{
			Selection: facets.Selection{Of: facets.Events, Query: parse(t, query), From: new(schema.MinMillis), To: new(schema.MaxMillis)},
			Fields:    facetFields(schema.ParseField, names...), Limit: 3,
		}
		got, err := store.Facets(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if want := recounted(q, s.events); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s:\n got %v\nwant %v", query, got, want)
		}
	}
}

// countsText is how many there are, by field, and whether that is all.
func countsText(c facets.Counts) string {
	return fmt.Sprintf("{%v %v %v}", c.Total, c.Fields, c.Partial)
}

// TestFacetsOfSignalsCountTheNewestVersionOnce has versions that were replaced, withdrawn
// ones, and hosts in tags.
func TestFacetsOfSignalsCountTheNewestVersionOnce(t *testing.T) {
	conn := signalsTable(t)
	store(t, conn, "a", 1, begin, "web1", "open", "")
	store(t, conn, "a", 2, begin, "web2", "under_review", "")
	store(t, conn, "b", 1, begin+1000, "web1", "open", "")
	store(t, conn, "c", 1, begin+2000, "", "archived", "false_positive")
	store(t, conn, "d", 1, begin+3000, "web1", "archived", "merged")
	store(t, conn, "e", 1, begin+90_000, "web1", "open", "")
	counted := adapter.NewFacets(newShelf(t).logs(), conn)
	of := func(query string) facets.Selection {
		q, err := search.ParseForSignals(query)
		if err != nil {
			t.Fatal(err)
		}
		return facets.Selection{Query: q, Withdrawn: search.AsksForState(q.Root)}
	}
	for _, c := range []struct{ query, want string }{
		{"*", "{4 [{[{high 4}] 1 0} {[{open 2} {archived 1} {under_review 1}] 3 0} {[{false_positive 1}] 1 3} {[{web1 2} {web2 1}] 2 1} {[{sshd 4}] 1 0} {[{t 4}] 1 0}] false}"},
		{"host:web1", "{2 [{[{high 2}] 1 0} {[{open 2}] 1 0} {[] 0 2} {[{web1 2}] 1 0} {[{sshd 2}] 1 0} {[{t 2}] 1 0}] false}"},
		{"state:merged", "{1 [{[{high 1}] 1 0} {[{archived 1}] 1 0} {[{merged 1}] 1 0} {[{web1 1}] 1 0} {[{sshd 1}] 1 0} {[{t 1}] 1 0}] false}"},
	} {
		got, err := counted.Facets(t.Context(), facets.Question{Selection: of(c.query), Limit: 10, Fields: facetFields(search.SignalField, "severity", "state", "reason", "host", "source", "title")})
		if err != nil {
			t.Fatal(err)
		}
		if countsText(got) != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.query, countsText(got), c.want)
		}
	}
	day := of("*")
	day.From, day.To = new(begin), new(begin+1)
	if found, err := counted.Facets(t.Context(), facets.Question{Selection: day, Limit: 10, Fields: facetFields(search.SignalField, "state")}); err != nil || countsText(found) != "{1 [{[{under_review 1}] 1 0}] false}" {
		t.Errorf("of a moment: %v %v", found, err)
	}
	got, err := counted.Histogram(t.Context(), facets.HistogramQuestion{
		Selection: of("*"), Bounds: []schema.Millis{begin, begin + 60_000, begin + 120_000}, Groups: facetFields(search.SignalField, "severity", "state"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "[{[high open] [1 1] 2} {[high archived] [1 0] 1} {[high under_review] [1 0] 1}]"; fmt.Sprint(got.Series) != want || got.Partial {
		t.Errorf("over time:\n got %v\nwant %s", got, want)
	}
	from, to, err := counted.Span(t.Context(), of("*"))
	if err != nil || from != begin || to != begin+90_001 {
		t.Errorf("span: %v %v %v", from, to, err)
	}
	if from, to, err = counted.Span(t.Context(), of("host:nowhere")); err != nil || from != 0 || to != 0 {
		t.Errorf("span of nothing: %v %v %v", from, to, err)
	}
}

// TestHistogramsOfEventsAreThoseOfMemory has stretches of uneven widths.
func TestHistogramsOfEventsAreThoseOfMemory(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 24))
	s := newShelf(t)
	s.add(randomEvents(t, random, 500)...)
	first, last := s.events[0].At, s.events[0].At
	for _, e := range s.events {
		first, last = min(first, e.At), max(last, e.At)
	}
	bounds := []schema.Millis{first}
	for width := schema.Millis(7); bounds[len(bounds)-1] <= last; width *= 3 {
		bounds = append(bounds, bounds[len(bounds)-1]+width)
	}
	got, err := adapter.NewFacets(s.logs(), nil).Histogram(t.Context(), facets.HistogramQuestion{
		Selection: facets.Selection{Of: facets.Events, Query: parse(t, "*"), From: &first, To: new(last + 1)}, Bounds: bounds,
	})
	if err != nil || len(got.Series) != 1 {
		t.Fatal(got, err)
	}
	want := make([]uint64, len(bounds)-1)
	for _, e := range s.events {
		i, exact := slices.BinarySearch(bounds, e.At)
		if !exact {
			i--
		}
		want[i]++
	}
	if !slices.Equal(got.Series[0].Counts, want) || got.Series[0].Total != uint64(len(s.events)) {
		t.Errorf("got %v, want %v", got.Series, want)
	}
}

// TestCountsThatTakeTooLongSaySo has less time than the statement takes.
func TestCountsThatTakeTooLongSaySo(t *testing.T) {
	conn := testenv.ClickHouse(t)
	fillEvents(t, conn, 50_000)
	logs := adapter.NewLogs(conn, adapter.LogsConfig{Time: time.Millisecond})
	got, err := adapter.NewFacets(logs, nil).Facets(t.Context(), facets.Question{
		Selection: facets.Selection{Of: facets.Events, Query: parse(t, "*"), From: new(schema.MinMillis), To: new(schema.MaxMillis)},
		Fields:    facetFields(schema.ParseField, "@usr.id", "host", "@network.client.ip", "tags"), Limit: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	if !got.Partial || got.Total > 50_000 {
		t.Errorf("partial: %v, total %d", got.Partial, got.Total)
	}
}

// TestCountsEndWithTheirCaller looks into the server after the caller has gone.
func TestCountsEndWithTheirCaller(t *testing.T) {
	conn := testenv.ClickHouse(t)
	fillEvents(t, conn, 250_000)
	logs := adapter.NewLogs(conn, adapter.LogsConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := adapter.NewFacets(logs, nil).Facets(ctx, facets.Question{
			Selection: facets.Selection{Of: facets.Events, Query: parse(t, `REGEX(@usr.id, "(a|b|c|1|2|3)*(9|8|7)+x*y*z*$")`), From: new(schema.MinMillis), To: new(schema.MaxMillis)},
			Fields:    facetFields(schema.ParseField, "@usr.id", "host", "@network.client.ip", "tags", "@http.useragent", "@process.executable.path"), Limit: 3,
		})
		done <- err
	}()
	running := func() (n uint64) {
		if err := conn.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE '%GROUPING SETS%' AND current_database = currentDatabase() AND query NOT LIKE '%system.processes%'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for running() == 0 {
		select {
		case err := <-done:
			t.Fatalf("it was over before it was seen: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("a caller who went away was answered")
	}
	for until := time.Now().Add(time.Minute); running() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("it still runs")
		}
	}
}

// TestCountsSayHowFarTheyAre counts events whose number is known.
func TestCountsSayHowFarTheyAre(t *testing.T) {
	conn := testenv.ClickHouse(t)
	fillEvents(t, conn, 250_000)
	var running api.Running
	ctx, end := running.Begin(t.Context(), "ann", "counts")
	defer end()
	if _, err := adapter.NewFacets(adapter.NewLogs(conn, adapter.LogsConfig{}), nil).Facets(ctx, facets.Question{
		Selection: facets.Selection{Of: facets.Events, Query: parse(t, "*"), From: new(schema.MinMillis), To: new(schema.MaxMillis)},
		Fields:    facetFields(schema.ParseField, "host"), Limit: 3,
	}); err != nil {
		t.Fatal(err)
	}
	if p, ok := running.Of("ann", "counts"); p.Rows != 250_000 || p.Total != 250_000 || !ok {
		t.Errorf("read %+v, %t", p, ok)
	}
	ctx, end = running.Begin(t.Context(), "ann", "sql")
	defer end()
	if _, err := adapter.NewSQL(conn).QuerySQL(ctx, "SELECT sum(length(message)) FROM events", nil, 1); err != nil {
		t.Fatal(err)
	}
	if p, ok := running.Of("ann", "sql"); p.Rows < 250_000 || p.Total < p.Rows || !ok {
		t.Errorf("SQL read %+v, %t", p, ok)
	}
	ctx, end = running.Begin(t.Context(), "ann", "list")
	defer end()
	if _, err := adapter.NewLogs(conn, adapter.LogsConfig{}).SearchLogs(ctx, everything(t, "@gone:x")); err != nil {
		t.Fatal(err)
	}
	if p, ok := running.Of("ann", "list"); p.Done != 1 || p.Rows == 0 || !ok {
		t.Errorf("the list read %+v, %t", p, ok)
	}
}
