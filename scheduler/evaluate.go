package scheduler

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// maxLabels bounds how many labels one statement asks for: beyond that its
// planning costs more than reading the events once more.
const maxLabels = 200

// statement is a compiled statement and the plans that it asks for.
type statement struct {
	*compiler.MatchStatement
	plans []*compiler.Plan
}

// evaluate brings the signals of the plans up to date with the events
// that arrived in the interval. Every step can be repeated without a trace,
// so an evaluation that was cut short is simply done again.
func (s *Scheduler) evaluate(ctx context.Context, plans []*compiler.Plan, in Interval) error {
	started := time.Now()
	statements, err := s.compile(plans)
	if err != nil {
		return err
	}
	for _, st := range statements {
		found, err := s.deps.Events.Find(ctx, st.MatchStatement, in, s.deps.Lateness)
		if err != nil {
			return fmt.Errorf("find matching events: %w", err)
		}
		if err := s.absorb(ctx, st, found); err != nil {
			return err
		}
	}
	s.metrics.evaluations.Inc()
	s.metrics.seconds.Observe(time.Since(started).Seconds())
	return nil
}

// compile makes the statements for a set of plans, or finds them again.
func (s *Scheduler) compile(plans []*compiler.Plan) ([]statement, error) {
	var id strings.Builder
	for _, p := range plans {
		fmt.Fprintf(&id, "%s %d\n", p.Key, p.Rule.Version)
	}
	s.mu.Lock()
	known, ok := s.statements[id.String()]
	s.mu.Unlock()
	if ok {
		return known, nil
	}
	var out []statement
	for len(plans) > 0 {
		n, labels := 0, 0
		for n < len(plans) && (n == 0 || labels+len(plans[n].Labels) <= maxLabels) {
			labels += len(plans[n].Labels)
			n++
		}
		st, err := compiler.MatchSQL(plans[:n])
		if err != nil {
			return nil, err
		}
		out = append(out, statement{st, plans[:n]})
		plans = plans[n:]
	}
	s.mu.Lock()
	s.statements[id.String()] = out
	s.mu.Unlock()
	return out, nil
}

// absorb stores the matches of what was found, and brings every signal group
// that they touch up to date.
func (s *Scheduler) absorb(ctx context.Context, st statement, found []Found) error {
	if len(found) == 0 {
		return nil
	}
	d := dirty{units: map[uint64]*unit{}, globals: map[*compiler.Plan]schema.Millis{}}
	var stored []StoredMatch
	for i := range found {
		for _, h := range found[i].Hits {
			for _, ref := range st.Hits[h] {
				stored = append(stored, d.note(st.plans[ref.Plan], ref.Label, &found[i].Event)...)
			}
		}
	}
	if len(stored) == 0 {
		return nil
	}
	s.metrics.matches.Add(float64(len(stored)))
	if err := s.deps.Windows.Append(ctx, stored); err != nil {
		return fmt.Errorf("store matches: %w", err)
	}
	if err := s.spread(ctx, &d); err != nil {
		return err
	}
	return s.update(ctx, d.list())
}

// dirty collects the signal groups that new matches touch, each with the
// earliest event time touched.
type dirty struct {
	units   map[uint64]*unit
	globals map[*compiler.Plan]schema.Millis
}

// note expands an event that matches a label into its matches.
func (d *dirty) note(plan *compiler.Plan, label int, e *schema.Event) []StoredMatch {
	matches := plan.Expand(label, e)
	out := make([]StoredMatch, len(matches))
	for i, m := range matches {
		if plan.Labels[label].Global {
			out[i] = StoredMatch{globalKey(plan), plan.Key, m}
			if since, ok := d.globals[plan]; !ok || m.At < since {
				d.globals[plan] = m.At
			}
			continue
		}
		out[i] = StoredMatch{d.touch(plan, m.Group, m.At), plan.Key, m}
	}
	return out
}

