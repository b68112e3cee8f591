package pipeline

import (
	"strings"
	"testing"

	"nightjar/schema"
)

// ran is a record's attributes after a document's processors, and its host.
func ran(t testing.TB, document, before, message string) (attributes, host string) {
	t.Helper()
	p, err := Parse("name: test\nfilter: {query: '*'}\nprocessors:\n"+document, ParseOptions{Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	r := recordOf(t, before)
	r.Message, r.Host = message, "collector"
	NewSet([]*Pipeline{p}, Deps{Budget: -1}).Run(r)
	return shown(r), r.Host
}

// TestMembersAreMergedAsTheyCome has the forms in which senders wrap them, and what is in
// the way.
func TestMembersAreMergedAsTheyCome(t *testing.T) {
	for _, c := range []struct{ document, before, want string }{
		{"sources: [a, b]", `{"b":{"x":1,"y":null,"z":{"n":[1]}},"x":2}`, `{"b":{"x":1,"y":null,"z":{"n":[1]}},"x":2,"z":{"n":[1]}}`},
		{"sources: [b], override_on_conflict: true, preserve_source: false", `{"b":{"x":1},"x":2}`, `{"x":1}`},
		{"sources: [b], target: in.side", `{"b":{"x":1},"in":{"side":{"x":2,"w":3}}}`, `{"b":{"x":1},"in":{"side":{"x":2,"w":3}}}`},
		{"sources: [b], target: in.side", `{"b":{"x":1},"in":7}`, `{"b":{"x":1},"in":{"side":{"x":1}}}`},
		{"sources: [b], exclude: [x]", `{"b":[{"x":1},{"y":2},"z",{"y":3}]}`, `{"b":[{"x":1},{"y":2},"z",{"y":3}],"y":3}`},
		{"sources: [b], name_key: n, value_key: v", `{"b":[{"n":"x","v":1},{"n":"","v":2},{"v":3},{"n":"y"}]}`, `{"b":[{"n":"x","v":1},{"n":"","v":2},{"v":3},{"n":"y"}],"x":1}`},
		{"sources: [b], name_key: n, value_key: v", `{"b":{"n":"x","v":"1"}}`, `{"b":{"n":"x","v":"1"},"x":"1"}`},
		{"sources: [b, c]", `{"b":"text","c":{"d.e":1}}`, `{"b":"text","c":{"d.e":1},"d.e":1}`},
		{"sources: [b]", `{"b":[]}`, `{"b":[]}`},
	} {
		got, _ := ran(t, "  - {type: merge-processor, "+c.document+"}", c.before, "")
		if !sameJSON(got, c.want) {
			t.Errorf("%s of %s\n got %s\nwant %s", c.document, c.before, got, c.want)
		}
	}
	_, err := Parse("name: x\nprocessors:\n  - {type: merge-processor, sources: [a], name_key: n}", ParseOptions{})
	if err == nil || !strings.Contains(err.Error(), "go together") {
		t.Error(err)
	}
}

func TestTheHostIsTheOneThatTheEventNames(t *testing.T) {
	for before, want := range map[string]string{`{"a":"pc","b":"x"}`: "pc", `{"a":"","b":"x"}`: "x", `{"a":{"b":1}}`: "collector", `{}`: "collector"} {
		if _, host := ran(t, "  - {type: host-remapper, sources: [a, b]}", before, ""); host != want {
			t.Errorf("%s: host %q, want %q", before, host, want)
		}
	}
}

func TestALongTextIsBuiltWholeWhereItIsAskedFor(t *testing.T) {
	long := strings.Repeat("é", 300)
	for document, want := range map[string]int{"": 256, ", max_length: 299": 299, ", max_length: 1000": 300} {
		got, _ := ran(t, "  - {type: string-builder-processor, target: b, template: '%{a}'"+document+"}", `{"a":"`+long+`"}`, "")
		if n := strings.Count(got, "é") - 300; n != want {
			t.Errorf("%q: %d characters, want %d", document, n, want)
		}
	}
}

// FuzzMerge has any attributes: what comes of them reads back.
func FuzzMerge(f *testing.F) {
	f.Add(`{"a":{"b":1,"a":2},"c":[{"n":"x","v":{"a":1}}]}`)
	f.Fuzz(func(t *testing.T, before string) {
		if _, err := schema.ParseAttributes(before); err != nil {
			t.Skip()
		}
		got, _ := ran(t, "  - {type: merge-processor, sources: [a]}\n  - {type: merge-processor, sources: [c], name_key: n, value_key: v, target: a}", before, "")
		if _, err := schema.ParseAttributes(got); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	})
}

// FuzzAuditd reads any lines: the attributes that come of them read back.
func FuzzAuditd(f *testing.F) {
	f.Add("type=EXECVE msg=audit(1700000000.243:7): argc=2 a0=\"cat\" a1=2F746D702F61206220\ntype=PATH msg=audit(1700000000.243:7): name=\"\x01\" \xff=1")
	f.Add("type=SOCKADDR msg=audit(1700000000.000:2): saddr=0A0001BB0000000020010DB8000000000000000000000001")
	f.Fuzz(func(t *testing.T, lines string) {
		got, _ := ran(t, "  - {type: auditd-parser, first: first}", "{}", lines)
		if _, err := schema.ParseAttributes(got); err != nil {
			t.Fatalf("%q: attributes %s do not read back: %v", lines, got, err)
		}
	})
}

// TestFiltersOfOneAttributeSeeWhatItIsNow asks for one attribute again and again, while
// it, others and its text change.
func TestFiltersOfOneAttributeSeeWhatItIsNow(t *testing.T) {
	p := pipelineOf(t, `
  - {type: pipeline, filter: {query: "@a:1"}, processors: [{type: string-builder-processor, template: "1", target: first}]}
  - {type: string-builder-processor, template: other, target: b}
  - {type: pipeline, filter: {query: "@a:1"}, processors: [{type: string-builder-processor, template: "1", target: again}]}
  - {type: string-builder-processor, template: "2", target: a}
  - {type: pipeline, filter: {query: "@a:1"}, processors: [{type: string-builder-processor, template: "1", target: wrong}]}
  - {type: pipeline, filter: {query: "@a:2"}, processors: [{type: string-builder-processor, template: "1", target: changed}]}
  - {type: exclude-attribute, attribute_to_exclude: a}
  - {type: pipeline, filter: {query: "@a:2"}, processors: [{type: string-builder-processor, template: "1", target: gone}]}`)
	r := recordOf(t, `{"a":"1"}`)
	NewSet([]*Pipeline{p}, worldOf()).Run(r)
	if got, want := shown(r), `{"first":"1","b":"other","again":"1","changed":"1"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
