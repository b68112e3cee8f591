package compiler

import (
	"slices"
	"testing"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
)

// TestTextsThatAreNumbersAddUp takes the metric of a rule, and what aggregations
// of a search read.
func TestTextsThatAreNumbersAddUp(t *testing.T) {
	var events []schema.Event
	want := [][]float64{}
	for _, c := range []struct {
		json    string
		numbers []float64
	}{
		{`{"n":"48.5","usr":{"id":"48.5"}}`, []float64{48.5}}, {`{"n":"+5e2","usr":{"id":"+5e2"}}`, []float64{500}}, {`{"n":["1",2,2.5,"x","-1e0",true],"usr":{"id":["1","2",2.5,"x","-1e0"]}}`, []float64{1, 2, 2.5, -1}},
		{`{"n":["1","2","x"],"usr":{"id":["1","2","x"]}}`, []float64{1, 2}}, {`{"n":" 1","usr":{"id":" 1"}}`, nil}, {`{"n":"1e400","usr":{"id":"1e400"}}`, nil}, {`{"n":"0x10","usr":{"id":"inf"}}`, nil}, {`{"n":"","usr":{"id":""}}`, nil}, {`{}`, nil},
	} {
		a, err := schema.ParseAttributes(c.json)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, schema.Event{At: 1, Seen: 1, Attributes: a})
		want = append(want, c.numbers)
	}
	w := searchtest.NewWorld(t, events)
	for _, name := range []string{"@n", "@usr.id"} {
		f := schema.ParseField(name)
		w.CompareValues(t, f, &search.Params{})
		w.CompareValues(t, f, &search.Params{Shapes: w.Sink.Catalogue().Shapes})
		for i := range events {
			numbers := searchtest.NumbersOf(&events[i], f)
			if slices.Sort(numbers); !slices.Equal(numbers, sortedFloats(want[i])) {
				t.Errorf("%s of %s: %v, want %v", name, events[i].JSON, numbers, want[i])
			}
			var sum, greatest float64
			for j, n := range want[i] {
				sum += n
				if greatest = max(greatest, n); j == 0 {
					greatest = n
				}
			}
			for aggregation, value := range map[Aggregation]float64{AggSum: sum, AggMax: greatest} {
				l := Label{Metric: f, Aggregation: aggregation}
				if got, ok := l.number(&events[i]); got != value || ok != (len(want[i]) > 0) {
					t.Errorf("%s of %s, aggregation %d: %v, %v, want %v", name, events[i].JSON, aggregation, got, ok, value)
				}
			}
		}
	}
}

func sortedFloats(list []float64) []float64 {
	out := slices.Clone(list)
	slices.Sort(out)
	return out
}
