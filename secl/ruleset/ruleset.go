package ruleset

import (
	"fmt"
	"math/bits"
	"slices"

	"nightjar/secl"
	"nightjar/secl/policy"
	"nightjar/secl/vars"
)

// Set is rules that are ready for events. It belongs to one goroutine.
type Set struct {
	Vars    *vars.Store
	model   *secl.Model
	world   vars.World
	buckets map[string]*Bucket
	failed  uint64
}

// New compiles the rules of policies.
func New(p *policy.Set, world vars.World) *Set {
	s := &Set{Vars: p.Vars, model: p.Env.Model, world: world, buckets: map[string]*Bucket{}}
	for _, r := range p.Rules {
		b := s.buckets[r.Event()]
		if b == nil {
			b = &Bucket{Event: r.Event(), set: s}
			s.buckets[r.Event()] = b
		}
		b.Rules = append(b.Rules, newRule(r))
	}
	for _, b := range s.buckets {
		b.build()
	}
	return s
}

// For has the rules about one type of events; nil if there are none. Look it up
// once, not for each event.
func (s *Set) For(event string) *Bucket { return s.buckets[event] }

// Events are the types of events that there are rules about.
func (s *Set) Events() []string {
	var out []string
	for name := range s.buckets {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Resume goes on where another set is: with the values of variables that both declare
// alike, and with the intervals of rules that both limit alike. That one must not be used
// any more.
func (s *Set) Resume(from *Set) {
	s.Vars.Resume(from.Vars)
	s.failed += from.failed
	for _, b := range s.buckets {
		for _, r := range b.Rules {
			if old, err := from.Find(r.ID); err == nil && old.Every == r.Every && slices.Equal(old.LimiterToken, r.LimiterToken) {
				r.limit.next = old.limit.next
			}
		}
	}
}

// Failed counts set actions that could not be taken.
func (s *Set) Failed() uint64 { return s.failed }

// Rule is a compiled rule.
type Rule struct {
	*policy.Rule
	program *secl.Program
	actions []action
	limit   *limiter
}

func newRule(r *policy.Rule) *Rule {
	out := &Rule{Rule: r, program: secl.Compile(r.Rule)}
	for _, a := range r.Actions {
		out.actions = append(out.actions, newAction(a))
	}
	return out
}

// Matches evaluates this one rule.
func (r *Rule) Matches(c *secl.Context) bool { return r.program.Match(c) }

// Bucket has the rules about one type of events, in the order in which they are
// evaluated: rules that set the context of executions, then those of default
// policies, then by priority.
type Bucket struct {
	Event string
	Rules []*Rule

	set        *Set
	index      []fieldIndex
	always     []uint64 // rules that no index finds
	candidates []uint64
	discarders []*discarder
}

func (b *Bucket) build() {
	slices.SortStableFunc(b.Rules, func(x, y *Rule) int {
		for _, first := range []func(*Rule) bool{
			func(r *Rule) bool { return r.Tags["execution_context"] == "true" },
			func(r *Rule) bool { return len(r.From) > 0 && r.From[0].Default },
		} {
			if a, c := first(x), first(y); a != c {
				if a {
					return -1
				}
				return 1
			}
		}
		return int(y.Priority - x.Priority)
	})
	for _, r := range b.Rules {
		r.limit = newLimiter(b.set.model, r.Rule)
	}
	b.buildIndex()
}

// Evaluate calls found for every rule that the event of the context matches, in
// their order, after its set actions were taken: rules after it see what they
// set. It allocates nothing unless a rule matches. The rule and the context are
// lent for the call. What a rule may not report now, because of its limit or
// because it is silent, is told by report.
func (b *Bucket) Evaluate(c *secl.Context, found func(r *Rule, report bool)) {
	b.narrow(c)
	for w, word := range b.candidates {
		for ; word != 0; word &= word - 1 {
			r := b.Rules[w*64+bits.TrailingZeros64(word)]
			if r.program.Match(c) {
				b.set.act(r, c)
				found(r, !r.Silent && r.limit.allow(c))
			}
		}
	}
}

// Candidates tells how many rules the index leaves for the event of the context.
func (b *Bucket) Candidates(c *secl.Context) int {
	b.narrow(c)
	n := 0
	for _, word := range b.candidates {
		n += bits.OnesCount64(word)
	}
	return n
}

// Indexed tells how many of the rules an index finds.
func (b *Bucket) Indexed() int {
	n := len(b.Rules)
	for _, word := range b.always {
		n -= bits.OnesCount64(word)
	}
	return n
}

// Find finds a rule by its id.
func (s *Set) Find(id string) (*Rule, error) {
	for _, b := range s.buckets {
		for _, r := range b.Rules {
			if r.ID == id {
				return r, nil
			}
		}
	}
	return nil, fmt.Errorf("no rule %q", id)
}
