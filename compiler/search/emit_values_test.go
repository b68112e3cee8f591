package search_test

import (
	"testing"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
)

// TestValuesInSQLAreThoseInMemory compares the values of every field that the
// generated events have, and of some that none has.
func TestValuesInSQLAreThoseInMemory(t *testing.T) {
	events := searchtest.NewGenerator(11).Events(600)
	w := searchtest.NewWorld(t, events)
	fields := searchtest.Fields(w.Events)
	for _, shapes := range []func(string) schema.Shapes{nil, w.Sink.Catalogue().Shapes} {
		for _, f := range fields {
			w.CompareValues(t, f, &search.Params{Shapes: shapes})
		}
	}
	if len(fields) < 40 {
		t.Errorf("only %d fields", len(fields))
	}
}
