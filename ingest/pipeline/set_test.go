package pipeline

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/schema"
)

func setOf(t testing.TB, d Deps, documents ...string) *Set {
	t.Helper()
	var all []*Pipeline
	for i, text := range documents {
		p, err := Parse(text, ParseOptions{Enabled: true})
		if err != nil {
			t.Fatal(err)
		}
		if p.ID == "" {
			p.ID = fmt.Sprintf("p%d", i)
		}
		all = append(all, p)
	}
	return NewSet(all, d)
}

func TestPipelinesApplyInTheirOrder(t *testing.T) {
	set := setOf(t, worldOf(),
		"name: a\nfilter: source:test\nprocessors: [{type: string-builder-processor, template: one, target: k}, {type: service-remapper, sources: [k]}]",
		"name: b\nfilter: source:other\nprocessors: [{type: string-builder-processor, template: no, target: k}]",
		"name: c\nfilter: '@k:one service:one'\nversion: 3\nprocessors: [{type: string-builder-processor, template: two, target: k}, {type: service-remapper, sources: [k]}]",
		"name: d\nis_enabled: false\nprocessors: [{type: string-builder-processor, template: no, target: k}]",
		"name: e\nprocessors: []",
	)
	r := recordOf(t, "")
	applied := set.Run(r)
	if got := strings.Join(applied.Names, " "); got != "p0@1 p2@3 p4@1" {
		t.Errorf("applied %s", got)
	}
	// The last to write an attribute counts, the first to give a reserved field.
	if got := shown(r); got != `{"k":"two"}` || r.Service != "one" {
		t.Errorf("attributes %s, service %s", got, r.Service)
	}
}

func TestAFilterIsAskedBeforeItsOwnProcessorsOnly(t *testing.T) {
	set := setOf(t, worldOf(), "name: a\nfilter: '-@k:*'\nprocessors: [{type: string-builder-processor, template: x, target: k}, {type: string-builder-processor, template: y, target: l}]")
	r := recordOf(t, "")
	if set.Run(r); shown(r) != `{"k":"x","l":"y"}` {
		t.Errorf("got %s", shown(r))
	}
}

// The names of reserved fields lead to what the event came with, for the intake takes
// their values out of the attributes.
func TestNamesOfReservedFieldsLeadToWhatTheEventCameWith(t *testing.T) {
	set := setOf(t, worldOf(), `
name: a
processors:
  - {type: service-remapper, sources: [new]}
  - {type: category-processor, target: c, categories: [{filter: {query: "@status:SUCCESSFUL @service:old -@host:*"}, name: ok}]}
  - {type: attribute-remapper, sources: [service], target: was}
  - {type: attribute-remapper, sources: [message], target: no}
  - {type: lookup-processor, source: status, target: l, lookup_table: ["SUCCESSFUL,yes"]}
`)
	r := recordOf(t, `{"new":"new"}`)
	r.Service, r.Status = "old", "SUCCESSFUL"
	set.Run(r)
	if got, want := shown(r), `{"new":"new","c":"ok","was":"old","l":"yes"}`; got != want || r.Service != "new" {
		t.Errorf("got %s, service %s", got, r.Service)
	}
	r = recordOf(t, "") // of which the status is that of events that say none
	if NewSet([]*Pipeline{pipelineOf(t, "- {type: string-builder-processor, template: 'is %{status}', target: s}")}, worldOf()).Run(r); shown(r) != `{}` {
		t.Errorf("a status that nobody said: %s", shown(r))
	}
	r = recordOf(t, `{"status":"x"}`)
	r.Status = "SUCCESSFUL"
	if set.Run(r); shown(r) != `{"status":"x"}` {
		t.Errorf("got %s", shown(r))
	}
}

// Wants never says no of an event that a pipeline is for.
func TestWantsKnowsWhatMayMatch(t *testing.T) {
	set := setOf(t, Deps{}, "name: a\nfilter: source:(nginx OR apache) -service:x", "name: b\nfilter: '@a:1 host:h'", "name: c\nfilter: source:nginx env:prod", "name: d\nfilter: source:off\nis_enabled: false")
	for _, c := range []struct {
		e    schema.Event
		want bool
	}{
		{schema.Event{Source: "nginx"}, true},
		{schema.Event{Source: "nginx", Service: "x"}, false},
		{schema.Event{Source: "nginx", Service: "x", Tags: []string{"env:prod"}}, true},
		{schema.Event{Source: "other"}, false},
		{schema.Event{Source: "other", Host: "h"}, true},
		{schema.Event{Source: "off"}, false},
	} {
		if got := set.Wants(&c.e); got != c.want {
			t.Errorf("%+v: got %v", c.e, got)
		}
	}
	if setOf(t, Deps{}).Wants(&schema.Event{}) {
		t.Error("no pipelines want an event")
	}
}

