package clickhouse_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api"
	adapter "nightjar/api/clickhouse"
	"nightjar/api/services/events"
	"nightjar/compiler/search"
	intake "nightjar/ingest/clickhouse"
	"nightjar/migrations"
	"nightjar/schema"
	"nightjar/testenv"
)

// shelf is a table of events, and the same events in memory.
type shelf struct {
	t      testing.TB
	conn   driver.Conn
	sink   *intake.Sink
	events []schema.Event
}

func newShelf(t testing.TB) *shelf {
	conn := testenv.ClickHouse(t)
	if _, err := migrations.Apply(t.Context(), conn, schema.Tables); err != nil {
		t.Fatal(err)
	}
	s := &shelf{t: t, conn: conn, sink: intake.New(conn)}
	if err := s.sink.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// logs looks only for the forms that are stored, as the engine does.
func (s *shelf) logs() *adapter.Logs {
	return adapter.NewLogs(s.conn, adapter.LogsConfig{Catalogue: s.sink.Catalogue()})
}

// add stores events, which are numbered as they come.
func (s *shelf) add(events ...schema.Event) {
	s.t.Helper()
	for i := range events {
		events[i].Seq = uint64(len(s.events) + 1)
		events[i].Seen = cmp.Or(events[i].Seen, begin)
		s.events = append(s.events, events[i])
	}
	token := fmt.Sprintf("%s %d", s.t.Name(), len(s.events))
	if err := s.sink.Insert(s.t.Context(), token, events); err != nil {
		s.t.Fatal(err)
	}
}

func event(t testing.TB, at schema.Millis, source, attributes string, tags ...string) schema.Event {
	t.Helper()
	a, err := schema.ParseAttributes(attributes)
	if err != nil {
		t.Fatal(err)
	}
	return schema.Event{At: at, Source: source, Status: "info", Tags: tags, Attributes: a}
}

func parse(t testing.TB, text string) *search.Query {
	t.Helper()
	q, err := search.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// everything is a search over all time.
func everything(t testing.TB, text string) events.LogSearch {
	return events.LogSearch{Query: parse(t, text), From: schema.MinMillis, To: schema.MaxMillis, Limit: 10}
}

// expected are the numbers of the events that memory finds, in order.
func (s *shelf) expected(asked events.LogSearch) []uint64 {
	var found []schema.Event
	for _, e := range s.events {
		if e.At >= asked.From && e.At < asked.To && asked.Query.Match(&e) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b schema.Event) int {
		order := cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(b.Seq, a.Seq))
		if asked.Ascending {
			return -order
		}
		return order
	})
	return seqs(found)
}

func seqs(events []schema.Event) []uint64 {
	out := make([]uint64, len(events))
	for i, e := range events {
		out[i] = e.Seq
	}
	return out
}

// pages reads all pages; between is called after each.
func pages(t testing.TB, logs *adapter.Logs, asked events.LogSearch, between func()) []uint64 {
	t.Helper()
	out := []uint64{}
	for n := 0; ; n++ {
		if n > 2000 {
			t.Fatal("the pages have no end")
		}
		page, err := logs.SearchLogs(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Events) > asked.Limit {
			t.Fatalf("%d events on a page of %d", len(page.Events), asked.Limit)
		}
		out = append(out, seqs(page.Events)...)
		if page.Next == nil {
			return out
		}
		asked.After = page.Next
		between()
	}
}

// randomEvents are spread over years, close together in places, and some of
// them at the same time.
func randomEvents(t testing.TB, random *rand.Rand, n int) []schema.Event {
	centres := []schema.Millis{begin, begin - 1000, begin + 86_400_000, begin - 9*365*86_400_000, begin + 5*365*86_400_000, 0, -1}
	var out []schema.Event
	for range n {
		at := centres[random.IntN(len(centres))] + schema.Millis(random.IntN(5))
		if random.IntN(3) == 0 {
			at += schema.Millis(random.IntN(3_600_000))
		}
		attributes := fmt.Sprintf(`{"n":%d,"usr":{"id":"u%d"},"list":["a",%d,"b%d"],"http":{"method":"GET"}}`, random.IntN(50), random.IntN(4), random.IntN(3), random.IntN(3))
		out = append(out, event(t, at, fmt.Sprintf("s%d", random.IntN(3)), attributes, "env:prod", fmt.Sprintf("team:%d", random.IntN(3))))
	}
	return out
}

func TestLogsAreThoseOfMemoryInTheOrderOfTime(t *testing.T) {
	s := newShelf(t)
	s.add(randomEvents(t, rand.New(rand.NewPCG(1, 2)), 400)...)
	logs := s.logs()
	for _, text := range []string{"", "@n:>40", "@list:b2 -source:s0 team:1", "nothing"} {
		for _, ascending := range []bool{false, true} {
			for _, limit := range []int{7, 1000} {
				for _, r := range [][2]schema.Millis{{schema.MinMillis, schema.MaxMillis}, {begin, begin + 3}, {-2, begin + 86_400_001}, {begin, begin}} {
					asked := everything(t, text)
					asked.Ascending, asked.Limit, asked.From, asked.To = ascending, limit, r[0], r[1]
					want := s.expected(asked)
					if limit == 7 && len(want) > 60 {
						continue // the other limit has them all
					}
					if got := pages(t, logs, asked, func() {}); !slices.Equal(got, want) {
						t.Errorf("%q, ascending %t, limit %d, %v:\ngot  %v\nwant %v", text, ascending, limit, r, got, want)
					}
				}
			}
		}
	}
}

