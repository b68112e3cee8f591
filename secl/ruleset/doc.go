// Package ruleset evaluates many SECL rules over events together: an index of
// what the rules ask for tells which few of them an event can match, and only
// these are evaluated. It also says what a kernel can decide without them.
//
// It does not know where events come from, and of the actions it takes only
// those that set variables; the others are its caller's.
//
// Start at Bucket.Evaluate. The index loses no match (TestTheIndexLosesNoMatch); an event
// that nothing matches allocates nothing (TestEvaluatingABenignEventAllocatesNothing).
package ruleset
