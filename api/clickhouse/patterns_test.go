package clickhouse_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	adapter "nightjar/api/clickhouse"
	"nightjar/api/services/events"
	"nightjar/api/services/facets"
	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/schema"
)

func patternsOf(t *testing.T, s *shelf, in *pb.EventPatternsRequest) *pb.EventPatternsResponse {
	t.Helper()
	service := facets.FacetService{Store: adapter.NewFacets(s.logs(), nil), Events: &events.SearchService{Now: time.Now}}
	in.Filter.From, in.Filter.To = new(schema.MinMillis.String()), new(schema.MaxMillis.String())
	out, err := service.CountEventPatterns(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *shelf) addMessages(messages ...string) {
	all := make([]schema.Event, len(messages))
	for i, m := range messages {
		all[i] = event(s.t, begin+schema.Millis(i), "shapes", "{}")
		all[i].Message = m
	}
	s.add(all...)
}

// TestMessagesAreGroupedByTheirShape says what differs in messages and what does not.
func TestMessagesAreGroupedByTheirShape(t *testing.T) {
	s := newShelf(t)
	long := strings.Repeat("ä", facets.PatternLength)
	want := map[string][]string{
		"Failed password for <quoted> from <ip> port <number>": {`Failed password for "root" from 192.0.2.7 port 22`, `Failed password for "a b" from 198.51.100.250 port 50123`},
		"from <ip> to <ip>":                                  {"from 2001:db8::1 to 2001:db8:0:0:0:0:0:1", "from fe80:: to 10.0.0.1"},
		"mac <hex>, it's <hex>":                              {"mac 00:1a:2b:3c:4d:5e, it's 0xBEEF", "mac ff:ff:ff:ff:ff:ff, it's deadbeef01"},
		"id=<uuid> name=<quoted>":                            {"id=123e4567-e89b-12d3-a456-426614174000 name='x'", "id=00000000-0000-0000-0000-000000000000 name='it is \t y'"},
		"a<control>b<control>":                               {"a\x01b\x7f", "a\x05b\x00"},
		"literal <number> and * or ?\\":                      {`literal <number> and * or ?\`},
		"at <number>:<number>:<number>.<number> std::string": {"at 12:34:56.789 std::string", "at 1:2:3.4 std::string"},
		"<number>":                    {"7", "12345678"},
		"":                            {""},
		long + "…":                    {long + "x", long + "y and more"},
		"two\nlines\tof user<number>": {"two\nlines\tof user1", "two\nlines\tof user22"},
	}
	for _, messages := range want {
		s.addMessages(messages...)
	}
	got := patternsOf(t, s, &pb.EventPatternsRequest{Filter: &pb.LogFilter{Query: "source:shapes"}})
	if len(got.Patterns) != len(want) || got.Distinct != int64(len(want)) || got.Total != int64(len(s.events)) || got.Others != 0 || got.Partial || got.CountedFrom != nil {
		t.Errorf("%d patterns of %d, %d events: %v", len(got.Patterns), got.Distinct, got.Total, got)
	}
	for _, p := range got.Patterns {
		messages, known := want[p.Pattern]
		if !known || p.Count != int64(len(messages)) {
			t.Errorf("%q has %d events, want %d", p.Pattern, p.Count, len(messages))
			continue
		}
		if first := []rune(messages[0]); p.First.Message != string(first[:min(len(first), facets.PatternLength)]) {
			t.Errorf("%q begins with %q, want %q", p.Pattern, p.First.Message, messages[0])
		}
		at, seq, err := schema.ParseEventID(p.Last.EventId)
		if last := s.events[seq-1]; err != nil || last.At != at || int64(at) != p.Last.Timestamp || last.Message != messages[len(messages)-1] {
			t.Errorf("%q ends with %v: %v", p.Pattern, p.Last, err)
		}
		q, err := search.Parse(p.Query)
		if err != nil {
			t.Errorf("%q: %v", p.Query, err)
			continue
		}
		for i := range s.events {
			if e := &s.events[i]; slices.Contains(messages, e.Message) && !q.Match(e) {
				t.Errorf("%q does not find %q", p.Query, e.Message)
			}
		}
	}
}

// TestAPatternsQueryFindsAllOfItsEvents asks for the patterns of random messages, of which only
// the most frequent are told: the others are counted.
func TestAPatternsQueryFindsAllOfItsEvents(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 9))
	words := []string{"user", "7", "0x1f", `"x"`, "'", `"`, "*", "?", `\`, "(", "OR", "-", ":", "  ", "\t", "10.0.0.1", "ü", "登录", "\x02", "<ip>", "AND", "1.5e3", "a1b2c3d4"}
	messages := make([]string, 400)
	for i := range messages {
		parts := make([]string, 1+random.IntN(5))
		for n := range parts {
			parts[n] = words[random.IntN(len(words))]
		}
		messages[i] = strings.Join(parts, []string{" ", ""}[random.IntN(2)])
	}
	s := newShelf(t)
	s.addMessages(messages...)
	all := patternsOf(t, s, &pb.EventPatternsRequest{Filter: &pb.LogFilter{Query: "source:shapes OR host:none"}, Limit: new(int32(500))})
	if len(all.Patterns) < 100 || int64(len(all.Patterns)) != all.Distinct {
		t.Fatalf("%d of %d patterns", len(all.Patterns), all.Distinct)
	}
	asked := 0
	for _, p := range all.Patterns {
		if p.Query == "" {
			continue
		}
		asked++
		q := parse(t, p.Query)
		found := patternsOf(t, s, &pb.EventPatternsRequest{Filter: &pb.LogFilter{Query: p.Query}, Limit: new(int32(500))})
		at := slices.IndexFunc(found.Patterns, func(o *pb.EventPattern) bool { return o.Pattern == p.Pattern })
		if at < 0 || found.Patterns[at].Count != p.Count {
			t.Errorf("%q (%q): %v, want %d", p.Query, p.Pattern, found.Patterns, p.Count)
		}
		if e := s.events[seqOf(t, p.First.EventId)-1]; !q.Match(&e) {
			t.Errorf("%q does not find %q", p.Query, e.Message)
		}
	}
	if asked < len(all.Patterns)*9/10 {
		t.Errorf("%d of %d have a query", asked, len(all.Patterns))
	}
	few := patternsOf(t, s, &pb.EventPatternsRequest{Filter: &pb.LogFilter{Query: "source:shapes"}, Limit: new(int32(3))})
	told := int64(0)
	for i, p := range few.Patterns {
		told += p.Count
		if o := all.Patterns[i]; o.Pattern != p.Pattern || o.Count != p.Count {
			t.Errorf("%d: %q, want %q", i, p.Pattern, o.Pattern)
		}
	}
	if len(few.Patterns) != 3 || few.Others != few.Total-told || few.Total != int64(len(messages)) || few.Distinct != all.Distinct {
		t.Errorf("%v", few)
	}
}

func seqOf(t *testing.T, id string) uint64 {
	t.Helper()
	_, seq, err := schema.ParseEventID(id)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// TestPatternsOfTheNewestSaySinceWhen gives them next to no time, and all of it.
func TestPatternsOfTheNewestSaySinceWhen(t *testing.T) {
	s := newShelf(t)
	messages := make([]string, 2000)
	for i := range messages {
		messages[i] = fmt.Sprintf("knock %d", i)
	}
	s.addMessages(messages...)
	for _, within := range []int32{1, 30_000} {
		got := patternsOf(t, s, &pb.EventPatternsRequest{Filter: &pb.LogFilter{}, WithinMs: &within})
		since := cmp.Or(got.CountedFrom, new(int64(schema.MinMillis)))
		n := int64(0)
		for i := range s.events {
			if int64(s.events[i].At) >= *since {
				n++
			}
		}
		if got.Partial != (got.CountedFrom != nil) || got.Total != n {
			t.Errorf("within %d ms: %v, want %d", within, got, n)
		}
	}
}
