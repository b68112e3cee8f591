// Package compiler makes a plan of a rule: what the rule detects, ready to be asked of
// events.
//
// Start at Compile. It reads the rule's document once, tells all that is wrong with it
// and in which field (*schema.InvalidError), and gives a Plan: labels (the queries, each a
// search.Filter with what it keeps of its events), cases with their conditions, and the
// options of the detection method. Plan.Bind gives a BoundPlan, which runs: Expand makes
// matches of an event, a MatchSet asks events in memory of all labels of many plans at
// once, MatchSQL and ScanSQL ask stored ones.
//
// What it promises, and the tests that hold it:
//
//   - A plan is never changed after it is made, and equal rules give equal plans:
//     TestAPlanIsNotChangedByWhatRunsIt; outside of the package
//     TestPlansAreChangedByTheirCompilerOnly.
//   - Memory and SQL give the same matches: TestMatchStatementsSayWhichLabelsMatch,
//     TestScansFindTheMatchesOfMemory, TestAMatchSetFindsWhatEveryLabelFinds.
//   - What an event is counted for is bounded, and what is left out is told:
//     TestTuplesAreCappedLikeGroups, TestTheStoreLeavesOutWhatMemoryLeavesOut.
//   - Whether a condition can hold is what trying every value finds:
//     TestPossibleIsWhatTryingEverythingFinds.
//   - A detection method is known in its own file only: TestAMethodIsKnownInItsOwnFile.
//
// It knows no clock, no store and no scheduler. What a rule's words, durations and
// numbers may be is schema's (Method, Severity, EvaluationWindows, Limits).
//
// # Detection methods
//
// A method is a file method_….go behind the interface in method.go: its options, its
// labels and cases, its durations, what can never hold, and how far it looks back. They
// are files and no package of their own: a method fills the labels, cases and steps of a
// Plan, so that a package below this one would need the types of the plan as a third
// package, which everybody would have to name. CONTRIBUTING.md says how
// a method is added.
package compiler
