package authoring

import (
	"context"
	"hash/maphash"
	"maps"
	"strings"
	"sync"
	"time"

	pb "nightjar/api/v1"
	"nightjar/scheduler/ruletest"
	"nightjar/schema"
)

// How long what tests came to is good for, since pipelines change what they read too, and
// how long one call runs them.
const (
	testsGoodFor = 10 * time.Minute
	testsPerCall = 2 * time.Second
)

// tested is what tests came to, by the id of the rule.
type tested struct {
	mu   sync.Mutex // held while tests are run: who asks meanwhile waits for them
	of   map[string]outcome
	seed maphash.Seed
}

// outcome is what the tests of a version of a rule came to.
type outcome struct {
	version int64
	text    uint64 // hash of the tests
	at      time.Time
	tests   string // passed, failed or silent
	passed  int
	failed  int
	problem string
}

// addOutcomes adds what the tests of rules come to. It runs those that were not run on
// this version lately, until the time is over: pending are the rules that are left.
func (s *RuleAuthoringService) addOutcomes(ctx context.Context, to []*pb.CoveringRule, stored []schema.Rule, ship []bundled) (pending int64, err error) {
	texts, err := s.Tests.List(ctx)
	if err != nil {
		return 0, err
	}
	own := map[string]string{}
	for _, t := range texts {
		own[t.Body.RuleID] = t.Body.Text
	}
	byName := map[string]*bundled{}
	for i := range ship {
		byName[ship[i].rule.Name] = &ship[i]
	}
	byID := map[string]*schema.Rule{}
	for i := range stored {
		byID[stored[i].ID] = &stored[i]
	}
	s.tested.mu.Lock()
	defer s.tested.mu.Unlock()
	maps.DeleteFunc(s.tested.of, func(id string, _ outcome) bool { return byID[id] == nil }) // of rules that are gone
	stop := time.Now().Add(testsPerCall)
	for _, one := range to {
		text := own[one.GetId()]
		one.TestsOf = "own"
		if b := byName[one.GetName()]; b != nil {
			one.Bundled = b.name
			if text == "" {
				text, one.TestsOf = b.tests, "bundled"
			}
		}
		if strings.TrimSpace(text) == "" {
			one.Tests, one.TestsOf = "none", ""
			continue
		}
		o, known := s.tested.outcome(ctx, s, byID[one.GetId()], text, stop)
		if !known {
			one.Tests = "pending"
			pending++
			continue
		}
		o.show(one)
	}
	return pending, nil
}

// outcome is what the tests of a rule come to; known is false where they were not run, and
// the time is over or there is no room. The lock is held.
func (t *tested) outcome(ctx context.Context, s *RuleAuthoringService, r *schema.Rule, text string, stop time.Time) (o outcome, known bool) {
	if t.of == nil {
		t.of, t.seed = map[string]outcome{}, maphash.MakeSeed()
	}
	hash, now := maphash.String(t.seed, text), s.Now()
	if o, known = t.of[r.ID]; known && o.version == r.Version && o.text == hash && now.Sub(o.at) < testsGoodFor && !now.Before(o.at) {
		return o, true
	}
	if time.Now().After(stop) || ctx.Err() != nil {
		return outcome{}, false
	}
	report, err := s.runTests(ctx, *r, text)
	if err != nil {
		return outcome{}, false
	}
	o = outcomeOf(&report)
	o.version, o.text, o.at = r.Version, hash, now
	t.of[r.ID] = o
	return o, true
}

// outcomeOf is what a report comes to. Tests that want no signal show what a rule does not
// find: they alone prove nothing.
func outcomeOf(report *ruletest.Report) outcome {
	if report.Error != "" {
		return outcome{tests: "failed", problem: report.Error}
	}
	o := outcome{tests: "silent"}
	for _, t := range report.Tests {
		switch {
		case !t.Passed:
			if o.failed++; o.problem == "" {
				o.problem = t.Name + ": " + strings.Join(t.Problems, "; ")
			}
		default:
			o.passed++
			if t.Expects > 0 {
				o.tests = "passed"
			}
		}
	}
	if o.failed > 0 {
		o.tests = "failed"
	}
	return o
}

// show says it of a rule, which is proved where it is live.
func (o *outcome) show(one *pb.CoveringRule) {
	one.Tests, one.Passed, one.Failed, one.Problem = o.tests, int64(o.passed), int64(o.failed), o.problem
	one.TestedAt = int64(schema.MillisOf(o.at))
	if o.tests == "passed" && one.GetState() == tagged {
		one.State = proved
	}
}
