package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/grok"
	"nightjar/ingest/record"
)

// GrokParser makes attributes of a text.
type GrokParser struct {
	Base
	Source  string    `json:"source"`
	Samples []string  `json:"samples"`
	Grok    GrokRules `json:"grok"`

	path   record.Path
	parser *grok.Parser
}

// GrokRules are the rules that are tried, and those that they use.
type GrokRules struct {
	SupportRules string `json:"support_rules"`
	MatchRules   string `json:"match_rules"`
}

// Bounds of the samples that stand in a document, as the vendor has them.
const (
	maxSamples     = 5
	maxSampleChars = 5000
)

func readGrok(o *object, b Base) Processor {
	g := &GrokParser{Base: b, Samples: o.texts("samples")}
	g.Source, g.path = o.attribute("source", "message")
	if len(g.Samples) > maxSamples {
		o.problem("samples", fmt.Sprintf("%d samples; %d are the most", len(g.Samples), maxSamples), "write more of them as tests, beside the pipeline")
	}
	for _, s := range g.Samples {
		if n := utf8.RuneCountInString(s); n > maxSampleChars {
			o.problem("samples", fmt.Sprintf("a sample has %d characters; %d are the most", n, maxSampleChars), "")
		}
	}
	rules := o.inner("grok")
	if rules == nil {
		if o.find("grok") == nil {
			o.need("grok")
		}
		return g
	}
	g.Grok = GrokRules{SupportRules: rules.textOr("support_rules", ""), MatchRules: rules.filled("match_rules")}
	rules.end()
	g.compile(rules)
	return g
}

func (g *GrokParser) compile(rules *object) {
	if g.Grok.MatchRules == "" {
		return
	}
	p, err := grok.Compile(g.Grok.MatchRules, g.Grok.SupportRules)
	for _, err := range split(err) {
		rules.ruleProblem(err)
	}
	if err != nil {
		return
	}
	g.parser = p
	for _, dear := range p.Dear() {
		g.dear = true
		rules.doc.dear = append(rules.doc.dear, DearRule{rules.path("match_rules"), dear.Rule, dear.Why})
		rules.warn("match_rules", fmt.Sprintf("rule %s is dear: %s", dear.Rule, dear.Why))
	}
	for _, d := range p.Doubts() {
		rules.warn("match_rules", "rule "+d.Rule+": "+d.Message)
	}
	if n := countRules(g.Grok.MatchRules); n > advisedRules {
		rules.warn("match_rules", fmt.Sprintf("%d rules; the vendor advises at most %d", n, advisedRules))
	}
}

func countRules(text string) (n int) {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			n++
		}
	}
	return n
}

// split are the errors that one was joined of.
func split(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// ruleProblem is a mistake in a rule, with its line and column.
func (o *object) ruleProblem(err error) {
	var bad *grok.RuleError
	if !errors.As(err, &bad) {
		o.problem("match_rules", err.Error(), "")
		return
	}
	key := "match_rules"
	if bad.Where == "support" {
		key = "support_rules"
	}
	p := Problem{Path: o.path(key), Message: bad.Message, Hint: bad.Hint}
	if bad.Rule != "" {
		p.Message = fmt.Sprintf("rule %s: %s", bad.Rule, p.Message)
	}
	p.Message = fmt.Sprintf("line %d, column %d: %s", bad.Line, bad.Column, p.Message)
	if n := o.find(key); n != nil {
		p.Line, p.Column = n.place(bad.Line, bad.Column)
	}
	o.doc.problems = append(o.doc.problems, p)
}

func (g *GrokParser) run(x *run) outcome {
	text, ok := g.text(x)
	if !ok {
		return skipped("its source is missing, or no text")
	}
	found, rule, err := g.parser.Parse(&x.grok, text)
	switch {
	case err != nil && rule != "":
		return failed(fmt.Errorf("rule %s: %w", rule, err))
	case err != nil:
		return failed(err)
	case found == nil:
		return skipped(g.noMatch(x, text))
	}
	if err := x.make(found); err != nil {
		return failed(err)
	}
	if x.trace != nil {
		x.trace.setAll("", found)
	}
	x.Merge(found.GetObject())
	if n := x.grok.LeftOut; n > 0 {
		x.fail(&g.Base, fmt.Errorf("rule %s: %d members beyond %d were left out", rule, n, grok.MostMembers))
	}
	return outcome{Outcome: Applied, rule: rule}
}

// noMatch says why nothing was found; whoever looks at a trace is told what comes near.
func (g *GrokParser) noMatch(x *run, text string) string {
	if x.trace == nil {
		return noRuleMatches
	}
	return whyNone(g.Grok, text)
}

const noRuleMatches = "no rule matches"

// whyNone says that no rule matches, and what comes near.
func whyNone(rules GrokRules, text string) string {
	if near := grok.Nearest(rules.MatchRules, rules.SupportRules, text); near != "" {
		return noRuleMatches + "; " + near
	}
	return noRuleMatches
}

// bodySource is ours: what of the message follows the head that a syslog-parser read.
const bodySource = "$text"

// text is what is parsed. The message is the record's own, even where an attribute has
// its name.
func (g *GrokParser) text(x *run) (string, bool) {
	switch {
	case g.Source == bodySource && x.headed:
		return x.body, x.body != "" && len(x.body) <= longestBody
	case g.Source == bodySource, g.Source == "message":
		text := strings.TrimSuffix(strings.TrimSuffix(x.Message, "\n"), "\r") // a line's end is no part of it
		return text, text != ""
	}
	v := x.get(g.path)
	if v == nil || v.Type() != fastjson.TypeString {
		return "", false
	}
	return string(v.GetStringBytes()), true
}
