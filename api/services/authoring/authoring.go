package authoring

import (
	"context"
	"sync"
	"time"

	"nightjar/api/limits"
	"nightjar/api/services/rules"
	pb "nightjar/api/v1"
	"nightjar/compiler/rulecheck"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/scheduler"
	"nightjar/scheduler/ruletest"
	"nightjar/schema"
)

// RuleAuthoringService serves RuleAuthoringService.
type RuleAuthoringService struct {
	pb.UnimplementedRuleAuthoringServiceServer
	Rules rules.Store
	// Check says what is wrong with a rule that is not to be stored.
	Check func(schema.Rule) rulecheck.Checked
	// Reach warns of what is asked for in vain; nil: nobody knows.
	Reach rules.Reach
	Tests *objects.Store[configuration.RuleTests]
	// Run says how tests are run; what they may name and how large they are is added.
	Run ruletest.Options
	// Gate bounds how many tests are run at once.
	Gate *limits.Gate
	// Costs are those of enabled rules.
	Costs  func() []scheduler.RuleCost
	Counts Counts
	Now    func() time.Time

	writing  sync.Mutex // tests are looked up before they are written
	applying sync.Mutex // rules are looked up before they are made
	counted  counted
	tested   tested
}

// Counts counts signals by rule.
type Counts interface {
	// SignalsOfRules counts the signals of each rule that neither the engine withdrew nor
	// a suppression withholds: all, and those first seen from each of the days on until the
	// next; the last of them goes on. The days are beginnings, ascending and not empty.
	SignalsOfRules(ctx context.Context, days []schema.Millis) (map[string]RuleSignals, error)
}

// RuleSignals are how many signals a rule has.
type RuleSignals struct {
	All   uint64
	ByDay []uint64
}
