// Package detect finds where the cases of a rule hold, and makes signals of that.
//
// It is pure: matches of one signal group go in, the signals of in-order processing come
// out, whatever order and size the pieces arrived in. Live evaluation, backtest and rule
// test share it: Replay is what live evaluation does, from the beginning of time. It has
// no context, reads no clock and knows no store; who calls it brings what was published,
// what was seen before (SeenValues) and what was learned (Baseline).
//
// Start at GroupState.Advance: which matches count, where a case holds, which episodes
// that gives, and how they differ from what was published. What a detection method
// decides of that is a file each.
//
// A GroupState is one signal group of one rule, about to be brought up to date. An
// episode is one signal as the matches tell it, from its first match to its last. A
// Horizon bounds the moments at which what did not happen is judged. SeenValues are the
// values that new-value rules and travel baselines have seen: stretches of event time
// without a gap long enough to forget, so that the order of learning does not matter. A
// Baseline has the series of an anomaly rule, with the buckets that may still change.
package detect
