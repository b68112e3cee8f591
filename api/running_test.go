package api_test

import (
	"strings"
	"testing"

	"nightjar/api"
)

// TestEachCallerSeesTheirOwnSearches has two of one name, and calls that share one.
func TestEachCallerSeesTheirOwnSearches(t *testing.T) {
	var r api.Running
	a, endA := r.Begin(t.Context(), "ann", "s")
	b, endB := r.Begin(t.Context(), "ann", "s")
	c, endC := r.Begin(t.Context(), "bob", "s")
	api.ReadingOf(a).Add(1, 10)
	api.ReadingOf(b).Add(2, 20)
	api.ReadingOf(c).Add(40, 4)
	is := func(caller, search string, rows, total uint64, running bool) {
		t.Helper()
		if p, ok := r.Of(caller, search); p.Rows != rows || p.Total != total || ok != running {
			t.Errorf("%s: %+v, %t", caller, p, ok)
		}
	}
	is("ann", "s", 3, 30, true)
	is("bob", "s", 40, 40, true)
	is("eve", "s", 0, 0, false)
	api.ReadingOf(a).Done(0.25)
	if p, _ := r.Of("ann", "s"); p.Done != 0.25 {
		t.Errorf("%+v is a quarter", p)
	}
	api.ReadingOf(t.Context()).Done(1) // nobody asks
	endA()
	is("ann", "s", 3, 30, true)
	endB()
	endC()
	is("ann", "s", 0, 0, false)
	is("bob", "s", 0, 0, false)
	for _, name := range []string{"", strings.Repeat("x", 65)} {
		if of, end := r.Begin(t.Context(), "ann", name); api.ReadingOf(of) != nil {
			t.Errorf("%q is a name", name)
		} else {
			end()
		}
	}
}
