package pipeline

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
	"nightjar/ingest/record"
	"nightjar/schema"
)

// processed is one processor, or several, and what it makes of attributes.
type processed struct {
	name       string
	processors string // YAML, the list's elements on lines of their own
	attributes string // JSON; empty: {}
	want       string // JSON, in the order in which they come to be
	fields     string // name=value of reserved fields that are wanted, with spaces between
	problem    string // a part of what is told
}

// worldOf is what processors use from outside in these tests.
func worldOf() Deps {
	return Deps{Budget: -1, Locator: places{}, Tables: tables{}, HashKey: []byte("key")}
}

type places struct{}

func (places) Locate(ip netip.Addr) (*fastjson.Value, error) {
	if ip.String() != "192.0.2.1" {
		return nil, nil
	}
	return fastjson.MustParse(`{"country":"NL","latitude":52.5,"longitude":4.75,"country.iso_code":"NL"}`), nil
}

type tables struct{}

func (tables) Row(table, key string, _ schema.Millis) ([]Cell, bool, error) {
	if table != "owners" {
		return nil, false, fmt.Errorf("there is no table %q", table)
	}
	return []Cell{{Column: "team", Value: "blue"}, {Column: "level", Value: "3", Number: true}}, key == "web", nil
}

func pipelineOf(t testing.TB, processors string) *Pipeline {
	t.Helper()
	p, err := Parse("name: test\nid: test\nprocessors:\n"+strings.TrimRight(processors, "\n"), ParseOptions{Enabled: true})
	if err != nil {
		t.Fatalf("%s\n%v", processors, err)
	}
	return p
}

func recordOf(t testing.TB, attributes string) *record.Record {
	t.Helper()
	if attributes == "" {
		attributes = "{}"
	}
	v, err := fastjson.Parse(attributes)
	if err != nil {
		t.Fatalf("%s: %v", attributes, err)
	}
	r := &record.Record{
		Arena: new(fastjson.Arena), Received: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Message: "the message",
		Source: "test", Status: "info", Tags: []string{"env:prod", "team:a", "team:b"},
	}
	r.Reset(schema.Pairs(v.GetObject()))
	return r
}

// shown are a record's attributes as JSON.
func shown(r *record.Record) string {
	o := r.Arena.NewObject()
	for _, p := range r.Attributes() {
		o.Set(p.Key, p.Value)
	}
	return string(value.Append(nil, o))
}

func fieldsOf(r *record.Record) string {
	at := ""
	if r.Timed {
		at = r.At.String()
	}
	return strings.Join([]string{"status=" + r.Status, "service=" + r.Service, "host=" + r.Host, "message=" + r.Message, "trace=" + r.TraceID, "span=" + r.SpanID, "at=" + at, "tags=" + strings.Join(r.Tags, ",")}, "\n")
}

func (c processed) check(t *testing.T) {
	t.Helper()
	r := recordOf(t, c.attributes)
	applied := NewSet([]*Pipeline{pipelineOf(t, c.processors)}, worldOf()).Run(r)
	if got := shown(r); got != c.want {
		t.Errorf("attributes:\n got %s\nwant %s", got, c.want)
	}
	for _, want := range strings.Split(c.fields, "|") {
		if want != "" && !strings.Contains("\n"+fieldsOf(r)+"\n", "\n"+want+"\n") {
			t.Errorf("want %s in\n%s", want, fieldsOf(r))
		}
	}
	problems := strings.Join(applied.Errors, "\n")
	if c.problem == "" && problems != "" || !strings.Contains(problems, c.problem) {
		t.Errorf("problems %q, want %q", problems, c.problem)
	}
}

func runAll(t *testing.T, cases []processed) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.check(t) })
	}
}

