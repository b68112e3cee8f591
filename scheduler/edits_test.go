package scheduler

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// editor changes a generated rule and its suppressions while it is evaluated, and has
// saving, restarting and resting come between any two steps.
type editor struct {
	t      *testing.T
	w      *world
	g      *generated
	chance worlds
	// stretches are the rule's runs by key, as they were seen last.
	stretches    map[string]stretchOfRule
	suppressions []string
	edits        []string
}

// stretchOfRule is a plan with the last arrival that it is evaluated over; 0: there is
// none yet.
type stretchOfRule struct {
	plan  *compiler.BoundPlan
	until uint64
}

func newEditor(t *testing.T, g *generated) *editor {
	w := newWorld(g.seed)
	e := &editor{t: t, w: w, g: g, chance: worlds{rand.New(rand.NewPCG(g.seed, 5+baseSeed()))}, stretches: map[string]stretchOfRule{}}
	w.tables, w.meanwhile = worldTables{w, g.tables}, e.meddle
	return e
}

// meddle takes some steps, and has something happen between them.
func (e *editor) meddle(s *Scheduler) *Scheduler {
	ctx := e.t.Context()
	for range e.chance.IntN(20) {
		retryNow(s)
		switch e.chance.IntN(12) {
		case 0:
			_ = s.evaluator.rest(ctx) // a fault may be in the way, of these too
		case 1, 2, 3:
			_ = s.checkpoints.save(ctx, true)
		case 4:
			s = restart(e.t, e.w)
		case 5:
			e.w.mend(false)
		case 6:
			e.edit(s)
		default:
			s.step(ctx)
		}
	}
	return s
}

// edit changes the rule's message, its query or a suppression. It does not switch the
// rule off, which drops what is set aside.
func (e *editor) edit(s *Scheduler) {
	ctx, last := e.t.Context(), len(e.suppressions)-1
	p := e.chance.suppressions(e.g.rule, e.g.events)[0]
	var err error
	kind := e.chance.pick("message", "query", "suppress", "suppress", "change", "end")
	switch {
	case kind == "message":
		_, err = s.RuleStore.UpdateRule(ctx, "aaa-bbb-ccc", 0, func(r *schema.Rule) error { r.Message += "x"; return nil })
	case kind == "query" && len(e.g.rule.Queries) > 0:
		_, err = s.RuleStore.UpdateRule(ctx, "aaa-bbb-ccc", 0, func(r *schema.Rule) error {
			r.Queries[0].Query = e.chance.pick("*", "source:x", "service:web", "@roles:admin")
			return nil
		})
	case kind == "change" && last >= 0:
		_, err = s.SuppressionStore.UpdateSuppression(ctx, e.suppressions[last], 0, func(q *schema.Suppression) error { *q = p; return nil })
	case kind == "end" && last >= 0:
		err = s.SuppressionStore.DeleteSuppression(ctx, e.suppressions[last])
		e.suppressions = e.suppressions[:last]
	default:
		if p, err = s.SuppressionStore.CreateSuppression(ctx, p); err == nil {
			e.suppressions = append(e.suppressions, p.ID)
		}
	}
	if err != nil {
		e.t.Fatalf("%s: %v", kind, err)
	}
	e.edits = append(e.edits, fmt.Sprint(kind, " after ", len(e.w.events)))
	e.look(s)
}

// look remembers the rule's runs.
func (e *editor) look(s *Scheduler) {
	s.inForce.mu.Lock()
	defer s.inForce.mu.Unlock()
	for _, r := range s.inForce.runs {
		e.stretches[r.plan.Key] = stretchOfRule{r.plan, r.until}
	}
}

// matches are those of the events that the stretch is evaluated over.
func (st stretchOfRule) matches(events []schema.Event) (out []compiler.Match) {
	for i := range events {
		if seq := events[i].Seq; seq > st.plan.After && (st.until == 0 || seq <= st.until) {
			out = append(out, st.plan.Matches(&events[i])...)
		}
	}
	return out
}

// TestARuleThatIsChangedIsEvaluatedAsItStood: each stretch of a rule between two changes
// of what it detects leaves the signals of a replay of its arrivals, without what was
// excluded when it arrived, whatever fails and ends meanwhile.
func TestARuleThatIsChangedIsEvaluatedAsItStood(t *testing.T) {
	t.Parallel()
	signals, stretches := 0, 0
	for n := range uint64(generatedCases() / 5) {
		e := newEditor(t, generate(t, baseSeed()+n))
		rule := e.g.rule
		rule.ID = "aaa-bbb-ccc"
		e.w.run(t, e.g.seed, []schema.Rule{rule}, shuffled(e.g.events, e.g.seed), 0.2*float64(n%2))
		e.look(restart(t, e.w))
		for _, key := range slices.Sorted(maps.Keys(e.stretches)) {
			st := e.stretches[key]
			want := essenceOfSignals(detect.Replay(st.plan, st.matches(e.w.events), detect.Over(detect.Always, e.w.until)))
			got := essenceOfSignals(slices.DeleteFunc(standing(e.w), func(sig schema.Signal) bool { return sig.RuleKey != key }))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("NIGHTJAR_SEED %d, seed %d, %q after %d until %d: live differs from replay (-replay +live):\n%s\n%s%q",
					baseSeed(), e.g.seed, key, st.plan.After, st.until, diff, described(e.g.rule), e.edits)
			}
			signals, stretches = signals+len(got), stretches+1
		}
	}
	if cases := generatedCases() / 5; signals < cases || stretches < cases+cases/10 {
		t.Errorf("%d signals of %d stretches in %d cases: too little happens in them", signals, stretches, cases)
	}
}
