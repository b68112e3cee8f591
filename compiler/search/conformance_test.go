package search_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valyala/fastjson"

	"nightjar/compiler/search"
	"nightjar/schema"
	"nightjar/testenv"
)

type searchCase struct {
	Source, Name, Query, Expect, Tier, Note string
	Event                                   json.RawMessage
	EventConvention                         string `json:"event_convention"`
}

func searchCases(t testing.TB) []searchCase {
	t.Helper()
	body, err := os.ReadFile(testenv.Shared(t, "conformance/log_search.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []searchCase }
	if err := json.Unmarshal(body, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 700 {
		t.Fatalf("log_search.json has %d cases, at least 700 are expected", len(file.Cases))
	}
	return file.Cases
}

// event reads a case's event: reserved fields at its root, attributes there too
// or, where it says so, under `attributes`.
func (c searchCase) event(t testing.TB) schema.Event {
	t.Helper()
	v, err := fastjson.ParseBytes(c.Event)
	if err != nil {
		t.Fatal(err)
	}
	var e schema.Event
	var attributes []schema.Pair
	for _, p := range schema.Pairs(v.GetObject()) {
		text := string(p.Value.GetStringBytes())
		if p.Value.Type() == fastjson.TypeNumber {
			text = p.Value.String()
		}
		switch p.Key {
		case "message":
			e.Message = text
		case "source":
			if e.Source == "" {
				e.Source = text
			}
		case "ddsource":
			e.Source = text
		case "service":
			e.Service = text
		case "host", "hostname":
			e.Host = text
		case "status":
			e.Status = text
		case "tags", "ddtags":
			for _, tag := range p.Value.GetArray() {
				e.Tags = append(e.Tags, string(tag.GetStringBytes()))
			}
			if text != "" {
				e.Tags = append(e.Tags, strings.Split(text, ",")...)
			}
		case "attributes":
			attributes = append(attributes, schema.Pairs(p.Value.GetObject())...)
		default:
			attributes = append(attributes, p)
		}
	}
	e.Attributes, _ = schema.NewAttributes(attributes)
	return e
}

func TestConformanceInMemory(t *testing.T) {
	matched := 0
	for _, c := range searchCases(t) {
		q, err := search.Parse(c.Query)
		got := "parse_ok"
		switch {
		case err != nil:
			got = "parse_error"
		case c.Expect == "matches" || c.Expect == "no_match":
			e := c.event(t)
			if got = "no_match"; q.Match(&e) {
				got = "matches"
			}
			matched++
		}
		if got == c.Expect {
			continue
		}
		report := t.Errorf
		if c.Tier == "optional" {
			report = t.Logf
		}
		report("%s %s: %q on %s: got %s (%v), want %s", c.Tier, c.Source, c.Query, c.Event, got, err, c.Expect)
	}
	if matched < 400 {
		t.Errorf("matched %d cases, at least 400 are expected", matched)
	}
}

func TestConformanceQueriesKeepTheirTree(t *testing.T) {
	for _, c := range searchCases(t) {
		if q, err := search.Parse(c.Query); err == nil {
			checkRoundTrip(t, q)
		}
	}
}

func TestRuleQueriesParse(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testenv.Shared(t, "conformance/rules"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	queries := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				if text, ok := value.(string); ok && (key == "query" || key == "rootQuery") {
					queries++
					if _, err := search.Parse(text); err != nil {
						t.Errorf("%q: %v", text, err)
					}
				}
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		}
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := json.Unmarshal(body, &doc); err != nil {
			t.Fatal(err)
		}
		walk(doc)
	}
	if queries < 150 {
		t.Errorf("found %d queries, at least 150 are expected", queries)
	}
}
