package facets

import (
	"strings"
	"testing"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// TestClausesSayWhichOneLeavesNothing has events of known combinations, bit 0 for the first part.
func TestClausesSayWhichOneLeavesNothing(t *testing.T) {
	for _, c := range []struct {
		query, fields string
		events        map[Held]uint64
		total         int64
		soFar         []int64
		decides       string // a letter for each clause
		why           string
	}{
		{query: "@a:1 @b:2", events: map[Held]uint64{0: 5, 1: 3, 2: 4, 3: 2}, total: 2, soFar: []int64{5, 2}, decides: "--"},
		{query: "@a:1 @b:2", events: map[Held]uint64{}, why: "There is no event in this time.", soFar: []int64{0, 0}, decides: "--"},
		{query: "@a:1 @b:2 @c:3", events: map[Held]uint64{0b011: 7, 0b001: 1}, soFar: []int64{8, 7, 0}, decides: "--d", why: "No event of this time has @c:3."},
		{query: "@a:1 @b:2", events: map[Held]uint64{1: 7, 2: 4}, soFar: []int64{7, 0}, decides: "dd", why: "@a:1 leaves nothing: without it 4 events are found. @b:2 leaves nothing: without it 7 events are found."},
		{query: "@a:1 @b:2 @c:3", events: map[Held]uint64{0b001: 7, 0b010: 4, 0b100: 1}, soFar: []int64{7, 0, 0}, decides: "---", why: "No event has both @a:1 (7) and @b:2 (4)."},
		{query: "@a:1 @b:2 @c:3 @d:4", events: map[Held]uint64{0b0011: 1, 0b0101: 1, 0b0110: 1, 0b1001: 1, 0b1010: 1, 0b1100: 1}, soFar: []int64{3, 1, 0, 0}, decides: "----", why: "@c:3 leaves nothing of the 1 that the clauses before it leave."},
		{query: "@a:1 OR @b:2", events: map[Held]uint64{0: 9}, soFar: []int64{0, 0}, decides: "--", why: "No event of this time matches one of the alternatives."},
		{query: "@a:1 OR @b:2", events: map[Held]uint64{1: 2, 2: 3, 3: 4}, total: 9, soFar: []int64{6, 9}, decides: "--"},
		{query: "@a:1", fields: "@u", events: map[Held]uint64{1: 6}, soFar: []int64{6, 0}, decides: "-d", why: "No event of this time has @u."},
		{query: "@a:1 OR @b:2", fields: "@u", events: map[Held]uint64{1: 6, 4: 1}, soFar: []int64{6, 6, 0}, decides: "--d", why: "@u leaves nothing: without it 6 events are found."},
	} {
		q, err := search.Parse(c.query)
		if err != nil {
			t.Fatal(err)
		}
		counted := clausesOf(q)
		counted.terms, counted.held = len(counted.parts), HeldCounts{Events: c.events}
		for _, f := range strings.Fields(c.fields) {
			counted.parts = append(counted.parts, search.Having(schema.ParseField(f)))
		}
		got := counted.answer(c.query, strings.Fields(c.fields))
		decides := ""
		for i, clause := range got.Clauses {
			decides += map[bool]string{true: "d", false: "-"}[clause.Decides]
			if clause.SoFar != c.soFar[i] {
				t.Errorf("%s: up to %s %d are left, want %d", c.query, clause.Text, clause.SoFar, c.soFar[i])
			}
		}
		if got.Total != c.total || decides != c.decides || got.Why != c.why {
			t.Errorf("%s of %v:\ngot  %d, %s, %s\nwant %d, %s, %s", c.query, c.events, got.Total, decides, got.Why, c.total, c.decides, c.why)
		}
	}
}

// TestSharesAreAllOnlyWhereTheyAre writes shares.
func TestSharesAreAllOnlyWhereTheyAre(t *testing.T) {
	for want, n := range map[string][2]uint64{
		"100 %": {7, 7}, "0 %": {0, 7}, "less than 0.1 %": {1, 1_000_000}, "more than 99.9 %": {999_999, 1_000_000}, "99.8 %": {998, 1000}, "2.5 %": {1, 40}, "33 %": {1, 3},
	} {
		if got := percent(n[0], n[1]); got != want {
			t.Errorf("%d of %d is %s, want %s", n[0], n[1], got, want)
		}
	}
}
