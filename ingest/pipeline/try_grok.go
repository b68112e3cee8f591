package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/grok"
	"nightjar/ingest/pipeline/value"
)

// GrokTry is what grok rules make of a text.
type GrokTry struct {
	// Rule is the one that matches; empty: none does, and Why says how far the nearest one
	// comes, or what failed.
	Rule, Why string
	// Found is what it finds; nil where none matches.
	Found json.RawMessage
}

// TryGrok reads texts with rules, as a grok-parser does. Problems are those of the rules;
// with any, no text is read. Their Path is match_rules or support_rules, and their place is
// in that text. Warnings are no mistakes. Once ctx ends no other text is read.
func TryGrok(ctx context.Context, rules GrokRules, texts []string, received time.Time) (tries []GrokTry, problems []Problem, warnings []string) {
	p, err := grok.Compile(rules.MatchRules, rules.SupportRules)
	for _, err := range split(err) {
		problems = append(problems, grokProblem(err))
	}
	if err != nil {
		return nil, problems, nil
	}
	for _, d := range p.Dear() {
		warnings = append(warnings, "rule "+d.Rule+" is dear: "+d.Why)
	}
	for _, d := range p.Doubts() {
		warnings = append(warnings, "rule "+d.Rule+": "+d.Message)
	}
	for _, text := range texts {
		if ctx.Err() != nil {
			break
		}
		tries = append(tries, tryGrok(p, rules, text, received))
	}
	return tries, nil, warnings
}

func grokProblem(err error) Problem {
	var bad *grok.RuleError
	if !errors.As(err, &bad) {
		return Problem{Path: "match_rules", Message: err.Error()}
	}
	out := Problem{Path: "match_rules", Line: bad.Line, Column: bad.Column, Message: bad.Message, Hint: bad.Hint}
	if bad.Where == "support" {
		out.Path = "support_rules"
	}
	if bad.Rule != "" {
		out.Message = "rule " + bad.Rule + ": " + out.Message
	}
	return out
}

func tryGrok(p *grok.Parser, rules GrokRules, text string, received time.Time) GrokTry {
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	found, rule, err := p.Parse(&grok.Context{Received: received, Arena: new(fastjson.Arena)}, text)
	switch {
	case err != nil:
		return GrokTry{Why: err.Error()}
	case found == nil:
		return GrokTry{Why: whyNone(rules, text)}
	}
	out := value.Append(nil, found)
	if !json.Valid(out) { // what came has a number in it that is none
		out = value.AppendString(nil, string(out))
	}
	return GrokTry{Rule: rule, Found: out}
}
