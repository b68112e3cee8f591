package compiler

import (
	"slices"
	"time"

	"nightjar/schema"
)

// method is a detection method as the compiler knows it. Each has a file method_….go,
// and nothing else of the compiler names it (TestAMethodIsKnownInItsOwnFile). The other
// half of a method is in scheduler/detect: which matches count, and where a case holds.
type method interface {
	// about is what the method says of itself.
	about() aboutMethod
	// queries reads the method's options and makes the plan's labels.
	queries(c *ruleCompiler)
	// cases makes the plan's cases, and its steps where it has some.
	cases(c *ruleCompiler)
	// durations changes the rule's durations to those that the method has.
	durations(p *Plan)
	// analyze warns of what can never hold.
	analyze(c *ruleCompiler)
	// lookback is how far before a moment lie the matches that decide about it.
	lookback(p *Plan) time.Duration
}

// aboutMethod is what a method says of itself.
type aboutMethod struct {
	name schema.Method
	// ofSignals says that rules over signals can have it.
	ofSignals bool
	// silence says that a case may hold where a group falls silent.
	silence bool
}

// methods are those that are evaluated.
var methods = []method{thresholdMethod{}, sequenceMethod{}, thirdPartyMethod{}, travelMethod{}, newValueMethod{}, anomalyMethod{}, contentMethod{}}

// Methods are the names of the methods that are evaluated.
func Methods() []schema.Method {
	names := make([]schema.Method, len(methods))
	for i, m := range methods {
		names[i] = m.about().name
	}
	return names
}

// evaluated reports whether rules of the method are.
func evaluated(name schema.Method) bool { return slices.Contains(Methods(), name) }

// methodOf is the method of this name; of one that is not evaluated, and of none, it is
// threshold.
func methodOf(name schema.Method) method {
	for _, m := range methods {
		if m.about().name == name {
			return m
		}
	}
	return thresholdMethod{}
}

// use makes the method that of the plan.
func (c *ruleCompiler) use(m method) { c.method, c.plan.Method = m, m.about().name }
