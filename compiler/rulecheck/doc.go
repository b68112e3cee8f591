// Package rulecheck decides whether a rule document is valid: the one place that does.
// Start at Check, which compiles a document once and says everything that is wrong with
// it, each mistake with its place: what does not compile (compiler), words and numbers
// that clients can't read (values.go), and columns that a reference table does not have.
//
// What it returns has the plan, which goes on to whoever evaluates the rule: a document
// is compiled once per request (TestARequestCompilesItsRuleOnce), and nobody else
// compiles one (TestRulesAreCheckedInOnePlace).
//
// It asks nothing of a store, and does not know what is stored there: that a rule asks
// for what no event has is found by scheduler/reach, of the same plan.
package rulecheck
