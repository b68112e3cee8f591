package pipeline

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTextIsReadAsTheSamePipeline writes every pipeline that ships, and some that have what
// YAML takes for something else, and reads them again.
func TestTextIsReadAsTheSamePipeline(t *testing.T) {
	files, err := filepath.Glob("../../content/pipelines/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	texts := []string{
		`{"name":"no","filter":{"query":"true"},"tags":["yes","1","null","~"],"processors":[{"type":"string-builder-processor","is_enabled":false,"name":"0x1","target":"t","template":"1.0"}]}`,
		`{"name":"\u202e<b>: # x","description":" a\n  b \n\n","filter":{"query":"- a:b # \\u202e"},"processors":[{"type":"grok-parser","samples":["\ttab\u0000","- x"],"grok":{"match_rules":"r  %{word:a} \nq %{word:b}  "}}]}`,
		`{"name":"a","is_enabled":false,"filter":{"query":""},"processors":[{"type":"attribute-remapper","sources":["a"],"target":"b","preserve_source":true},{"type":"attribute-remapper","sources":["a"],"target":"b","override_on_conflict":true}]}`,
		`{"name":"a","filter":{"query":""},"processors":[{"type":"schema-processor","schema":{"schema_type":"ocsf","version":"1.5.0","class_name":"Account Change","class_uid":3001},"mappers":[{"type":"schema-category-mapper","name":"m","categories":[{"filter":{"query":"@a:b"},"id":1,"name":"One"}],"targets":{"id":"ocsf.x_id","name":"ocsf.x"},"fallback":{"values":{"name":"","is_enabled":"true"},"sources":{"name":["a"]}}}]}]}`,
	}
	for _, f := range files {
		if !strings.HasSuffix(f, testSuffix) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(text))
		}
	}
	for _, text := range texts {
		p, err := Parse(text, ParseOptions{Enabled: true})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		written, err := p.Text()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(written, ParseOptions{Enabled: true})
		if err != nil {
			t.Fatalf("%s can't be read: %v\n%s", p.Name, err, written)
		}
		p.ID, p.ReadOnly = "", false // those are the engine's
		want, _ := json.Marshal(p)
		if got, _ := json.Marshal(again); string(got) != string(want) {
			t.Errorf("%s\nis read as %s\nwant       %s", written, got, want)
		}
	}
}

func TestTextLeavesOutWhatGoesWithoutSaying(t *testing.T) {
	p, err := Parse(`{"name":"mine","filter":{"query":"source:x"},"processors":[{"type":"grok-parser","source":"message","grok":{"match_rules":"a %{word:x}\nb %{word:y}"}},{"type":"status-remapper","sources":["level"]}]}`, ParseOptions{Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	const want = `name: mine
filter: {query: 'source:x'}
processors:
  - type: grok-parser
    source: message
    grok:
      match_rules: |-
        a %{word:x}
        b %{word:y}
  - type: status-remapper
    sources: [level]
`
	if got, err := p.Text(); err != nil || got != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
	}
}
