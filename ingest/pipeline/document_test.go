package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"nightjar/schema"
)

// Mistakes are told with their place, and what was probably meant.
func TestMistakesAreToldWithTheirPlaceAndAHint(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no YAML", "name: a\n\tb: c", "2:1: this is no YAML"},
		{"no JSON", "{\"name\": \"a\",\n \"filter\" {}}", "2:11: this is no JSON"},
		{"JSON that ends", `{"name": "a"`, "the text ends within the document"},
		{"JSON and more", `{"name": "a"} {}`, "something follows"},
		{"empty", "", "the document is empty"},
		{"two documents", "name: a\n---\nname: b", "a second document follows"},
		{"a list", "- a", "1:1: this is a list, not a pipeline"},
		{"no name", "filter: {query: x}", `1:1: name: "name" is missing`},
		{"unknown key", "name: a\nfilters: {query: x}", `2:1: filters: unknown key "filters"; did you mean "filter"?`},
		{"unknown key of a processor", "name: a\nprocessors:\n  - type: status-remapper\n    source: [a]\n    sources: [b]", `4:5: processors[0].source: unknown key "source"; did you mean "sources"?`},
		{"unknown type", "name: a\nprocessors:\n  - type: grok-praser", `3:11: processors[0].type: there is no processor of type "grok-praser" here; did you mean "grok-parser"?`},
		{"type is missing", "name: a\nprocessors: [{}]", `2:14: processors[0].type: "type" is missing`},
		{"bad query", "name: a\nfilter:\n  query: 'a ('", "3:10: filter.query: the query, at 1:"},
		{"bad path", "name: a\nprocessors: [{type: exclude-attribute, attribute_to_exclude: a..b}]", "empty step"},
		{"bad enumeration", "name: a\nprocessors: [{type: attribute-remapper, sources: [a], target: b, target_format: int}]", `"int" is not known here; did you mean`},
		{"flag", "name: a\nis_enabled: maybe", `2:13: is_enabled: this is text, not true or false`},
		{"format of a tag", "name: a\nprocessors: [{type: attribute-remapper, sources: [a], target: b, target_type: tag, target_format: integer}]", "a tag has no format"},
		{"colon in a target", "name: a\nprocessors: [{type: attribute-remapper, sources: [a], target: 'b:c'}]", "no colon and no comma"},
		{"category twice", "name: a\nprocessors: [{type: category-processor, target: t, categories: [{filter: {query: a}, name: x}, {filter: {query: b}, name: x}]}]", `a second category is called "x"`},
		{"expression", "name: a\nprocessors: [{type: arithmetic-processor, target: t, expression: '(a'}]", "at character 1: this bracket does not close"},
		{"template", "name: a\nprocessors: [{type: string-builder-processor, target: t, template: 'x %{a'}]", "does not end"},
		{"table", "name: a\nprocessors: [{type: lookup-processor, source: a, target: t, lookup_table: ['x']}]", "has no comma"},
		{"table too large", "name: a\nprocessors: [{type: lookup-processor, source: a, target: t, lookup_table: ['x," + strings.Repeat("y", 100_000) + "']}]", "more than 100000 bytes"},
		{"deep", "name: a\nprocessors: [{type: pipeline, processors: [{type: pipeline, processors: []}]}]", "holds no pipelines"},
		{"samples", "name: a\nprocessors: [{type: grok-parser, samples: [a, b, c, d, e, f], grok: {match_rules: 'r a'}}]", "6 samples; 5 are the most"},
		{"rules", "name: a\nprocessors:\n  - type: grok-parser\n    grok:\n      match_rules: |\n        ok %{word:a}\n        bad x %{nope:b}\n", "7:17: processors[0].grok.match_rules: line 2, column 9: rule bad: no matcher or rule is named nope"},
		{"target of the element", "name: a\nprocessors: [{type: array-map-processor, source: a, target: b, processors: [{type: string-builder-processor, template: x, target: y}]}]", "begin it with $targetElem"},
		{"in place", "name: a\nprocessors: [{type: array-map-processor, source: a, target: a, preserve_source: false, processors: [{type: string-builder-processor, template: x, target: $targetElem}]}]", "the source is the target"},
		{"not within an element", "name: a\nprocessors: [{type: array-map-processor, source: a, target: b, processors: [{type: url-parser}]}]", `no processor of type "url-parser" here`},
		{"no key:value", "name: a\nprocessors: [{type: array-processor, operation: {type: select, source: a, target: b, filter: x, value_to_extract: v}}]", "no key:value"},
		{"class", "name: a\nprocessors: [{type: schema-processor, mappers: [], schema: {schema_type: ocsf, version: '1', class_uid: 99, class_name: x}}]", "a class of no category"},
		{"two of a key", `{"name":"a","name":"b"}`, `1:13: name: the key "name" is here twice`},
		{"too many", "name: a\nprocessors: [" + strings.Repeat("{type: geo-ip-parser},", 501) + "]", "more than 500 processors"},
		{"too large", "name: " + strings.Repeat("a", MaxDocumentBytes), "1048576 are the most"},
		{"nested too deep", "name: " + strings.Repeat("[", 40) + strings.Repeat("]", 40), "nested too deep"},
		{"aliases", "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]", "too many values"},
	} {
		_, err := Parse(c.text, ParseOptions{})
		var bad *DocumentError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n got %v\nwant %s", c.name, err, c.want)
		}
	}
}