func TestTheSourcesIndexLosesNoPipeline(t *testing.T) {
	set := setOf(t, Deps{}, "name: a\nfilter: source:(x OR y)", "name: b", "name: c\nfilter: source:y", "name: d\nfilter: -source:x", "name: e\nfilter: source:(y OR y)")
	for source, want := range map[string][]int{"x": {0, 1}, "y": {0, 1, 2, 3, 4}, "z": {1, 3}} {
		if got := set.candidates(source); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", source, got, want)
		}
	}
}

func TestWhatFailsIsToldAndCountedAndNoOtherIsHeldUp(t *testing.T) {
	d := worldOf()
	d.Counts = &Counts{}
	set := setOf(t, d, "name: a\nid: a\nprocessors: [{type: decoder-processor, name: decode it, source: x, target: y, binary_to_text_encoding: base16, input_representation: utf_8}, {type: string-builder-processor, template: after, target: z}]", "name: b\nid: b\nprocessors: [{type: string-builder-processor, template: b, target: b}]")
	r := recordOf(t, `{"x":"zz"}`)
	applied := set.Run(r)
	if got := shown(r); got != `{"x":"zz","z":"after","b":"b"}` {
		t.Errorf("attributes %s", got)
	}
	if want := "a: processors[0] (decode it): the source is no base16"; len(applied.Errors) != 1 || applied.Errors[0] != want {
		t.Errorf("errors %q, want %s", applied.Errors, want)
	}
	all := d.Counts.All()
	if all["a"].Events != 1 || all["a"].Failures != 1 || all["b"].Failures != 0 || all["a"].Took <= 0 {
		t.Errorf("counted %+v", all)
	}
}

func TestAPipelineHasItsTimeAndNoMore(t *testing.T) {
	set := setOf(t, Deps{Budget: time.Nanosecond}, "name: a\nid: a\nprocessors: ["+strings.Repeat("{type: string-builder-processor, template: x, target: k},", 400)+"{type: string-builder-processor, template: late, target: l}]", "name: b\nprocessors: []")
	r := recordOf(t, "")
	applied := set.Run(r)
	if got := shown(r); got != `{"k":"x"}` {
		t.Errorf("attributes %s", got)
	}
	if len(applied.Errors) != 1 || !strings.Contains(applied.Errors[0], "stopped after 1ns") || len(applied.Names) != 2 {
		t.Errorf("got %+v", applied)
	}
}

func TestARecordGrowsByNoMoreThanItsBound(t *testing.T) {
	var double []string
	for i := range 16 { // 64 MiB, were there no bound
		double = append(double, fmt.Sprintf("{type: attribute-remapper, sources: [a], target: a.b%d, preserve_source: true}", i))
	}
	set := setOf(t, Deps{Budget: -1}, "name: a\nprocessors: ["+strings.Join(double, ",")+"]")
	r := recordOf(t, `{"a":{"x":"`+strings.Repeat("y", 1000)+`"}}`)
	applied := set.Run(r)
	if n := len(shown(r)); n > maxMade+10_000 {
		t.Errorf("the record has %d bytes", n)
	}
	if len(applied.Errors) == 0 || !strings.Contains(applied.Errors[0], "more to the record than") {
		t.Errorf("errors %q", applied.Errors)
	}
}

// What a path through a long list finds is a list, each time that it is asked.
func TestLongListsDoNotMakeARecordLarge(t *testing.T) {
	list := `[` + strings.TrimSuffix(strings.Repeat(`{"k":1},`, 50_000), ",") + `]`
	for name, processor := range map[string]string{
		"template":   `{type: string-builder-processor, target: t, is_replace_missing: true, template: "` + strings.Repeat("%{a.k}", 100) + `"}`,
		"expression": `{type: arithmetic-processor, target: t, is_replace_missing: true, expression: "` + strings.Repeat("a.k + ", 100) + `1"}`,
		"key-value":  "{type: array-processor, operation: {type: key-value, source: l, target: a, key_to_extract: n, value_to_extract: v}}",
		"array-map":  "{type: array-map-processor, source: l, target: m, processors: [{type: arithmetic-processor, expression: a.k, target: $targetElem}]}",
	} {
		t.Run(name, func(t *testing.T) {
			set := setOf(t, Deps{Budget: -1}, "name: a\nprocessors: ["+processor+", {type: string-builder-processor, target: after, template: x}]")
			r := recordOf(t, `{"a":`+list+`,"l":[`+strings.TrimSuffix(strings.Repeat(`{"n":"k","v":1},`, 100), ",")+`]}`)
			applied := set.Run(r)
			if len(applied.Errors) != 1 || !strings.Contains(applied.Errors[0], "300000 elements of lists") {
				t.Errorf("errors %q", applied.Errors)
			}
			if !strings.HasSuffix(shown(r), `"after":"x"}`) {
				t.Error("what follows was held up")
			}
		})
	}
}

