package backtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightjar/compiler"
	"nightjar/scheduler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// Rules are all rules that there are, or were, by name. scheduler.RuleStore implements it.
type Rules interface {
	EveryRule() []scheduler.KnownRule
}

// Previewer says what suppressions would have hidden.
type Previewer struct {
	rules  Rules
	runner *Runner
	// oldest is when the first of the stored events arrived; later than any moment
	// when there are none.
	oldest func(context.Context) (schema.Millis, error)
}

// NewPreviewer makes one.
func NewPreviewer(rules Rules, runner *Runner, oldest func(context.Context) (schema.Millis, error)) *Previewer {
	return &Previewer{rules: rules, runner: runner, oldest: oldest}
}

// Preview is what a suppression would have hidden, had it been in force all the
// time.
type Preview struct {
	// Rules are those that it selects, by name.
	Rules []RulePreview
	// Signals are what it would have changed, by first seen.
	Signals []HiddenSignal
	// Warnings name every signal among them that an analyst took seriously, and
	// what could not be looked at.
	Warnings []string
}

// RulePreview counts what would have become of a rule's signals.
type RulePreview struct {
	ID, Name              string
	Deleted               bool
	Withheld, Gone, Fewer int
}

// Effect is what a suppression would have done to a signal.
type Effect string

// The effects: the suppression query withholds it, it would not have come to be
// without the excluded events, or would have had fewer.
const (
	EffectWithheld Effect = "withheld"
	EffectGone     Effect = "gone"
	EffectFewer    Effect = "fewer_events"
)

// HiddenSignal is a signal that would have been hidden, or changed.
type HiddenSignal struct {
	ID               string // empty: a backtest finds it, and it was never published
	RuleID, RuleName string
	Group            []string
	FirstSeen        schema.Millis
	Severity         string
	// State and Reason are what analysts made of it.
	State, Reason string
	Assignee      string
	Effect        Effect
	// Events is how many it has, Left how many it would have had.
	Events, Left uint64
}

// maxExclusionRules is for how many rules the excluded events are looked for: each
// takes two reads of history.
const maxExclusionRules = 100