func TestAttributeRemapper(t *testing.T) {
	remap := func(rest string) string { return "- {type: attribute-remapper, " + rest + "}" }
	runAll(t, []processed{
		{name: "moves", processors: remap("sources: [cliIP], target: network.client.ip"), attributes: `{"cliIP":"x"}`, want: `{"network":{"client":{"ip":"x"}}}`},
		{name: "parents left empty go", processors: remap("sources: [a.b.c], target: x"), attributes: `{"a":{"b":{"c":1}},"z":2}`, want: `{"z":2,"x":1}`},
		{name: "keeps the source", processors: remap("sources: [a], target: b, preserve_source: true"), attributes: `{"a":{"x":1}}`, want: `{"a":{"x":1},"b":{"x":1}}`},
		{name: "a kept object is another one", processors: remap("sources: [a], target: b, preserve_source: true") + "\n" + remap("sources: [z], target: b.x, override_on_conflict: true"), attributes: `{"a":{"x":1},"z":2}`, want: `{"a":{"x":1},"b":{"x":2}}`},
		{name: "a target that is there stays, and the source goes", processors: remap("sources: [a], target: b"), attributes: `{"a":1,"b":2}`, want: `{"b":2}`},
		{name: "a target that is null is missing", processors: remap("sources: [a], target: b"), attributes: `{"a":1,"b":null}`, want: `{"b":1}`},
		{name: "a target that is there stays, and so does a source that is kept", processors: remap("sources: [a], target: b, preserve_source: true"), attributes: `{"a":1,"b":2}`, want: `{"a":1,"b":2}`},
		{name: "override", processors: remap("sources: [a], target: b, override_on_conflict: true"), attributes: `{"a":1,"b":2}`, want: `{"b":1}`},
		{name: "the first source counts", processors: remap("sources: [x, a, c], target: t"), attributes: `{"a":1,"c":2}`, want: `{"t":1}`},
		{name: "the first source counts with override too, and others stay", processors: remap("sources: [x, a, c], target: t, override_on_conflict: true"), attributes: `{"a":1,"c":2,"t":3}`, want: `{"c":2,"t":1}`},
		{name: "onto itself it casts in place", processors: remap("sources: [a], target: a, target_format: integer"), attributes: `{"a":"80"}`, want: `{"a":80}`},
		{name: "below itself", processors: remap("sources: [a], target: a.b"), attributes: `{"a":{"c":1}}`, want: `{"a":{"b":{"c":1}}}`},
		{name: "above itself", processors: remap("sources: [a.b], target: a, override_on_conflict: true"), attributes: `{"a":{"b":{"c":1}}}`, want: `{"a":{"c":1}}`},
		{name: "writing below a scalar replaces it", processors: remap("sources: [x], target: a.b"), attributes: `{"x":1,"a":2}`, want: `{"a":{"b":1}}`},
		{name: "integers of doubles", processors: remap("sources: [a], target: b, target_format: integer"), attributes: `{"a":80.9}`, want: `{"b":80}`},
		{name: "integers of texts with a fraction", processors: remap("sources: [a], target: b, target_format: integer"), attributes: `{"a":"-80.9"}`, want: `{"b":-80}`},
		{name: "doubles", processors: remap("sources: [a], target: b, target_format: double"), attributes: `{"a":"1.5"}`, want: `{"b":1.5}`},
		{name: "texts", processors: remap("sources: [a], target: b, target_format: string"), attributes: `{"a":1.0}`, want: `{"b":"1"}`},
		{name: "texts of booleans", processors: remap("sources: [a], target: b, target_format: string"), attributes: `{"a":true}`, want: `{"b":"true"}`},
		{name: "what cannot be cast stays", processors: remap("sources: [a], target: b, target_format: integer"), attributes: `{"a":"x"}`, want: `{"b":"x"}`},
		{name: "objects are not cast", processors: remap("sources: [a], target: b, target_format: string"), attributes: `{"a":{"c":1}}`, want: `{"b":{"c":1}}`},
		{name: "hexadecimal is no number", processors: remap("sources: [a], target: b, target_format: integer"), attributes: `{"a":"0x10"}`, want: `{"b":"0x10"}`},
		{name: "to a tag", processors: remap("sources: [v], target: version, target_type: tag"), attributes: `{"v":"1.2"}`, want: `{}`, fields: "tags=env:prod,team:a,team:b,version:1.2"},
		{name: "to a tag for each element", processors: remap("sources: [v], target: v, target_type: tag, preserve_source: true"), attributes: `{"v":["x",1,"x"]}`, want: `{"v":["x",1,"x"]}`, fields: "tags=env:prod,team:a,team:b,v:x,v:1"},
		{name: "to a tag over others", processors: remap("sources: [v], target: team, target_type: tag, override_on_conflict: true"), attributes: `{"v":"c"}`, want: `{}`, fields: "tags=env:prod,team:c"},
		{name: "of a tag", processors: remap("sources: [team], source_type: tag, target: teams"), want: `{"teams":["a","b"]}`, fields: "tags=env:prod"},
		{name: "of a tag with one value", processors: remap("sources: [env], source_type: tag, target: e, preserve_source: true"), want: `{"e":"prod"}`, fields: "tags=env:prod,team:a,team:b"},
		{name: "an array's elements", processors: remap("sources: [a.b], target: c, preserve_source: true"), attributes: `{"a":[{"b":1},{"b":2}]}`, want: `{"a":[{"b":1},{"b":2}],"c":[1,2]}`},
		{name: "numeric segments", processors: remap("sources: [a.1.b], target: c, preserve_source: true"), attributes: `{"a":[{"b":1},{"b":2}]}`, want: `{"a":[{"b":1},{"b":2}],"c":2}`},
		{name: "nothing there", processors: remap("sources: [a], target: c"), attributes: `{"b":1}`, want: `{"b":1}`},
	})
}

