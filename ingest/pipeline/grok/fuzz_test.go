package grok

import (
	"errors"
	"strings"
	"testing"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

// Any rules compile, or have mistakes with a place inside them.
func FuzzCompile(f *testing.F) {
	f.Add(sshdRules, "")
	f.Add(accessRules, accessHelpers)
	f.Add("r %{a:x:keyvalue(\"=\",\"/:\",\"<>\",\"|\")}", "a (?<n>\\d+)(?:x|y)*?\\k<n>(?=z)(?i:q)[^\\]a-z&&b]")
	f.Add("r %{date(\"yyyy-MM-dd'T'HH:mm:ss.SSSZ\",\"+3\",\"fr\"):t}%{data:a[\"b c\"].d:array(\"[]\",\",\",integer)}", "")
	f.Fuzz(func(t *testing.T, match, support string) {
		p, err := Compile(match, support)
		if err == nil {
			var arena fastjson.Arena
			for _, text := range []string{"", "a", match} {
				_, _, err := p.Parse(&Context{Received: received, Arena: &arena}, text)
				if err != nil && !errors.Is(err, ErrBudget) {
					t.Error(err)
				}
			}
			return
		}
		var bad *RuleError
		if !errors.As(err, &bad) || bad.Message == "" {
			t.Fatalf("a mistake without its place: %v", err)
		}
		lines := map[string]int{"match": strings.Count(match, "\n") + 1, "support": strings.Count(support, "\n") + 1}
		if bad.Line < 1 || bad.Line > lines[bad.Where] || bad.Column < 1 {
			t.Errorf("a place outside of the rules: %v", bad)
		}
	})
}

// Any text gives JSON that can be read again, or nothing.
func FuzzParse(f *testing.F) {
	var parsers []*Parser
	for _, rules := range [][2]string{{sshdRules}, {accessRules, accessHelpers}} {
		p, err := Compile(rules[0], rules[1])
		if err != nil {
			f.Fatal(err)
		}
		parsers = append(parsers, p)
	}
	for _, line := range append(sshdLines, accessLine, "\xff\x00") {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range parsers {
			checkJSON(t, p, text)
		}
	})
}

func checkJSON(t *testing.T, p *Parser, text string) {
	t.Helper()
	var arena fastjson.Arena
	found, _, err := p.Parse(&Context{Received: received, Arena: &arena}, text)
	if err != nil && !errors.Is(err, ErrBudget) {
		t.Error(err)
	}
	if found == nil {
		return
	}
	if err := fastjson.ValidateBytes(value.Append(nil, found)); err != nil {
		t.Errorf("%q: %v", text, err)
	}
}

// fuzzFilters gives any text to filters.
func fuzzFilters(f *testing.F, seeds []string, filters ...string) {
	var parsers []*Parser
	for _, name := range filters {
		p, err := Compile("r %{data:a:"+name+"}", "")
		if err != nil {
			f.Fatal(err)
		}
		parsers = append(parsers, p)
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range parsers {
			checkJSON(t, p, text)
		}
	})
}

func FuzzKeyValue(f *testing.F) {
	fuzzFilters(f, []string{`a=1 b="x y" c.d=<e>`, "k: v;", "[a=b][c=d]"},
		`keyvalue`, `keyvalue(": ","/:")`, `keyvalue("="," =,","<>")`, `keyvalue("=","","","[]")`)
}

func FuzzStructures(f *testing.F) {
	fuzzFilters(f, []string{`{:a=>[1,"b}`, `{"a.b":{}}`, `<a b="c"><d>e</d></a>`, `1,"a ""b",c`, `[1,2]`, "?a=b&a=%20"},
		`rubyhash`, `json`, `xml`, `csv("a,b,c")`, `array`, `array("[]",",",keyvalue)`, `querystring`, `url`, `decodeuricomponent`)
}

func FuzzDate(f *testing.F) {
	var parsers []*Parser
	for _, format := range []string{"yyyy-MM-dd'T'HH:mm:ss.SSSZ", "EEE MMM d HH:mm:ss z yyyy", "h:m a", "yyDDD zzzz"} {
		p, err := Compile(`r %{date("`+format+`"):t}`, "")
		if err != nil {
			f.Fatal(err)
		}
		parsers = append(parsers, p)
	}
	f.Add("2016-11-29T16:21:36.431+0000")
	f.Add("Thu Jun 16 08:29:03 CET 2016")
	f.Add("16366 Europe/Berlin")
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range parsers {
			checkJSON(t, p, text)
		}
	})
}
