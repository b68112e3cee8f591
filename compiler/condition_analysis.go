package compiler

import (
	"fmt"
	"slices"
	"strings"
)

// This file says of conditions, before there are events, what they can mean.

// HoldsAtSilence reports whether the condition can hold at a silence point,
// where the labels of grouped queries are 0, and those that are global may have
// any value. The empty condition asks for a match, and one with `then` is not
// tried there, so neither does. Of conditions too large to be sure it says true.
func (c *Condition) HoldsAtSilence(labels []Label) bool {
	if c.OverTime() || c.isEmpty() {
		return false
	}
	a := analysis{labels: labels}
	return a.possible(bothOf(c.Parts[0], a.silent()))
}

// HasSilencePoints reports whether a group of the plan can match when it falls
// silent (docs/semantics.md, "Silence points"): only then must its silence be noticed.
func (p *Plan) HasSilencePoints() bool {
	return p.judgesSilence() && !p.OfSignals && slices.ContainsFunc(p.Cases, func(c Case) bool {
		return c.Condition.HoldsAtSilence(p.Labels)
	})
}

// judgesSilence reports whether silence points are among what the plan's cases
// are tried at.
func (p *Plan) judgesSilence() bool { return methodOf(p.Method).about().silence && p.Window > 0 }

// analyze warns of what can never hold, and of what holds at silence as well.
// It refuses what would need silence points in a rule over signals.
func (c *ruleCompiler) analyze() {
	switch p := c.plan; {
	case c.bad.Err() != nil || p.Unsupported != "":
	case p.Then() || p.Absence != nil:
		c.analyzeThen()
	default:
		c.method.analyze(c)
	}
}

func (c *ruleCompiler) analyzeCases() {
	a := analysis{labels: c.plan.Labels, alone: c.plan.Window == 0, probability: c.plan.Anomaly != nil}
	before, beforeSilent := never, never // the cases that are tried first, at events and at silence
	for i, k := range c.plan.Cases {
		node := k.Condition.Parts[0]
		silent := c.plan.judgesSilence() && k.Condition.HoldsAtSilence(c.plan.Labels)
		c.analyzeCase(i, a, reading{
			silence:   silent && node.Holds(make([]float64, len(c.plan.Labels))),
			holds:     silent || a.possible(bothOf(node, a.matched())),
			atEvents:  a.possible(bothOf(bothOf(node, a.matched()), CondNot{before})),
			atSilence: silent && a.possible(bothOf(bothOf(node, a.silent()), CondNot{beforeSilent})),
		})
		before = eitherOf(before, node)
		if silent {
			beforeSilent = eitherOf(beforeSilent, node)
		}
	}
}

// reading is when a case's condition can hold: at all, at events with no case
// before it, and likewise at silence; silence says that it holds there when
// there are no events at all, of global queries neither.
type reading struct{ holds, atEvents, atSilence, silence bool }

func (c *ruleCompiler) analyzeCase(i int, a analysis, r reading) {
	at, condition := fmt.Sprintf("cases[%d].condition", i), c.plan.Cases[i].Condition
	text := shortened(condition.Text)
	switch {
	case !r.holds:
		c.warn(at, "%s never holds, so the case never matches: %s", text, a.values(condition.Parts[0]))
	case !r.atEvents && !r.atSilence:
		c.warn(at, "whenever %s holds, so does a case before it, and the first that holds is the match: this one never is; put the stricter case first", text)
	case r.silence && c.plan.OfSignals && !c.stored:
		c.bad.Add(at, fmt.Sprintf("%s holds when a group falls silent, and rules over signals do not notice silence; add %s", text, a.heard()))
	case r.atSilence && r.atEvents && !c.plan.OfSignals:
		c.warn(at, "%s %s when a group falls silent: beside at events, it matches once more when there were none for evaluationWindow (%d s); to leave silence out, add %s",
			text, map[bool]string{true: "also holds", false: "can also hold"}[r.silence], int(c.plan.Window.Seconds()), a.heard())
	}
}

