package sampletest

import (
	"os"
	"strings"
	"testing"

	"nightjar/ingest/pipeline"
)

// TestThePipelineOfThePageMakesOfItsSamplesWhatThePageSays runs what a reader of
// docs/pipelines.md writes first.
func TestThePipelineOfThePageMakesOfItsSamplesWhatThePageSays(t *testing.T) {
	page, err := os.ReadFile("../../../docs/pipelines.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(page), "```yaml\n")
	block := func(i int) string {
		code, _, _ := strings.Cut(parts[i], "```")
		return code
	}
	p, err := pipeline.Parse(block(1), pipeline.ParseOptions{Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	samples, err := pipeline.ParseSamples(block(2))
	if err != nil {
		t.Fatal(err)
	}
	set := pipeline.NewSet([]*pipeline.Pipeline{p}, pipeline.Deps{Budget: -1})
	if len(samples.Samples) != 2 || len(p.Warnings) > 0 {
		t.Errorf("%d samples, warnings %v", len(samples.Samples), p.Warnings)
	}
	for i := range samples.Samples {
		if differs, err := Run(set, samples.Pipeline, &samples.Samples[i]); err != nil || differs != "" {
			t.Errorf("%s: %v\n%s", samples.Samples[i].Name, err, differs)
		}
	}
}

// A sample that comes out otherwise says where.
func TestWhatDiffersIsShownByPath(t *testing.T) {
	p, err := pipeline.Parse("id: a\nname: a\nfilter: source:x\nprocessors: [{type: grok-parser, grok: {match_rules: 'r %{word:a} %{word:b}'}}, {type: decoder-processor, source: a, target: c, binary_to_text_encoding: base16, input_representation: utf_8}]", pipeline.ParseOptions{Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	set := pipeline.NewSet([]*pipeline.Pipeline{p}, pipeline.Deps{Budget: -1})
	for _, c := range []struct{ sample, want string }{
		{"{name: n, input: one two, source: x, result: {attributes: {a: one, b: 2, c: {d: 1}}, status: warn, errors: [no base16]}}", "- status: warn\n+ status: info\n- b: 2\n+ b: \"two\"\n- c.d: 1"},
		{"{name: n, input: one two, source: x, result: {has: {a: one}, lacks: [b]}}", "+ error: a: processors[1]: the source is no base16\n+ b: \"two\" (nothing is wanted here)"},
		{"{name: n, input: {message: one two, k: 1}, source: y, result: {attributes: {k: 1}}}", "- pipeline a: applied\n+ pipeline a: of the pipelines, those that were: []"},
		{"{name: n, input: one two, source: y, result: {skipped: true}}", ""},
		{"{name: n, input: one two, source: x, result: {attributes: {a.b: 1}, errors: [base16, other]}}", "- error: other\n+ a: \"one\"\n- a.b: 1\n+ b: \"two\""},
	} {
		s, err := pipeline.ParseSamples("pipeline: a\nsamples:\n  - " + c.sample)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Run(set, "a", &s.Samples[0])
		if err != nil || got != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", c.sample, err, got, c.want)
		}
	}
}

func TestSamplesThatSayNothingAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"pipeline: a": "there is no sample",
		"pipeline: a\nsamples: [{name: n, input: x}]":                                                            `"result" is missing`,
		"pipeline: a\nsamples: [{name: n, input: x, result: {}}]":                                                "neither attributes nor has",
		"pipeline: a\nsamples: [{name: n, result: {has: {}}}]":                                                   `"input" is missing`,
		"pipeline: a\nsamples: [{name: n, input: x, recieved: 2026-01-01T00:00:00Z, result: {has: {}}}]":         `did you mean "received"?`,
		"pipeline: a\nsamples: [{name: n, input: x, received: soon, result: {has: {}}}]":                         "this is no time",
		"pipeline: a\nsamples: [{name: n, input: x, result: {has: {}}}, {name: n, input: x, result: {has: {}}}]": "a second sample",
	} {
		if _, err := pipeline.ParseSamples(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
