package grok

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"nightjar/testenv"
)

// vendorNode is a pipeline, or a processor, of the vendor's YAML form.
type vendorNode struct {
	Grok *struct {
		SupportRules, MatchRules string
	}
	Samples    []string
	Processors []vendorNode
}

// The rules of integrations that were written for this, and of the vendor's where they
// lie, compile, none is dear, and each parser matches all of its samples. What comes of
// whole pipelines is in ingest/pipeline's tests.
func TestRulesOfTheVendorsIntegrations(t *testing.T) {
	t.Run("written", func(t *testing.T) { rulesMatchTheirSamples(t, "../testdata/integrations.jsonl", 1, 2) })
	t.Run("shared", func(t *testing.T) {
		rulesMatchTheirSamples(t, testenv.Shared(t, "data/datadog-pipelines/integrations_extras_log_tests.jsonl"), 9, 24)
	})
}

func rulesMatchTheirSamples(t *testing.T, path string, wantParsers, wantSamples int) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	parsers, samples := 0, 0
	for lines.Scan() {
		var c struct{ Pipeline struct{ Pipeline vendorNode } }
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		walk(c.Pipeline.Pipeline, func(n vendorNode) {
			parsers++
			samples += checkVendor(t, n)
		})
	}
	if parsers != wantParsers || samples != wantSamples {
		t.Errorf("%d grok parsers with %d samples, want %d with %d", parsers, samples, wantParsers, wantSamples)
	}
}

func walk(n vendorNode, each func(vendorNode)) {
	if n.Grok != nil {
		each(n)
	}
	for _, inner := range n.Processors {
		walk(inner, each)
	}
}

func checkVendor(t *testing.T, n vendorNode) int {
	p, err := Compile(n.Grok.MatchRules, n.Grok.SupportRules)
	if err != nil {
		t.Error(err)
		return 0
	}
	for _, d := range p.Dear() {
		t.Errorf("%s is dear: %s", d.Rule, d.Why)
	}
	for _, s := range n.Samples {
		if got := parsed(t, n.Grok.MatchRules, n.Grok.SupportRules, s); got == "no match" {
			t.Errorf("no rule matches the sample %q", s)
		}
	}
	return len(n.Samples)
}
