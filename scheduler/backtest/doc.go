// Package backtest runs rules over stored history: once, as a job that is kept, and to
// preview what a suppression would have hidden.
//
// A run finds what live evaluation would have found over the same events, had they all come
// in order, by the same matches and the same detection (scheduler/detect): the events of a
// stretch of event time, as if there had been no others, with the suppressions that there
// are now (Planner). It decides nothing about signals itself, and knows no store: Scanner,
// Events, Results and the like are what it asks for, and scheduler/clickhouse has them.
// Start at Runner.Run.
//
// Jobs run one after the other. What a job found is stored under a rule key of its own, so
// that no job touches the results of another. A job that a process left unfinished is run
// again by the next, in place of what it had stored (TestAJobThatIsRunAgainHasItsResults).
// What a cancelled job had stored is dropped, and what it was storing meanwhile
// (TestACancelledJobHasNoResults).
package backtest