func (c *ruleCompiler) analyzeThen() {
	a := analysis{labels: c.plan.Labels}
	condition := c.plan.Cases[0].Condition
	if n := condition.Absent; n != nil && !a.possible(bothOf(n, a.matched())) {
		c.warn("cases[0].condition", "what must not follow, %s, never holds, so nothing ever does: %s", shortened(n.String()), a.values(n))
	}
	for i, part := range condition.Parts {
		if c.plan.Window > 0 && !a.possible(bothOf(part, a.matched())) {
			c.warn("cases[0].condition", "part %d, %s, never holds, so the case never matches: %s", i+1, shortened(part.String()), a.values(part))
		}
	}
}

func (c *ruleCompiler) analyzeSteps() {
	for i, s := range c.plan.Rule.Options.Sequence.Steps {
		at := slices.IndexFunc(c.plan.Steps, func(x Step) bool { return x.Name == s.Name })
		step := c.plan.Steps[at]
		a, node := analysis{labels: c.plan.Labels, alone: step.Window == 0}, step.Condition.Parts[0]
		if !a.possible(bothOf(node, a.matched())) {
			c.warn(fmt.Sprintf("options.sequenceDetectionOptions.steps[%d].condition", i), "%s never holds, so the sequence is never complete: %s",
				shortened(s.Condition), a.values(node))
		}
	}
}

func (c *ruleCompiler) warn(at, format string, args ...any) {
	c.warnings = append(c.warnings, at+": "+fmt.Sprintf(format, args...))
}

func shortened(text string) string {
	const most = 80
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// never is the condition that does not hold.
var never CondNode = CondNot{CondTrue{}}

// analysis knows which values the labels can have.
type analysis struct {
	labels      []Label
	alone       bool // every event is judged by itself
	probability bool // labels are probabilities
}

// counts reports whether the label's value is a number of events.
func (a *analysis) counts(l int) bool {
	switch a.labels[l].Aggregation {
	case AggCount, AggNewValue, AggPlace, AggContent:
		return !a.probability
	}
	return false
}

// silent holds when all labels of grouped queries are 0.
func (a *analysis) silent() CondNode {
	node := CondNode(CondTrue{})
	for i := range a.labels {
		if !a.labels[i].Global {
			node = bothOf(node, CondCompare{Label: i, Name: a.labels[i].Name, Op: "==", Number: 0})
		}
	}
	return node
}

// matched holds at the time of an event of the group: a label that counts is not
// 0 then, unless the event matched one that does not count, and added nothing.
func (a *analysis) matched() CondNode {
	var node CondNode
	for i := range a.labels {
		switch {
		case a.labels[i].Global:
		case !a.counts(i):
			return CondTrue{}
		case node == nil:
			node = CondCompare{Label: i, Name: a.labels[i].Name, Op: ">=", Number: 1}
		default:
			node = eitherOf(node, CondCompare{Label: i, Name: a.labels[i].Name, Op: ">=", Number: 1})
		}
	}
	if node == nil {
		return CondTrue{}
	}
	return node
}

// values says what the labels in a condition can be.
func (a *analysis) values(n CondNode) string {
	var said []string
	for _, l := range slices.Sorted(labelsIn(n)) {
		name := a.labels[l].Name
		switch {
		case a.probability:
			said = append(said, name+" is a probability, from 0 to 1")
		case a.counts(l) && a.alone:
			said = append(said, name+" is 0 or 1 where evaluationWindow is 0 and every event is judged by itself")
		case a.counts(l):
			said = append(said, name+" is a number of events")
		case a.labels[l].Aggregation == AggCardinality:
			said = append(said, name+" is a number of values")
		default:
			said = append(said, name+" is a number")
		}
	}
	when := ", and a case is tried when an event of the group matches"
	if a.probability {
		when = ""
	}
	return strings.Join(slices.Compact(said), ", ") + when
}

// heard is what to add to a condition that shall not hold at silence.
func (a *analysis) heard() string {
	var some []string
	for i := range a.labels {
		if !a.labels[i].Global && a.counts(i) {
			some = append(some, a.labels[i].Name+" > 0")
		}
	}
	switch len(some) {
	case 0:
		return "a query c that counts the events, and && c > 0"
	case 1:
		return "&& " + some[0]
	}
	return "&& (" + strings.Join(some, " || ") + ")"
}