// Preview finds the published signals, first seen in the span, that a suppression
// would have withheld, and with a data exclusion those that would have fewer
// events or none, by running the rules over stored history without and with it.
// The suppression's dates, and whether it is enabled, play no part. One that does
// not compile is a *schema.InvalidError.
func (v *Previewer) Preview(ctx context.Context, p schema.Suppression, in scheduler.TimeSpan) (*Preview, error) {
	p.StartDate, p.ExpirationDate, p.Enabled = nil, nil, true
	if _, err := compiler.CompileSuppression(p); err != nil {
		return nil, err
	}
	out := &previewing{Previewer: v, suppression: p, in: in, Preview: &Preview{}}
	if err := out.run(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(out.Signals, func(a, b HiddenSignal) int {
		return cmp.Or(cmp.Compare(a.FirstSeen, b.FirstSeen), strings.Compare(a.RuleID, b.RuleID), strings.Compare(a.ID, b.ID))
	})
	var serious []string
	for i := range out.Signals {
		if w := out.Signals[i].warning(); w != "" {
			serious = append(serious, w)
		}
	}
	out.Warnings = append(serious, out.Warnings...)
	return out.Preview, nil
}

// previewing is a preview that is being made.
type previewing struct {
	*Previewer
	*Preview
	suppression schema.Suppression
	in          scheduler.TimeSpan
	excluded    int // rules whose excluded events were looked for
	skipped     int // rules whose were not
}

func (p *previewing) run(ctx context.Context) error {
	selected, err := compiler.CompileSuppression(p.suppression)
	if err != nil {
		return err
	}
	rules := p.rules.EveryRule()
	rules = slices.DeleteFunc(rules, func(r scheduler.KnownRule) bool { return !selected.Selects(&r.Rule) })
	for i := range rules {
		if err := p.rule(ctx, &rules[i]); err != nil {
			return fmt.Errorf("preview for rule %s: %w", rules[i].ID, err)
		}
	}
	if p.suppression.DataExclusionQuery == "" {
		return nil
	}
	if p.skipped > 0 {
		p.warn("excluded events were looked for in %d rules; %d more are selected, of which only withheld signals are shown: narrow rule_query", p.excluded, p.skipped)
	}
	oldest, err := p.oldest(ctx)
	if err != nil {
		return fmt.Errorf("find the oldest stored event: %w", err)
	}
	if oldest > p.in.From {
		p.warn("no events are stored that arrived before %s: what data_exclusion_query would have changed before then cannot be told", min(oldest, p.in.To))
	}
	return nil
}

func (p *previewing) warn(format string, args ...any) {
	p.Warnings = append(p.Warnings, fmt.Sprintf(format, args...))
}

// rule adds what would have become of a rule's signals.
func (p *previewing) rule(ctx context.Context, rule *scheduler.KnownRule) error {
	standing, err := p.runner.deps.Signals.Standing(ctx, []string{rule.ID}, p.in.From)
	if err != nil {
		return fmt.Errorf("read its signals: %w", err)
	}
	standing = slices.DeleteFunc(standing, func(s scheduler.FirstPublished) bool { return s.FirstSeen > p.in.To })
	found := p.withheld(&rule.Rule, standing)
	if p.suppression.DataExclusionQuery != "" {
		missing, err := p.missing(ctx, rule, standing)
		if err != nil {
			return err
		}
		withheld := map[string]bool{}
		for i := range found {
			withheld[found[i].ID] = true
		}
		for i := range missing {
			if m := &missing[i]; m.ID == "" || !withheld[m.ID] {
				found = append(found, *m)
			}
		}
	}
	counts := RulePreview{ID: rule.ID, Name: rule.Name, Deleted: rule.Deleted}
	for i := range found {
		switch found[i].Effect {
		case EffectWithheld:
			counts.Withheld++
		case EffectGone:
			counts.Gone++
		case EffectFewer:
			counts.Fewer++
		}
	}
	p.Rules, p.Signals = append(p.Rules, counts), append(p.Signals, found...)
	return nil
}

// withheld are the signals that the suppression query finds, as the engine asks
// it of those that it publishes.
func (p *previewing) withheld(rule *schema.Rule, standing []scheduler.FirstPublished) (out []HiddenSignal) {
	plan := (&compiler.Plan{Rule: *rule}).Bind()
	plan.Suppress([]compiler.InForce{p.inForce(p.suppression)})
	for i := range standing {
		if s := &standing[i].Published; plan.Withheld(s.Event()) != "" {
			out = append(out, hidden(rule, s, EffectWithheld))
		}
	}
	return out
}

// inForce is a suppression that applies to everything; it was compiled before.
func (p *previewing) inForce(s schema.Suppression) compiler.InForce {
	if s.ID == "" {
		s.ID = "preview"
	}
	c, err := compiler.CompileSuppression(s)
	if err != nil {
		panic("a suppression that compiled no longer does: " + err.Error())
	}
	return compiler.Always(c)
}

func hidden(rule *schema.Rule, s *scheduler.Published, effect Effect) HiddenSignal {
	h := HiddenSignal{
		ID: s.ID, RuleID: rule.ID, RuleName: rule.Name, FirstSeen: s.FirstSeen, Severity: s.Status,
		Effect: effect, Events: s.Events, Assignee: s.Triage.Assignee.Label(),
	}
	h.State, h.Reason = s.Standing()
	for _, l := range s.Attributes.Lookup("nightjar.group") {
		h.Group = append(h.Group, l.Text())
	}
	return h
}

// warning says what an analyst made of the signal; "" when nothing that speaks
// for it.
func (h *HiddenSignal) warning() string {
	var said string
	switch {
	case strings.HasPrefix(h.Reason, "true_positive"):
		said = "an analyst confirmed it (" + h.Reason + ")"
	case h.State == schema.StateUnderReview:
		said = "it is under review"
	case h.Assignee != "" && h.State != schema.StateArchived:
		said = "it is assigned to " + h.Assignee
	default:
		return ""
	}
	effect := map[Effect]string{EffectWithheld: "would have been withheld", EffectGone: "would not have come to be", EffectFewer: "would have had fewer events"}[h.Effect]
	return fmt.Sprintf("signal %s of rule %s, first seen %s, %s, but %s", h.ID, h.RuleName, h.FirstSeen, effect, said)
}

// missing are the signals that would have fewer events, or none.
func (p *previewing) missing(ctx context.Context, rule *scheduler.KnownRule, standing []scheduler.FirstPublished) ([]HiddenSignal, error) {
	switch {
	case rule.Deleted || !rule.IsEnabled:
		p.warn("rule %s (%s) is %s: of its signals only those that suppression_query finds are shown, not what data_exclusion_query would have changed", rule.Name, rule.ID, stateOf(rule))
		return nil, nil
	case p.excluded >= maxExclusionRules:
		p.skipped++
		return nil, nil
	}
	p.excluded++
	with, without, err := p.runs(ctx, &rule.Rule)
	var invalid *schema.InvalidError
	if errors.As(err, &invalid) {
		p.warn("rule %s (%s) cannot be run over history: %s", rule.Name, rule.ID, err)
		return nil, nil
	}
	if err != nil || with == nil {
		return nil, err
	}
	return p.compare(&rule.Rule, without, with, standing), nil
}

// compare are the signals that have fewer events with the exclusion, or none.
func (p *previewing) compare(rule *schema.Rule, without, with *Found, standing []scheduler.FirstPublished) (out []HiddenSignal) {
	left, published := map[string][]*schema.Signal{}, map[string][]*scheduler.Published{}
	for i := range with.Signals {
		key := sameAs(&with.Signals[i])
		left[key] = append(left[key], &with.Signals[i])
	}
	for i := range standing {
		key := sameAs(&standing[i].Signal)
		published[key] = append(published[key], &standing[i].Published)
	}
	for i := range without.Signals {
		s := &without.Signals[i]
		if s.Suppression != "" {
			continue
		}
		h := HiddenSignal{RuleID: rule.ID, RuleName: rule.Name, Group: detect.Visible(without.Plan, s.Group), FirstSeen: s.FirstSeen, Severity: scheduler.Severity(without.Plan, *s)}
		for _, known := range published[sameAs(s)] {
			if overlap(s, &known.Signal) {
				h = hidden(rule, known, EffectGone)
				break
			}
		}
		h.Effect, h.Events, h.Left = EffectGone, s.Events, 0
		for _, l := range left[sameAs(s)] {
			if overlap(s, l) {
				h.Effect, h.Left = EffectFewer, h.Left+l.Events
			}
		}
		if h.Left < h.Events {
			out = append(out, h)
		}
	}
	return out
}

// sameAs is what signals have in common that may be one.
func sameAs(s *schema.Signal) string { return fmt.Sprint(s.Case, " ", detect.GroupKey(s.Group)) }

func overlap(a, b *schema.Signal) bool { return a.FirstSeen <= b.LastSeen && b.FirstSeen <= a.LastSeen }

// runs are the rule's signals with the exclusion and without; nil when no event
// that it matches would have been excluded.
func (p *previewing) runs(ctx context.Context, rule *schema.Rule) (with, without *Found, err error) {
	plan, _, err := p.runner.deps.Plan(ctx, *rule)
	if err != nil {
		return nil, nil, err
	}
	plan.Suppressions = slices.DeleteFunc(plan.Suppressions, func(f compiler.InForce) bool { return f.ID == p.suppression.ID })
	exclusion := p.suppression
	exclusion.SuppressionQuery = ""
	excluding := *plan
	excluding.Suppressions = append(slices.Clone(plan.Suppressions), p.inForce(exclusion))
	if without, err = p.runner.Run(ctx, plan, p.in, nil); err != nil || without.Matches == 0 {
		return nil, nil, err
	}
	if with, err = p.runner.Run(ctx, &excluding, p.in, nil); err != nil || with.Matches == without.Matches {
		return nil, nil, err
	}
	return with, without, nil
}

// stateOf says why a rule is not evaluated.
func stateOf(r *scheduler.KnownRule) string {
	if r.Deleted {
		return "deleted"
	}
	return "disabled"
}