func (d *dirty) touch(plan *compiler.Plan, group []string, at schema.Millis) uint64 {
	values := signalGroup(plan, group)
	key := unitKey(plan, values)
	u := d.units[key]
	if u == nil {
		u = &unit{plan: plan, key: key, group: values, since: at}
		d.units[key] = u
	}
	u.since = min(u.since, at)
	return key
}

// spread touches the groups that a new match without group values reaches: all
// those with an evaluation point while it is inside the window.
func (s *Scheduler) spread(ctx context.Context, d *dirty) error {
	for plan, since := range d.globals {
		if plan.Window == 0 {
			continue // an event is judged alone; its own groups are touched already
		}
		groups, err := s.deps.Windows.Groups(ctx, plan.Key, since, schema.MaxMillis)
		if err != nil {
			return fmt.Errorf("list groups of rule %s: %w", plan.Rule.ID, err)
		}
		for _, g := range groups {
			if len(g) > 0 {
				d.touch(plan, g, since)
			}
		}
	}
	return nil
}

// list is in a fixed order, so that the same arrivals make the same requests.
func (d *dirty) list() []*unit {
	out := make([]*unit, 0, len(d.units))
	for _, u := range d.units {
		out = append(out, u)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].key < out[j].key })
	return out
}

// update reads what the units need of the past, advances them, and publishes
// what changed.
func (s *Scheduler) update(ctx context.Context, units []*unit) error {
	published, err := s.deps.Signals.Load(ctx, signalSpans(units))
	if err != nil {
		return fmt.Errorf("load signals: %w", err)
	}
	all := make([][]chain, len(units))
	for i, u := range units {
		for _, sig := range published[u.key] {
			if sig.RuleKey == u.plan.Key && groupKey(sig.Group) == groupKey(u.group) {
				u.published = append(u.published, sig)
			}
		}
		all[i] = u.chains()
	}
	loaded, err := s.deps.Windows.Load(ctx, matchSpans(units, all))
	if err != nil {
		return fmt.Errorf("load matches: %w", err)
	}
	var changes []planChange
	for i, u := range units {
		own := u.matchesOf(loaded[u.key], false)
		globals := u.matchesOf(loaded[globalKey(u.plan)], true)
		for _, c := range u.advance(all[i], own, globals) {
			changes = append(changes, planChange{c, u.plan})
		}
	}
	return s.publish(ctx, changes)
}

func signalSpans(units []*unit) []Span {
	spans := make([]Span, len(units))
	for i, u := range units {
		spans[i] = Span{u.key, u.since - u.keepAlive()}
	}
	return spans
}

// matchSpans asks for every unit's matches, and once for each rule's globals.
func matchSpans(units []*unit, all [][]chain) []Span {
	var spans []Span
	globals := map[uint64]int{}
	for i, u := range units {
		from := u.reach(all[i])
		spans = append(spans, Span{u.key, from})
		if !hasGlobals(u.plan) {
			continue
		}
		key := globalKey(u.plan)
		if n, ok := globals[key]; ok {
			spans[n].From = min(spans[n].From, from)
			continue
		}
		globals[key] = len(spans)
		spans = append(spans, Span{key, from})
	}
	return spans
}

func hasGlobals(plan *compiler.Plan) bool {
	for i := range plan.Labels {
		if plan.Labels[i].Global {
			return true
		}
	}
	return false
}

// matchesOf keeps of what was loaded under a key what is really the unit's.
func (u *unit) matchesOf(loaded []StoredMatch, global bool) []compiler.Match {
	own := groupKey(u.group)
	out := make([]compiler.Match, 0, len(loaded))
	for _, m := range loaded {
		if m.RuleKey != u.plan.Key || m.Label >= len(u.plan.Labels) || u.plan.Labels[m.Label].Global != global {
			continue
		}
		if global || groupKey(signalGroup(u.plan, m.Group)) == own {
			out = append(out, m.Match)
		}
	}
	return out
}
