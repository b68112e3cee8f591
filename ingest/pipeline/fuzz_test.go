package pipeline

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// FuzzDocument: reading ends, and tells what is wrong; what is read is read again from
// what it is written as, as the same.
func FuzzDocument(f *testing.F) {
	for _, s := range []string{
		`{"name":"a","filter":{"query":"source:x"},"processors":[{"type":"grok-parser","grok":{"match_rules":"r %{word:a}"}}]}`,
		"name: a\nprocessors:\n  - {type: array-map-processor, source: a, target: b, processors: [{type: string-builder-processor, template: 'x%{a}', target: $targetElem}]}",
		"id: a\npipeline: {name: b, processors: [{type: lookup-processor, source: a, target: b, lookupTable: \"a,b\\nc,d\"}]}",
		"name: a\nprocessors: [{type: scrub, patterns: [email], expressions: [{name: x, regex: 'a+'}]}, {type: arithmetic-processor, expression: '(a + 1) * b', target: c}]",
		"name: a\nprocessors: [{type: lookup-processor, source: a, target: b, lookup_table: ' '}]",
		"- [", "{", "a: &a [*a]", `{"name":"\ud83d\ude00"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text, ParseOptions{Enabled: true})
		if err != nil {
			var bad *DocumentError
			if !errors.As(err, &bad) || len(bad.Problems) == 0 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		written, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(string(written), ParseOptions{Enabled: true})
		if err != nil {
			t.Fatalf("%q is written as %s, which is not read: %v", text, written, err)
		}
		if twice, _ := json.Marshal(again); string(twice) != string(written) {
			t.Fatalf("%s is read as %s", written, twice)
		}
		runs(t, p, `{"a":[{"b":1}],"c":"d"}`, "a message")
	})
}

// FuzzRun: no record makes a pipeline of every kind of processor panic, or what is made
// of it no JSON.
func FuzzRun(f *testing.F) {
	for _, s := range []string{
		`{"a":"x","u":"http://h:1/p?q=r#s","ip":"192.0.2.1","l":[{"name":"n","value":{"v":1}},2,null],"n":1.5,"d":"2024-01-01T00:00:00Z","b":"aGk="}`,
		`{"a":{"b":{"c":[[],{}]}},"a.b":1,"a":null,"l":{"l":[]}}`, `{"$sourceElem":1,"l":[[1]],"n":"1e400"}`, `{}`,
		`{"l":[{"name":"l.0.name","value":"x"},{"name":"l","value":[1]}]}`,
		`{"a.x":null,"a":{"x":{"y":[{"z":1}]},"x.y":null},"m.0":null,"l.name":null}`,
	} {
		f.Add(s, "GET /x?a=b 4111 1111 1111 1111 ann@example.org")
	}
	p := pipelineOf(f, everything)
	f.Fuzz(func(t *testing.T, attributes, message string) {
		if v, err := fastjson.Parse(attributes); err != nil || v.Type() != fastjson.TypeObject || !json.Valid([]byte(attributes)) {
			return
		}
		runs(t, p, attributes, message)
	})
}

func runs(t *testing.T, p *Pipeline, attributes, message string) {
	r := recordOf(t, attributes)
	r.Message = message
	set := NewSet([]*Pipeline{p}, worldOf())
	trace, applied := set.Trace(r)
	for _, e := range applied.Errors {
		if strings.Contains(e, "a fault of nightjar") {
			t.Fatalf("%s with %q: %s", attributes, message, e)
		}
	}
	if _, err := json.Marshal(trace); err != nil {
		t.Fatalf("the trace of %s: %v", attributes, err)
	}
	if err := fastjson.Validate(shown(r)); err != nil {
		t.Fatalf("%s became %s: %v", attributes, shown(r), err)
	}
	a, _ := schema.NewAttributes(r.Attributes())
	if !json.Valid([]byte(a.JSON)) {
		t.Fatalf("%s became %s", attributes, a.JSON)
	}
	if len(a.JSON) > len(attributes)*8+2*maxMade {
		t.Fatalf("%s became %d bytes", attributes, len(a.JSON))
	}
}

// everything has a processor of every type.
const everything = `
- {type: grok-parser, grok: {match_rules: "r (GET )?%{notSpace:http.url}( %{data:rest})?"}}
- {type: grok-parser, source: a, grok: {match_rules: "r %{data:a:json}"}}
- {type: date-remapper, sources: [d, n, a]}
- {type: status-remapper, sources: [n, a, l]}
- {type: service-remapper, sources: [a, n]}
- {type: message-remapper, sources: [a.b, msg]}
- {type: trace-id-remapper, sources: [l]}
- {type: span-id-remapper, sources: [n]}
- {type: attribute-remapper, sources: [a], target: a.x, preserve_source: true}
- {type: attribute-remapper, sources: [a.x], target: a.x.y}
- {type: attribute-remapper, sources: [a.x.y], target: a.x.y.0.z}
- {type: attribute-remapper, sources: [l.name, l], target: m, target_format: integer}
- {type: attribute-remapper, sources: [m], target: tag, target_type: tag, preserve_source: true}
- {type: attribute-remapper, sources: [env], source_type: tag, target: m.0, override_on_conflict: true}
- {type: attribute-remapper, sources: [m], target: l, preserve_source: true, target_format: string}
- {type: category-processor, target: c, categories: [{filter: {query: "*:x OR @a:*"}, name: one}, {filter: {query: "*"}, name: two}]}
- {type: arithmetic-processor, expression: "(n + 1) * a / l - 2", target: n, is_replace_missing: true}
- {type: string-builder-processor, template: "%{a}%{l.name}%{n}", target: s, is_replace_missing: true}
- {type: lookup-processor, source: a, target: k, lookup_table: ["x,y"], default_lookup: z}
- {type: lookup-processor, source: a, target: k.t, lookup_enrichment_table: owners}
- {type: url-parser, sources: [u, http.url], target: u.d, normalize_ending_slashes: true}
- {type: user-agent-parser, sources: [a, u], target: ua, is_encoded: true}
- {type: geo-ip-parser, sources: [ip, l], target: ip}
- {type: array-processor, operation: {type: select, source: l, target: l.0, filter: "name:n", value_to_extract: value}}
- {type: array-processor, operation: {type: length, source: l, target: l.len}}
- {type: array-processor, operation: {type: append, source: l, target: l}}
- {type: array-processor, operation: {type: append, source: a, target: a.y, preserve_source: false}}
- {type: array-processor, operation: {type: key-value, source: l, key_to_extract: name, value_to_extract: value, override_on_conflict: true}}
- type: array-map-processor
  source: l
  target: l
  processors:
    - {type: attribute-remapper, sources: [$sourceElem.name, $sourceElem, l], target: $targetElem.o}
    - {type: string-builder-processor, template: "%{$sourceElem}", target: $targetElem.p}
    - {type: category-processor, target: $targetElem, categories: [{filter: {query: "@$sourceElem.name:n"}, name: n}]}
- {type: decoder-processor, source: b, target: b.x, binary_to_text_encoding: base64, input_representation: utf_8}
- {type: decoder-processor, source: b, target: b, binary_to_text_encoding: base16, input_representation: integer}
- {type: exclude-attribute, attribute_to_exclude: l.name}
- {type: pipeline, filter: {query: "@a:*"}, processors: [{type: exclude-attribute, attribute_to_exclude: a}]}
- type: schema-processor
  name: s
  schema: {schema_type: ocsf, version: "1.5.0", class_uid: 3001, class_name: Account Change}
  mappers: [{type: schema-remapper, name: m, sources: [l, m], target: ocsf}, {type: schema-category-mapper, name: c, categories: [{filter: {query: "*"}, id: 1, name: x}], targets: {id: ocsf.id, name: ocsf.name}}]
- {type: scrub, patterns: [card_number, email, iban, bearer_token, jwt, aws_access_key, aws_secret_key, private_key, url_password], hash: true}
`
