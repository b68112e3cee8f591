package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// Question asks why a rule made a signal, or made none: of an event, or of a
// group at a moment.
type Question struct {
	RuleID string
	Event  string   // id of an event; or else
	Group  []string // group values, in the order of the group-by fields
	// At is the moment that is asked about, of a group; nil is that of its newest
	// match.
	At *schema.Millis
}

// Explanation is the answer.
type Explanation struct {
	RuleID  string
	Version int64
	// State is that of coverage: evaluated, pending, failed, unsupported,
	// disabled; or `unseen`, when the rule never got to see the event. Why says
	// more.
	State, Why string
	// Queries are what the rule's queries make of the event.
	Queries []compiler.LabelExplanation
	Groups  []Group
	// ValueFields are what new values are of, as searches name them; none of other rules.
	ValueFields []string
}

// StateUnseen is that of an event which the rule was never asked about.
const StateUnseen = "unseen"

// Group is how a full group stands at a moment.
type Group struct {
	Group []string
	At    schema.Millis
	detect.Standing
	// Signals are those that were alive at the moment, or could have gone on.
	Signals []schema.Signal
	// Newest are the ids of the last events at the moment or before it that match each of
	// the rule's queries; empty where none does, and of rules over signals.
	Newest []string
}

// Rule answers a question. What cannot be asked is a *schema.InvalidError.
func Rule(ctx context.Context, from Source, q Question) (Explanation, error) {
	rule, err := from.Evaluated(q.RuleID)
	if err != nil {
		return Explanation{}, err
	}
	out := Explanation{RuleID: q.RuleID, Version: rule.Plan.Rule.Version, State: rule.State, Why: rule.Why}
	if rule.Plan.Unsupported != "" {
		return out, nil
	}
	if rule.Plan.OfSignals && q.Event != "" {
		return out, invalid("event", "the rule is over signals of other rules, not over events; ask about a group")
	}
	out.ValueFields = valueFields(rule.Plan)
	e := explainer{Source: from, Evaluated: rule}
	if q.Event == "" {
		err = e.group(ctx, q, &out)
	} else {
		err = e.event(ctx, q, &out)
	}
	for _, missing := range rule.Missing { // nothing is in those
		if out.Why != "" {
			out.Why += "; "
		}
		out.Why += missing
	}
	return out, err
}

func valueFields(plan *compiler.BoundPlan) (out []string) {
	for i := range plan.Labels {
		if l := &plan.Labels[i]; l.Aggregation == compiler.AggNewValue && len(out) == 0 {
			for _, f := range l.Distinct {
				out = append(out, f.String())
			}
		}
	}
	return out
}

func invalid(target, format string, args ...any) error {
	return &schema.InvalidError{Details: []schema.Detail{{Target: target, Message: fmt.Sprintf(format, args...)}}}
}

// explainer explains one rule.
type explainer struct {
	Source
	Evaluated
}

// maxGroups is how many groups of an event are explained: evaluation waits meanwhile.
const maxGroups = 20

func (e *explainer) event(ctx context.Context, q Question, out *Explanation) error {
	at, seq, err := schema.ParseEventID(q.Event)
	if err != nil {
		return invalid("event", "%s", err)
	}
	seen, err := e.Event(ctx, e.Evaluated, at, seq)
	if err != nil {
		return err
	}
	out.State, out.Why = seen.State, seen.Why
	out.Queries = e.Plan.Explain(seen.Event)
	known := map[string]bool{}
	for _, l := range out.Queries {
		for i := range l.Found {
			m := &l.Found[i]
			if key := detect.GroupKey(m.Group); !known[key] && !e.Plan.Labels[m.Label].Global {
				if known[key] = true; len(known) > maxGroups {
					continue
				}
				g, err := e.at(ctx, m.Group, seen.Event.At, l.Found)
				if err != nil {
					return err
				}
				out.Groups = append(out.Groups, g)
			}
		}
	}
	if more := len(known) - maxGroups; more > 0 {
		last := &out.Groups[len(out.Groups)-1]
		last.Notes = append(last.Notes, fmt.Sprintf("the event is in %d more groups, which are left out here; ask about one of them by its values", more))
	}
	return nil
}