// A template that repeats a long text is not built whole before it is cut.
func TestATemplateIsBuiltNoLongerThanItsText(t *testing.T) {
	set := setOf(t, Deps{Budget: -1}, `{"name":"a","processors":[{"type":"string-builder-processor","is_enabled":true,"target":"t","template":"`+strings.Repeat("%{a}", 50)+`"}]}`)
	r := recordOf(t, `{"a":"`+strings.Repeat("é", 200_000)+`"}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	set.Run(r)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 50*400_000+2<<20 {
		t.Errorf("%d bytes were made for a text of 256 characters", n)
	}
}

func TestATraceTellsWhatEachDid(t *testing.T) {
	set := setOf(t, worldOf(), `
name: a
id: a
filter: source:test
processors:
  - {type: grok-parser, name: read, grok: {match_rules: "other x\nrule the %{word:what}"}}
  - {type: attribute-remapper, sources: [what], target: evt.name}
  - {type: status-remapper, sources: [nothing]}
  - {type: string-builder-processor, template: x, target: y, is_enabled: false}
  - type: pipeline
    processors: [{type: service-remapper, sources: [evt.name]}]
`, "name: b\nid: b\nfilter: source:other\nprocessors: []")
	trace, _ := set.Trace(recordOf(t, ""))
	for _, p := range trace.Pipelines {
		if p.Matched != (p.Microseconds > 0) {
			t.Errorf("%s worked %v µs", p.ID, p.Microseconds)
		}
		p.Microseconds = 0
		untimed(t, p.Steps)
	}
	got, err := json.Marshal(trace)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"pipelines":[{"id":"a","version":1,"name":"a","query":"source:test","matched":true,"outcome":"applied","steps":[` +
		`{"place":"processors[0]","type":"grok-parser","name":"read","outcome":"applied","rule":"rule","set":[{"path":"what","value":"message"}]},` +
		`{"place":"processors[1]","type":"attribute-remapper","outcome":"applied","set":[{"path":"evt.name","value":"message"}],"removed":["what"]},` +
		`{"place":"processors[2]","type":"status-remapper","outcome":"skipped","why":"none of its sources is there"},` +
		`{"place":"processors[3]","type":"string-builder-processor","outcome":"disabled"},` +
		`{"place":"processors[4]","type":"pipeline","outcome":"applied","steps":[{"place":"processors[4].processors[0]","type":"service-remapper","outcome":"applied","set":[{"path":"service","value":"message"}]}]}]},` +
		`{"id":"b","version":1,"name":"b","query":"source:other","matched":false,"outcome":"skipped","steps":[]}]}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// untimed takes the times out of steps; those that ran have one.
func untimed(t *testing.T, steps []*Step) {
	t.Helper()
	for _, s := range steps {
		if (s.Outcome == Disabled) != (s.Microseconds == 0) {
			t.Errorf("%s, which is %s, worked %v µs", s.Place, s.Outcome, s.Microseconds)
		}
		s.Microseconds = 0
		untimed(t, s.Steps)
	}
}

// Senders write numbers that are none, and the parser of the intake lets them pass.
func TestATraceOfWhatIsNoJSONIsJSON(t *testing.T) {
	set := setOf(t, worldOf(), "name: a\nprocessors: [{type: attribute-remapper, sources: [a], target: b}]")
	trace, _ := set.Trace(recordOf(t, `{"a":{"x":nan}}`))
	if _, err := json.Marshal(trace); err != nil {
		t.Error(err)
	}
	var got string
	if err := json.Unmarshal(trace.Pipelines[0].Steps[0].Set[0].Value, &got); err != nil || got != `{"x":nan}` {
		t.Errorf("got %q, %v", got, err)
	}
}
