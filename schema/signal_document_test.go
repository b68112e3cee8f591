package schema

import (
	"encoding/json"
	"reflect"
	"testing"
)

// TestASignalsDocumentIsReadAmongAttributesOfEvents has attributes whose names differ from
// the document's in case only.
func TestASignalsDocumentIsReadAmongAttributesOfEvents(t *testing.T) {
	want := SignalDocument{
		Title: "t", Status: "high", GroupByPaths: []string{"@usr"}, Samples: json.RawMessage(`[]`),
		Nightjar: SignalDetails{ID: "s1", Case: -1, FirstSeen: 5, Group: []string{"u"}, NewValues: []any{"v"}},
		Queries:  []SignalQuery{{Name: "a", Query: "*"}}, TriggeringRuleCase: SignalCase{Condition: "a > 0"},
		Workflow: SignalWorkflow{EventsMatched: 3, Triage: SignalTriage{Version: 2, IncidentIDs: []int64{1}}},
	}
	attributes := map[string]any{"Status": 200, "TITLE": map[string]any{"x": 1}, "samples.": "…", "status": 404}
	want.Into(attributes)
	text, err := json.Marshal(attributes)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // encoding/json looks at names in their order, maps have none
		var got SignalDocument
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
	}
}

// TestFieldsOfASignalsDocumentAreInTheOrderOfTheirNames holds that its JSON is canonical.
func TestFieldsOfASignalsDocumentAreInTheOrderOfTheirNames(t *testing.T) {
	n := 0
	var look func(reflect.Type)
	look = func(of reflect.Type) {
		switch of.Kind() {
		case reflect.Pointer, reflect.Slice:
			look(of.Elem())
		case reflect.Struct:
			last := ""
			for i := range of.NumField() {
				name := of.Field(i).Tag.Get("json")
				if n++; name < last {
					t.Errorf("%s.%s: %q comes after %q", of.Name(), of.Field(i).Name, name, last)
				}
				last = name
				look(of.Field(i).Type)
			}
		}
	}
	look(reflect.TypeFor[SignalDocument]())
	look(reflect.TypeFor[SignalTravel]())
	if n < 60 {
		t.Errorf("looked at %d fields only", n)
	}
}
