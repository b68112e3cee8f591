// Package scheduler decides which rule is evaluated over which arrivals, and publishes what
// comes of it.
//
// A rule run is one stretch of arrivals over which one plan is evaluated. Rule runs at the
// same position are evaluated together: the events that arrived next are matched in memory,
// or in the store where they are older, every signal group that a match touches is brought
// up to date (scheduler/detect), and what changed is published. Then, and only then, what
// was evaluated is saved: an evaluation that was cut short is done again, which changes
// nothing. Start at Scheduler.step, which does the next piece of work.
//
// It does not know ClickHouse (scheduler/clickhouse does), and it reads the clock only to
// pace itself and to judge silence. What it promises, and the tests that hold it, is in
// PROMISES.md; what rules cost is in README.md.
//
// # What owns what
//
// Scheduler is the loop. It is made with the parts that other packages ask, and that ask
// nothing of it:
//
//   - RuleStore and SuppressionStore (rule_store.go, suppression_store.go) keep the
//     versions, and say from where on the next one is in force.
//   - Triage (triage.go) publishes signals beside evaluation.
//   - Explainer (explain.go) says why a rule made a signal, or none.
//   - Status (status.go) says how evaluation stands: progress, coverage, costs, asides.
//
// What they and the loop stand on:
//
//   - inForce (in_force.go): the versions of rules and suppressions, the rule runs, how
//     far each is evaluated, and what holds them back, under one lock.
//   - evaluator (evaluator.go): what is held of the near past (cache, seen values,
//     baselines, matches to be stored), and how plans are evaluated over an interval and
//     what changed is published. It is the evaluating goroutine's, and has no lock.
//   - checkpoints (checkpoints.go): what is saved, in which order, and what is let go of
//     then. It is the evaluating goroutine's.
//   - silenceRuns (silence_runs.go): up to where each rule has judged silence;
//     silenceWatch judges it. Both are the evaluating goroutine's.
//   - fillings (gaps.go): how far gaps that were filled are evaluated. The evaluating
//     goroutine's, but for the gaps themselves, which anybody may read.
//   - asides (aside.go): the events that are set aside, under a lock; the order in which
//     they are gone on with is the evaluating goroutine's.
//   - costs (costs.go), planSets (plan_sets.go), evaluationLog (coverage.go), publishing,
//     attention: each under a lock of its own.
//   - requests (requests.go): what the evaluating goroutine is asked to do between two
//     steps.
//
// Whoever takes two locks takes that of inForce first; under the others none is taken but
// the evaluation log's, under that of asides.
//
// # Locks
//
// Nothing that evaluation or status needs is locked while a store is written to or
// while a caller decides about a change (TestNothingStandsStillWithTheStore,
// TestTriageKeepsOnlyItsRuleWaiting). Two things take the lock's place. A rule whose
// next version is being stored, or that a suppression selects which is, is
// evaluated up to where that version begins and no further (holds.go), so that a
// restart, which reads the versions, finds what live evaluation found. A rule whose
// signals an analyst changes rests from between two steps until they are stored
// (triage.go). Whatever is published gets a revision, and readers are told up to
// which all revisions can be seen (publishing.go).
//
// What is asked of the goroutine that evaluates is done between two steps; a panic
// there is an error to whoever asked, and a line in the log
// (TestAPanicBetweenTwoStepsEndsNothingElse, requests.go).
package scheduler