// A value that were put into itself would end the process when it is written.
func TestNothingIsMovedIntoItself(t *testing.T) {
	runAll(t, []processed{
		{name: "a null of the same path", processors: "- {type: attribute-remapper, sources: [a.b], target: a.b.c}", attributes: `{"a.b":null,"a":{"b":{"x":1}}}`, want: `{"a.b":{"c":{"x":1}}}`},
		{name: "a null below", processors: "- {type: attribute-remapper, sources: [a.b.c], target: a.b.c.d}", attributes: `{"a":{"b.c":null,"b":{"c":{"x":1}}}}`, want: `{"a":{"b.c":{"d":{"x":1}}}}`},
		{name: "appended", processors: "- {type: array-processor, operation: {type: append, source: y, target: a.b}}\n- {type: attribute-remapper, sources: [a.b], target: z}\n- {type: attribute-remapper, sources: [z], target: a.b.0.q}", attributes: `{"a.b":null,"a":{"b":[{"x":1}]},"y":2}`, want: `{"a.b":{"0":{"q":[{"x":1},2]}},"y":2}`},
		{name: "lists within lists", processors: "- {type: attribute-remapper, sources: [a.b], target: a.b.c}", attributes: `{"a.b":null,"a":[[{"b":1}]]}`, want: `{"a.b":null,"a":[[{"b":1}]]}`},
	})
}

func TestACastInPlaceLeavesListsOnTheWayAlone(t *testing.T) {
	runAll(t, []processed{{
		name: "cast", processors: "- {type: attribute-remapper, sources: [a.b], target: a.b, target_format: string}",
		attributes: `{"a":[{"b":1,"c":2},{"b":2}]}`, want: `{"a":[{"b":1,"c":2},{"b":2}]}`,
	}})
}

func TestRemappersOfReservedFields(t *testing.T) {
	runAll(t, []processed{
		{name: "status", processors: `- {type: status-remapper, sources: [x, level]}`, attributes: `{"level":"WARNING"}`, want: `{"level":"WARNING"}`, fields: "status=warn"},
		{name: "status, once", processors: "- {type: status-remapper, sources: [a]}\n- {type: status-remapper, sources: [b]}", attributes: `{"a":"warn","b":"error"}`, want: `{"a":"warn","b":"error"}`, fields: "status=warn"},
		{name: "status, once a source is there", processors: "- {type: status-remapper, sources: [x]}\n- {type: status-remapper, sources: [b]}", attributes: `{"b":"error"}`, want: `{"b":"error"}`, fields: "status=error"},
		{name: "service", processors: `- {type: service-remapper, sources: [app]}`, attributes: `{"app":7.0}`, want: `{"app":7.0}`, fields: "service=7"},
		{name: "service of an object", processors: `- {type: service-remapper, sources: [app, b]}`, attributes: `{"app":{},"b":"x"}`, want: `{"app":{},"b":"x"}`, fields: "service=x"},
		{name: "message goes", processors: `- {type: message-remapper}`, attributes: `{"msg":"hello","a":1}`, want: `{"a":1}`, fields: "message=hello"},
		{name: "message of an object is skipped", processors: `- {type: message-remapper, sources: [a, b]}`, attributes: `{"a":{"x":1},"b":"hello"}`, want: `{"a":{"x":1}}`, fields: "message=hello"},
		{name: "trace id, verbatim", processors: `- {type: trace-id-remapper}`, attributes: `{"dd":{"trace_id":" "}}`, want: `{}`, fields: "trace= "},
		{name: "span id", processors: `- {type: span-id-remapper, sources: [s]}`, attributes: `{"s":"a:b:c:0"}`, want: `{}`, fields: "span=a:b:c:0"},
		{name: "host is an attribute", processors: `- {type: attribute-remapper, sources: [h], target: host}`, attributes: `{"h":"x"}`, want: `{"host":"x"}`, fields: "host="},
		{name: "category, then status", processors: "- {type: category-processor, target: c, categories: [{filter: {query: '@code:[500 TO 599]'}, name: error}]}\n- {type: status-remapper, sources: [c]}", attributes: `{"code":"502"}`, want: `{"code":"502","c":"error"}`, fields: "status=error"},
	})
}

