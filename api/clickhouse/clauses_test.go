package clickhouse_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	adapter "nightjar/api/clickhouse"
	"nightjar/api/services/events"
	"nightjar/api/services/facets"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// TestClausesHoldForTheEventsThatMemoryFinds asks every part of searches of random events, of
// which the store says only which held.
func TestClausesHoldForTheEventsThatMemoryFinds(t *testing.T) {
	s := newShelf(t)
	s.add(randomEvents(t, rand.New(rand.NewPCG(7, 8)), 400)...)
	for _, text := range []string{"source:s1", "@n:>40 -source:s0 team:1 @gone:x", "@list:b2 OR @n:3 source:s2", "@usr.id:(u1 OR u2) @usr.id:u1 *"} {
		parts, _ := parse(t, text).Clauses()
		parts = append(parts, search.Having(schema.ParseField("@usr.id")), search.Having(schema.ParseField("@nothing")))
		from, to := begin-1000, begin+86_400_001
		want := map[facets.Held]uint64{}
		for i := range s.events {
			if e := &s.events[i]; e.At >= from && e.At < to {
				var held facets.Held
				for n, part := range parts {
					if part.Match(e) {
						held |= 1 << n
					}
				}
				want[held]++
			}
		}
		q := facets.ClausesQuestion{Selection: facets.Selection{Of: facets.Events, Query: parse(t, "*"), From: &from, To: &to}, Parts: parts}
		got, err := adapter.NewFacets(s.logs(), nil).Clauses(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(want) < 2 || len(got.Events) != len(want) || got.Partial {
			t.Fatalf("%s: %+v, want %v", text, got, want)
		}
		for held, n := range want {
			if got.Events[held] != n {
				t.Errorf("%s: %b holds for %d, want %d", text, held, got.Events[held], n)
			}
		}
	}
}

// TestSharesAreOfEachSource counts what has fields, by source and within a time.
func TestSharesAreOfEachSource(t *testing.T) {
	s := newShelf(t)
	s.add(event(t, begin, "sshd", `{"a":1}`), event(t, begin, "sshd", `{"a":{"b":2}}`), event(t, begin, "sshd", `{}`), event(t, begin, "web", `{"c":null}`), event(t, begin+10, "web", `{"c":"x"}`))
	to := begin + 5
	got, err := adapter.NewFacets(s.logs(), nil).Shares(t.Context(), facets.SharesQuestion{
		To: &to, Fields: []schema.Field{schema.ParseField("@a"), schema.ParseField("@c")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Source != "sshd" || got[0].Events != 3 || !slices.Equal(got[0].Having, []uint64{2, 0}) || got[1].Events != 1 || got[1].Having[1] != 0 {
		t.Errorf("shares %+v", got)
	}
}

// TestPagesWithALimitOfTimeAreTogetherAllOfIt reads with hardly any time a page: each says of
// which stretch it is, these touch, and together the pages have what one without a limit has.
func TestPagesWithALimitOfTimeAreTogetherAllOfIt(t *testing.T) {
	s := newShelf(t)
	s.add(randomEvents(t, rand.New(rand.NewPCG(5, 6)), 300)...)
	logs := s.logs()
	for _, ascending := range []bool{false, true} {
		asked := everything(t, "@n:>10")
		asked.Ascending, asked.Limit, asked.Within = ascending, 1000, time.Nanosecond
		want, cut, end := s.expected(asked), 0, asked.To
		if ascending {
			end = asked.From
		}
		got := pagesUntil(t, logs, asked, func(p events.LogPage) {
			if p.Cut {
				cut++
				near, far := p.To, p.From
				if ascending {
					near, far = p.From, p.To
				}
				if near != end && near != end+1 && near != end-1 || p.From >= p.To {
					t.Errorf("ascending %t: page %d is of %s to %s, after one that went to %s", ascending, cut, p.From, p.To, end)
				}
				end = far
			}
		})
		if !slices.Equal(got, want) || cut < 3 {
			t.Errorf("ascending %t: %d pages were cut; got %d events, want %d", ascending, cut, len(got), len(want))
		}
	}
}

// pagesUntil reads pages until the last, which is not cut, and shows each.
func pagesUntil(t *testing.T, logs *adapter.Logs, asked events.LogSearch, each func(events.LogPage)) (out []uint64) {
	t.Helper()
	for n := 0; n < 1000; n++ {
		page, err := logs.SearchLogs(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		each(page)
		out = append(out, seqs(page.Events)...)
		if asked.After = page.Next; !page.Cut {
			return out
		}
	}
	t.Fatal("the pages have no end")
	return nil
}