// What is on a page stays there, whatever arrives meanwhile: nothing comes
// twice, and nothing that was there at the beginning is left out.
func TestPagesAreStableUnderInserts(t *testing.T) {
	for _, ascending := range []bool{false, true} {
		s := newShelf(t)
		random := rand.New(rand.NewPCG(3, 4))
		s.add(randomEvents(t, random, 60)...)
		asked := everything(t, "")
		asked.Ascending, asked.Limit = ascending, 9
		want, arrivals := s.expected(asked), 0
		got := pages(t, s.logs(), asked, func() {
			if arrivals++; arrivals < 8 {
				s.add(randomEvents(t, random, 10)...)
			}
		})
		seen := map[uint64]bool{}
		for _, seq := range got {
			if seen[seq] {
				t.Errorf("event %d came twice", seq)
			}
			seen[seq] = true
		}
		old := slices.DeleteFunc(got, func(seq uint64) bool { return seq > 60 })
		if !slices.Equal(old, want) {
			t.Errorf("ascending %t:\ngot  %v\nwant %v", ascending, old, want)
		}
	}
}

func TestEventIsShownAsItWasStored(t *testing.T) {
	s := newShelf(t)
	e := event(t, begin, "sshd", `{"a":{"b":[1,"x",null]},"text":"q\"\\\n\u0000"}`, "k:v", "bare")
	e.Service, e.Host, e.Status, e.Message = "svc", "web1", "error", "It's \"odd\"\n"
	s.add(e)
	page, err := s.logs().SearchLogs(t.Context(), everything(t, ""))
	if err != nil || len(page.Events) != 1 {
		t.Fatalf("got %v, %v", page, err)
	}
	got := page.Events[0]
	got.Leaves, got.Seen = s.events[0].Leaves, s.events[0].Seen
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", s.events[0]) {
		t.Errorf("got  %+v\nwant %+v", got, s.events[0])
	}
}

// A search that runs out of time says so, and goes on where it was.
func TestSearchThatIsCutOffGoesOnWhereItWas(t *testing.T) {
	s := newShelf(t)
	s.add(randomEvents(t, rand.New(rand.NewPCG(5, 6)), 300)...)
	cuts := 0
	for limit := time.Millisecond; limit < 2*time.Second && cuts < 3; limit += limit / 8 {
		logs := adapter.NewLogs(s.conn, adapter.LogsConfig{Time: limit, Memory: 1 << 30})
		asked := everything(t, "@n:7")
		asked.Ascending = cuts == 1
		page, err := logs.SearchLogs(t.Context(), asked)
		var refused *api.RefusedError
		if errors.As(err, &refused) && strings.Contains(refused.Message, "longer than it may") {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !page.Cut {
			continue
		}
		cuts++
		got := seqs(page.Events)
		asked.After = page.Next
		got = append(got, pages(t, s.logs(), asked, func() {})...)
		if want := s.expected(asked); !slices.Equal(got, want) {
			t.Errorf("cut after %s:\ngot  %v\nwant %v", limit, got, want)
		}
	}
	if cuts == 0 {
		t.Error("no search was cut off")
	}
}

func TestLogsAreBoundedInMemory(t *testing.T) {
	conn := testenv.ClickHouse(t)
	fillEvents(t, conn, 250_000)
	logs := adapter.NewLogs(conn, adapter.LogsConfig{Time: time.Minute, Memory: 8 << 20})
	a := events.LogAggregation{Query: parse(t, ""), From: begin, To: schema.MaxMillis, Computes: []events.LogCompute{{Function: "cardinality", Metric: schema.ParseField("message")}}}
	var refused *api.RefusedError
	if _, err := logs.AggregateLogs(t.Context(), a); !errors.As(err, &refused) || !strings.Contains(refused.Message, "more memory") {
		t.Errorf("got %v", err)
	}
}

func TestExplanationNamesTheIndexes(t *testing.T) {
	s := newShelf(t)
	s.add(randomEvents(t, rand.New(rand.NewPCG(9, 10)), 500)...)
	// What was inserted has its indexes after the first merge.
	if err := s.conn.Exec(t.Context(), "OPTIMIZE TABLE events FINAL"); err != nil {
		t.Fatal(err)
	}
	asked := everything(t, "source:s1 @usr.id:u1 service:x")
	asked.From, asked.To = begin, begin+1000
	e, err := s.logs().ExplainLogs(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]events.IndexUse{}
	for _, i := range e.Indexes {
		used[i.Kind+" "+i.Name] = i
	}
	for _, want := range []string{"primary key ", "skip by_time", "skip by_service"} {
		if _, ok := used[want]; !ok {
			t.Errorf("%q is not among %v", want, slices.Collect(maps.Keys(used)))
		}
	}
	if i := used["skip by_service"]; i.GranulesBefore == 0 || i.GranulesAfter != 0 {
		t.Errorf("by_service: %+v", i)
	}
	if !slices.Contains(used["primary key "].Keys, "source") {
		t.Errorf("primary key: %+v", used["primary key "])
	}
	if strings.Contains(e.SQL, "u1") || len(e.Params) < 5 {
		t.Errorf("%s with %v", e.SQL, e.Params)
	}
}