func TestAllMistakesAreToldAtOnceAndToTheAPI(t *testing.T) {
	_, err := Parse("nme: a\nprocessors:\n  - {type: status-remapper}\n  - {type: x}", ParseOptions{})
	var bad *DocumentError
	if !errors.As(err, &bad) || len(bad.Problems) != 4 {
		t.Fatalf("got %v", err)
	}
	var invalid *schema.InvalidError
	if !errors.As(fmt.Errorf("create: %w", err), &invalid) || len(invalid.Details) != 4 || invalid.Details[1].Target != "processors[0].sources" {
		t.Errorf("the API is told %v", invalid)
	}
}

// The three forms of one document mean the same.
func TestTheFormsOfADocumentMeanTheSame(t *testing.T) {
	const api = `{"name":"n","filter":{"query":"source:x"},"is_enabled":true,"processors":[
		{"type":"attribute-remapper","is_enabled":true,"sources":["a"],"target":"b","source_type":"attribute","target_type":"attribute","target_format":"string","preserve_source":true,"override_on_conflict":true},
		{"type":"lookup-processor","is_enabled":true,"source":"a","target":"b","lookup_table":["x,y","z,w"],"default_lookup":"d"},
		{"type":"arithmetic-processor","is_enabled":true,"expression":"a","target":"b","is_replace_missing":true},
		{"type":"grok-parser","is_enabled":true,"source":"message","grok":{"match_rules":"r %{word:a}","support_rules":"s x"}},
		{"type":"pipeline","name":"in","is_enabled":true,"filter":{"query":"y"},"processors":[{"type":"user-agent-parser","is_enabled":true,"sources":["a"],"target":"b","is_encoded":true}]}]}`
	const vendor = `
id: n
metric_id: n
backend_only: false
facets: []
pipeline:
  type: pipeline
  name: n
  enabled: true
  filter: {query: "source:x"}
  processors:
    - {type: attribute-remapper, enabled: true, sources: [a], target: b, sourceType: attribute, targetType: attribute, targetFormat: string, preserveSource: true, overrideOnConflict: true}
    - type: lookup-processor
      enabled: true
      source: a
      target: b
      lookupTable: |-
        x,y
        z,w
      defaultLookup: d
    - {type: arithmetic-processor, enabled: true, expression: a, target: b, replaceMissing: true}
    - {type: grok-parser, enabled: true, source: message, grok: {matchRules: "r %{word:a}", supportRules: "s x"}}
    - {type: pipeline, name: in, enabled: true, filter: {query: y}, processors: [{type: user-agent-parser, enabled: true, sources: [a], target: b, encoded: true, combineVersionDetails: true}]}
`
	documents := []string{
		documentOf(t, api, ParseOptions{}), documentOf(t, vendor, ParseOptions{}),
		documentOf(t, strings.ReplaceAll(strings.ReplaceAll(api, `"is_enabled":true,`, ""), "\t", " "), ParseOptions{Enabled: true}),
	}
	for i, d := range documents[1:] {
		if d != documents[0] {
			t.Errorf("form %d:\n got %s\nwant %s", i+1, d, documents[0])
		}
	}
}

func documentOf(t *testing.T, text string, o ParseOptions) string {
	t.Helper()
	p, err := Parse(text, o)
	if err != nil {
		t.Fatal(err)
	}
	p.ID = ""
	out, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse(string(out), o); err != nil {
		t.Errorf("what was written is not read: %v", err)
	} else if text, _ := json.Marshal(again); string(text) != string(out) {
		t.Errorf("what was written is read as another document:\n%s\n%s", out, text)
	}
	return string(out)
}

func TestAListOfPipelinesIsReadAsTheAPIListsThem(t *testing.T) {
	all, err := ParseAll(`[{"name":"a"},{"name":"b","is_enabled":true}]`, ParseOptions{})
	if err != nil || len(all) != 2 || all[0].Enabled || !all[1].Enabled {
		t.Errorf("got %v, %v", all, err)
	}
	if _, err = ParseAll(`[{"name":"a"},{"nme":"b"}]`, ParseOptions{}); err == nil || !strings.Contains(err.Error(), "[1].name") {
		t.Errorf("got %v", err)
	}
}

func TestTokensInClassesAreWarnedOf(t *testing.T) {
	p := pipelineOf(t, "- {type: grok-parser, grok: {support_rules: 's x[%{integer:a}]', match_rules: 'r %{s}'}}\n- {type: grok-parser, grok: {match_rules: 'r \\[%{integer:a}\\] [%{}]'}}\n")
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0].Message, `rule s: [%{integer:a}] is a set of characters, in which a token means nothing; write \[ and \] for`) {
		t.Errorf("warnings: %v", p.Warnings)
	}
}

func TestWhatIsToBeKnownIsWarnedOf(t *testing.T) {
	p := pipelineOf(t, "- {type: attribute-remapper, sources: [a], target: host}\n- {type: grok-parser, grok: {match_rules: 'r (a|b)%{data:a}\\1'}}\n"+strings.Repeat("- {type: geo-ip-parser}\n", 20))
	told := fmt.Sprint(p.Warnings)
	for _, want := range []string{"not the reserved field", "rule r is dear", "the vendor advises at most 20"} {
		if !strings.Contains(told, want) {
			t.Errorf("want %q in %s", want, told)
		}
	}
	if len(p.Dear) != 1 || p.Dear[0].Rule != "r" {
		t.Errorf("dear rules: %v", p.Dear)
	}
}