func (e *explainer) group(ctx context.Context, q Question, out *Explanation) error {
	if len(q.Group) != e.Plan.Arity {
		return invalid("group", "the rule groups by %d fields (%s), got %d values", e.Plan.Arity, strings.Join(detect.GroupPaths(e.Plan), ", "), len(q.Group))
	}
	at := schema.MinMillis
	if q.At != nil {
		at = *q.At
	} else {
		all, err := e.Matches(ctx, e.Plan, q.Group, schema.MinMillis)
		if err != nil {
			return err
		}
		for _, m := range all.Own {
			at = max(at, m.At)
		}
		if len(all.Own) == 0 {
			out.Why = "no event has ever matched a query of the rule for this group" + e.expectedNote(q.Group)
			return nil
		}
	}
	g, err := e.at(ctx, q.Group, at, nil)
	out.Groups = append(out.Groups, g)
	return err
}

// at says how a group stands at a moment. These are matches of an event that may not be
// among those that are stored.
func (e *explainer) at(ctx context.Context, group []string, at schema.Millis, of []compiler.Match) (Group, error) {
	out := Group{Group: group, At: at}
	all, err := e.deciding(ctx, group, at)
	if err != nil {
		return out, err
	}
	for _, m := range of {
		if slices.Equal(m.Group, group) {
			detect.Insert(&all.Own, []compiler.Match{m})
		}
	}
	m := detect.Moment{Plan: e.Plan, Group: group, At: at, Own: all.Own, Globals: all.Globals}
	if e.Plan.Novelty != nil {
		if m.Seen, err = e.SeenValues(ctx, e.Plan); err != nil {
			return out, err
		}
	}
	if e.Plan.Anomaly != nil {
		if m.Baseline, err = e.Baseline(ctx, e.Plan); err != nil {
			return out, err
		}
	}
	out.Standing = m.Standing(e.silenceNotes(all, at)...)
	if e.Plan.Anomaly != nil {
		out.Notes = append(out.Notes, e.closingNotes(m.Baseline, at)...)
		if err := m.Baseline.Err(); err != nil {
			return out, err
		}
	}
	out.Newest = e.newest(all.Own, at)
	out.Signals, err = e.signals(ctx, group, at)
	return out, err
}

// newest are the ids of the last events that match each label.
func (e *explainer) newest(own []compiler.Match, at schema.Millis) []string {
	out := make([]string, len(e.Plan.Labels))
	for _, m := range own {
		if m.At <= at && !e.Plan.OfSignals {
			out[m.Label] = schema.EventID(m.At, m.Seq)
		}
	}
	return out
}

// deciding are the matches that decide how a group stands at a moment: from as far back
// as the plan looks, and further where that leaves open which of them count.
func (e *explainer) deciding(ctx context.Context, group []string, at schema.Millis) (Matches, error) {
	for back := schema.Millis(e.Plan.Lookback().Milliseconds()); ; back *= 2 {
		all, err := e.Matches(ctx, e.Plan, group, at-back)
		if err != nil || !detect.ReachesFurther(e.Plan, all.Own, at-back, at) {
			return all, err
		}
	}
}

func (e *explainer) signals(ctx context.Context, full []string, at schema.Millis) ([]schema.Signal, error) {
	group := detect.SignalGroup(e.Plan, full)
	found, err := e.Signals(ctx, e.Plan, group, at-schema.Millis(e.Plan.KeepAlive.Milliseconds()))
	if err != nil {
		return nil, err
	}
	var out []schema.Signal
	for _, sig := range found {
		if sig.RuleKey == e.Plan.Key && slices.Equal(detect.Visible(e.Plan, sig.Group), group) && sig.FirstSeen <= at {
			out = append(out, sig)
		}
	}
	slices.SortFunc(out, func(a, b schema.Signal) int { return int(a.FirstSeen - b.FirstSeen) })
	return out, nil
}