func TestStatuses(t *testing.T) {
	for in, want := range map[string]string{
		`0`: "emergency", `"3"`: "error", `7.0`: "debug", `8`: "info", `-1`: "info", `"8"`: "info",
		`"emerg"`: "emergency", `"FATAL"`: "emergency", `"FAILED"`: "emergency", `"Alert"`: "alert", `"crit"`: "critical", `"err"`: "error", `"Error"`: "error", `"exception"`: "error",
		`"warning"`: "warn", `"notice"`: "notice", `"INFO"`: "info", `"debug"`: "debug", `"trace"`: "debug", `"verbose"`: "debug", `" ok "`: "ok", `"SUCCESSFUL"`: "ok",
		`"what"`: "warn", `"xyz"`: "info", `true`: "info", `["error","ok"]`: "error", `[]`: "info", `{}`: "info", `""`: "info",
	} {
		if got := statusOf(fastjson.MustParse(in)); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	received := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]string{
		`1.64556818728E12`: "2022-02-22T22:16:27.280Z", `1645568187280`: "2022-02-22T22:16:27.280Z", `"1765979488"`: "1970-01-21T10:32:59.488Z",
		`"2024-09-20T10:20:26.751Z"`: "2024-09-20T10:20:26.751Z", `"2024-09-20 10:20:26.751234567+02:00"`: "2024-09-20T08:20:26.751Z", `"2024-09-20T10:20:26+0200"`: "2024-09-20T08:20:26.000Z",
		`"2024-09-20T10:20:26-05"`: "2024-09-20T15:20:26.000Z", `"2024-09-20"`: "2024-09-20T00:00:00.000Z", `"2024-09-20T10:20"`: "2024-09-20T10:20:00.000Z", `"20240920T102026"`: "2024-09-20T10:20:26.000Z",
		`"Feb 28 10:20:26"`: "2026-02-28T10:20:26.000Z", `"Mar  2 11:00:00"`: "2026-03-02T11:00:00.000Z", `"Mar  2 13:00:00"`: "2025-03-02T13:00:00.000Z", `"Dec 31 23:59:59"`: "2025-12-31T23:59:59.000Z",
		`"1747684829.8596163"`: "", `"yesterday"`: "", `"20/09/2024"`: "", `true`: "", `{}`: "", `1e300`: "", `"99999999999999999999"`: "", `""`: "", `"2024-13-20"`: "",
	} {
		at, ok := dates{Now: received}.of(fastjson.MustParse(in))
		got := ""
		if ok {
			got = at.String()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestDateRemapper(t *testing.T) {
	runAll(t, []processed{
		{name: "the first that can be read", processors: `- {type: date-remapper, sources: [x, a, b]}`, attributes: `{"a":"nonsense","b":"2024-09-20T10:20:26Z"}`, want: `{"a":"nonsense","b":"2024-09-20T10:20:26Z"}`, fields: "at=2024-09-20T10:20:26.000Z"},
		{name: "nothing that can be read", processors: `- {type: date-remapper, sources: [a]}`, attributes: `{"a":"nonsense"}`, want: `{"a":"nonsense"}`, fields: "at="},
		{name: "the last wins", processors: "- {type: date-remapper, sources: [a]}\n- {type: date-remapper, sources: [b]}", attributes: `{"a":1000,"b":2000}`, want: `{"a":1000,"b":2000}`, fields: "at=1970-01-01T00:00:02.000Z"},
	})
	r := recordOf(t, `{"a":2000}`)
	r.At, r.Timed = 1000, true
	NewSet([]*Pipeline{pipelineOf(t, `- {type: date-remapper, sources: [a], if_missing: true}`)}, worldOf()).Run(r)
	if r.At != 1000 {
		t.Errorf("if_missing gave an event that says its time another one: %v", r.At)
	}
	d := worldOf()
	d.Dates = DateRange{Back: 18 * time.Hour, Ahead: 2 * time.Hour}
	r = recordOf(t, `{"a":"2026-03-01T14:00:01Z","b":"2026-02-28T18:00:00Z"}`)
	NewSet([]*Pipeline{pipelineOf(t, `- {type: date-remapper, sources: [a, b]}`)}, d).Run(r)
	if want := "2026-02-28T18:00:00.000Z"; r.At.String() != want {
		t.Errorf("within a range of dates: got %v, want %s", r.At, want)
	}
}

func TestCategories(t *testing.T) {
	runAll(t, []processed{
		{name: "the first that matches, over what is there", processors: `- {type: category-processor, target: c, categories: [{filter: {query: "@a:x"}, name: one}, {filter: {query: "@a:(x OR y)"}, name: two}]}`, attributes: `{"a":"y","c":1}`, want: `{"a":"y","c":"two"}`},
		{name: "none", processors: `- {type: category-processor, target: c, categories: [{filter: {query: "@a:x"}, name: one}]}`, attributes: `{"a":"z","c":1}`, want: `{"a":"z","c":1}`},
		{name: "reserved fields and tags", processors: `- {type: category-processor, target: c, categories: [{filter: {query: "source:test env:prod status:info message"}, name: one}]}`, want: `{"c":"one"}`},
		{name: "numbers in texts", processors: `- {type: category-processor, target: c, categories: [{filter: {query: "@a:(>=400 <500)"}, name: one}]}`, attributes: `{"a":"404"}`, want: `{"a":"404","c":"one"}`},
		{name: "everything", processors: `- {type: category-processor, target: c, categories: [{filter: {query: "*:needle"}, name: one}]}`, attributes: `{"a":{"b":"needle"}}`, want: `{"a":{"b":"needle"},"c":"one"}`},
		{name: "of what was set before", processors: "- {type: string-builder-processor, template: v, target: x}\n- {type: category-processor, target: c, categories: [{filter: {query: '@x:v'}, name: one}]}", want: `{"x":"v","c":"one"}`},
	})
}

func TestArithmetic(t *testing.T) {
	sum := func(expression, rest string) string {
		return fmt.Sprintf("- {type: arithmetic-processor, target: r, expression: %q%s}", expression, rest)
	}
	runAll(t, []processed{
		{name: "order of operations", processors: sum("1 + 2 * 3 - 4 / 2", ""), want: `{"r":5}`},
		{name: "from the left", processors: sum("10 - 4 - 3", ""), want: `{"r":3}`},
		{name: "brackets", processors: sum("(1 + 2)*(3 - 4)", ""), want: `{"r":-3}`},
		{name: "no spaces around a star", processors: sum("a.b*c.d", ""), attributes: `{"a":{"b":2},"c":{"d":3.5}}`, want: `{"a":{"b":2},"c":{"d":3.5},"r":7}`},
		{name: "a minus in a name", processors: sum("a-b - c", ""), attributes: `{"a-b":5,"c":2}`, want: `{"a-b":5,"c":2,"r":3}`},
		{name: "numbers in texts", processors: sum("a * 1000", ""), attributes: `{"a":"1645568187.280"}`, want: `{"a":"1645568187.280","r":1645568187280}`},
		{name: "nine digits", processors: sum("a / 3", ""), attributes: `{"a":1}`, want: `{"a":1,"r":0.333333333}`},
		{name: "missing", processors: sum("a + 1", ""), want: `{}`},
		{name: "missing is 0", processors: sum("a + b + 1", ", is_replace_missing: true"), attributes: `{"b":"-"}`, want: `{"b":"-","r":1}`},
		{name: "booleans are no numbers", processors: sum("a + 1", ""), attributes: `{"a":true}`, want: `{"a":true}`},
		{name: "arrays are no numbers", processors: sum("a + 1", ""), attributes: `{"a":[1]}`, want: `{"a":[1]}`},
		{name: "division by zero", processors: sum("1 / a", ""), attributes: `{"a":0}`, want: `{"a":0}`},
		{name: "over what is there", processors: sum("2", ""), attributes: `{"r":"x"}`, want: `{"r":2}`},
	})
	for _, bad := range []string{"a +", "(a", "a b", "* 2", "a..b + 1", "()", strings.Repeat("(", 60) + "1" + strings.Repeat(")", 60), ")"} {
		if _, err := parseExpression(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestStringBuilder(t *testing.T) {
	build := func(template, rest string) string {
		return fmt.Sprintf("- {type: string-builder-processor, target: r, template: %q%s}", template, rest)
	}
	runAll(t, []processed{
		{name: "scalars and arrays", processors: build("%{a}-%{ids}", ""), attributes: `{"a":"x","ids":[1,2]}`, want: `{"a":"x","ids":[1,2],"r":"x-1,2"}`},
		{name: "through an array", processors: build("%{a.b}", ""), attributes: `{"a":[{"b":"x"},{"c":1},{"b":"y"}]}`, want: `{"a":[{"b":"x"},{"c":1},{"b":"y"}],"r":"x,y"}`},
		{name: "an object is missing", processors: build("%{a}", ""), attributes: `{"a":{"b":1}}`, want: `{"a":{"b":1}}`},
		{name: "missing", processors: build("x%{a}", ""), want: `{}`},
		{name: "missing is empty", processors: build("x%{a}%{b}", ", is_replace_missing: true"), attributes: `{"b":[{"c":1}]}`, want: `{"b":[{"c":1}],"r":"x"}`},
		{name: "all missing", processors: build("%{a}", ", is_replace_missing: true"), want: `{"r":""}`},
		{name: "a constant is a text", processors: build("1", ""), attributes: `{"r":5}`, want: `{"r":"1"}`},
		{name: "cut", processors: build(strings.Repeat("ä", 300), ""), want: `{"r":"` + strings.Repeat("ä", 256) + `"}`},
		{name: "quotes", processors: build("\\\"%{a}\\\\", ""), attributes: `{"a":"\u0007"}`, want: `{"a":"\u0007","r":"\\\u0022\u0007\\\\"}`},
		{name: "the message", processors: build("%{message}!", ""), want: `{"r":"the message!"}`},
	})
}

func TestLookups(t *testing.T) {
	runAll(t, []processed{
		{name: "hit", processors: `- {type: lookup-processor, source: a, target: b, lookup_table: ["1,one", " RUN_FAILURE , error, bad"]}`, attributes: `{"a":"RUN_FAILURE","b":1}`, want: `{"a":"RUN_FAILURE","b":"error, bad"}`},
		{name: "numbers", processors: `- {type: lookup-processor, source: a, target: b, lookup_table: ["3,three"]}`, attributes: `{"a":3.0}`, want: `{"a":3.0,"b":"three"}`},
		{name: "lines", processors: "- type: lookup-processor\n  source: a\n  target: b\n  lookup_table: |\n    x,y\n    z,w", attributes: `{"a":"z"}`, want: `{"a":"z","b":"w"}`},
		{name: "miss", processors: `- {type: lookup-processor, source: a, target: b, lookup_table: ["x,y"]}`, attributes: `{"a":"X","b":1}`, want: `{"a":"X","b":1}`},
		{name: "default", processors: `- {type: lookup-processor, source: a, target: b, lookup_table: ["x,y"], default_lookup: "?"}`, attributes: `{"a":"X"}`, want: `{"a":"X","b":"?"}`},
		{name: "missing has no default", processors: `- {type: lookup-processor, source: a, target: b, lookup_table: ["x,y"], default_lookup: "?"}`, want: `{}`},
		{name: "arrays are skipped", processors: `- {type: lookup-processor, source: a, target: b, lookup_table: ["x,y"], default_lookup: "?"}`, attributes: `{"a":["x"]}`, want: `{"a":["x"]}`},
		{name: "reference table", processors: `- {type: lookup-processor, source: a, target: b, lookup_enrichment_table: owners}`, attributes: `{"a":"web"}`, want: `{"a":"web","b":{"team":"blue","level":3}}`},
		{name: "reference table, no row", processors: `- {type: lookup-processor, source: a, target: b, lookup_enrichment_table: owners}`, attributes: `{"a":"x"}`, want: `{"a":"x"}`},
		{name: "no such table", processors: `- {type: lookup-processor, source: a, target: b, lookup_enrichment_table: x}`, attributes: `{"a":"x"}`, want: `{"a":"x"}`, problem: `there is no table "x"`},
	})
}
