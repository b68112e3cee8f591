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
package scheduler
