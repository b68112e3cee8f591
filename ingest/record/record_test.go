package record

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
	"nightjar/schema"
)

func recordOf(t *testing.T, attributes string) *Record {
	t.Helper()
	v, err := fastjson.Parse(attributes)
	if err != nil {
		t.Fatal(err)
	}
	r := &Record{Arena: &fastjson.Arena{}, Received: time.UnixMilli(0)}
	r.Reset(schema.Pairs(v.GetObject()))
	return r
}

func path(t *testing.T, text string) Path {
	t.Helper()
	p, err := ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func attributesOf(r *Record) string {
	out := r.Arena.NewObject()
	for _, p := range r.Attributes() {
		out.Set(p.Key, p.Value)
	}
	return out.String()
}

func TestWhatStandsAtAPath(t *testing.T) {
	for _, c := range []struct{ attributes, path, want string }{
		{`{"a":{"b":1}}`, "a.b", `1`},
		{`{"a.b":1,"a":{"b":2}}`, "a.b", `1`}, // the longest key
		{`{"a":{"b.c":3,"b":{"c":4}}}`, "a.b.c", `3`},
		{`{"a.b":1,"a":{"b":{"c":2}}}`, "a.b.c", `2`}, // the longest leads nowhere
		{`{"a":1,"a":2}`, "a", `2`},
		{`{"o":{"a":1,"a":2}}`, "o.a", `2`},
		{`{"a":null}`, "a", ``},
		{`{"a":"text"}`, "a.b", ``},
		{`{"a":[{"b":1},{"c":2},{"b":[3]}]}`, "a.b", `[1,[3]]`},
		{`{"a":[{"b":1},{"b":2}]}`, "a.1.b", `2`},
		{`{"a":[1,2]}`, "a.0", `1`},
		{`{"a":[1,2]}`, "a.2", ``},
		{`{"a":[1,2]}`, "a.b", ``},
		{`{"related":{"x":{"type":["t"]}}}`, "related.x.type.0", `"t"`},
	} {
		got := ""
		if v := recordOf(t, c.attributes).Get(path(t, c.path)); v != nil {
			got = v.String()
		}
		if got != c.want {
			t.Errorf("%s of %s: got %q, want %q", c.path, c.attributes, got, c.want)
		}
	}
}

func TestSettingAndDeleting(t *testing.T) {
	for _, c := range []struct{ attributes, set, delete, want string }{
		{`{}`, "a.b.c", "", `{"a":{"b":{"c":"new"}}}`},
		{`{"a":"text"}`, "a.b", "", `{"a":{"b":"new"}}`},
		{`{"a":{"x":1}}`, "a.b", "", `{"a":{"x":1,"b":"new"}}`},
		{`{"a.b":1}`, "a.b", "", `{"a.b":"new"}`},
		{`{"a":{"b":1,"b":2}}`, "a.b", "", `{"a":{"b":"new"}}`},
		{`{"a":[1,{"b":2}]}`, "a.1.b", "", `{"a":[1,{"b":"new"}]}`},
		{`{"a":[1]}`, "a.999999999", "", `{"a":{"999999999":"new"}}`},
		{`{"a":{"b":{"c":1}},"x":1}`, "", "a.b.c", `{"x":1}`},
		{`{"a":{"b":{"c":1},"d":2}}`, "", "a.b.c", `{"a":{"d":2}}`},
		{`{"a":{"b":1,"b":2}}`, "", "a.b", `{}`},
		{`{"a":1,"a":2}`, "", "a", `{}`},
		{`{"a":[{"b":1,"c":2},{"b":3}]}`, "", "a.b", `{"a":[{"c":2},{}]}`},
		{`{"a":[1,2,3]}`, "", "a.1", `{"a":[1,3]}`},
		{`{"a":1}`, "", "b", `{"a":1}`},
		// What is found is what is replaced and removed, whatever else leads there.
		{`{"a.b":null,"a":{"b":1}}`, "a.b", "", `{"a.b":null,"a":{"b":"new"}}`},
		{`{"a.b":{"x":1},"a":{"b":{"c":1}}}`, "a.b.c", "", `{"a.b":{"x":1},"a":{"b":{"c":"new"}}}`},
		{`{"o":{"a.b":null,"a":{"b":1}}}`, "o.a.b", "", `{"o":{"a.b":null,"a":{"b":"new"}}}`},
		{`{"a.b":null,"a":{"c":1}}`, "a.b", "", `{"a.b":"new","a":{"c":1}}`},
		{`{"a.b":null,"a":{"b":1}}`, "", "a.b", `{"a.b":null}`},
		{`{"o":{"a.b":null,"a":{"b":1}}}`, "", "o.a.b", `{"o":{"a.b":null}}`},
		{`{"a":{"b":null}}`, "", "a.b", `{}`},
		{`{"a":[null,1]}`, "", "a.0", `{"a":[1]}`},
		{`{"a":[[{"b":1}],{"b":2}]}`, "", "a.b", `{"a":[[{"b":1}],{}]}`},
	} {
		r := recordOf(t, c.attributes)
		if c.set != "" {
			r.Set(path(t, c.set), r.String("new"))
		}
		if c.delete != "" {
			r.Delete(path(t, c.delete))
		}
		if got := attributesOf(r); got != c.want {
			t.Errorf("set %q, delete %q of %s: got %s, want %s", c.set, c.delete, c.attributes, got, c.want)
		}
	}
}

func TestMergingGoesObjectIntoObject(t *testing.T) {
	r := recordOf(t, `{"a":{"x":1,"o":{"p":1}},"b":2}`)
	over := fastjson.MustParse(`{"a":{"y":3,"o":{"q":4}},"b":{"z":5},"c":6}`)
	r.Merge(over.GetObject())
	if got, want := attributesOf(r), `{"a":{"x":1,"o":{"p":1,"q":4},"y":3},"b":{"z":5},"c":6}`; got != want && got != `{"a":{"x":1,"y":3,"o":{"p":1,"q":4}},"b":{"z":5},"c":6}` {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Objects with many members are merged and copied as those with few.
func TestManyMembersAreMergedAsFew(t *testing.T) {
	object := func(from, to int, more string) string {
		var b strings.Builder
		b.WriteByte('{')
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, `"k%d":{"n":%d,"s":"\u001b\"é"},`, i, i)
		}
		return b.String() + more + "}"
	}
	r := recordOf(t, object(0, 200, `"o":`+object(0, 200, `"k0":7`)))
	r.Merge(fastjson.MustParse(object(100, 300, `"o":`+object(150, 250, `"k151":{"m":1}`))).GetObject())
	o := r.Get(path(t, "o"))
	if n := len(r.Attributes()); n != 301 || o.GetObject().Len() != 250 {
		t.Errorf("%d members, %d below", n, o.GetObject().Len())
	}
	for at, want := range map[string]string{"o.k151.m": "1", "o.k151.n": "151", "o.k0": "7", "k299.n": "299", "k7.s": "\x1b\"é"} {
		if got, _ := value.Text(r.Get(path(t, at))); got != want {
			t.Errorf("%s: got %q, want %q", at, got, want)
		}
	}
	copied := r.Clone(o)
	o.Get("k7").Set("n", r.String("changed"))
	if got := copied.GetInt("k7", "n"); got != 7 || copied.GetObject().Len() != 250 {
		t.Errorf("a copy has changed: %v", copied.Get("k7"))
	}
}

func TestTextsOfValues(t *testing.T) {
	for json, want := range map[string]string{
		`"a"`: "a", `1`: "1", `1.0`: "1", `1.50`: "1.5", `true`: "true", `[1,"b",false]`: "1,b,false",
		`12345678901234567890`: "12345678901234567890",
		`null`:                 "-", `{}`: "-", `[[1]]`: "-", `[{"a":1}]`: "-",
	} {
		got, ok := Text(fastjson.MustParse(json))
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", json, got, want)
		}
	}
}

func TestStringsAreWhatTheyWere(t *testing.T) {
	var arena fastjson.Arena
	for _, s := range []string{"", "plain", "quote\" and \\", "\x00\x1b[1m\n\t", "é世\u2028", "\x7f"} {
		o := arena.NewObject()
		o.Set("s", String(&arena, s))
		v, err := fastjson.Parse(o.String())
		if err != nil || string(v.GetStringBytes("s")) != s {
			t.Errorf("%q became %s (%v)", s, o, err)
		}
	}
}

func TestAQuerySeesWhatItReads(t *testing.T) {
	r := recordOf(t, `{"http":{"status_code":200},"b":1,"http.x":2}`)
	r.Source = "nginx"
	e := r.Event([]string{"http.status_code"}, false)
	if len(e.Lookup("http.status_code")) != 1 || e.Has("b") || e.Source != "nginx" {
		t.Errorf("got %+v", e)
	}
	if e = r.Event([]string{"http"}, false); !e.Has("http.x") {
		t.Errorf("an attribute below what is asked for is missing: %+v", e)
	}
	if e = r.Event(nil, true); !e.Has("b") {
		t.Errorf("got %+v", e)
	}
}
