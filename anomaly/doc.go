// Package anomaly holds the seasonal models: how unusual a number is, given the
// series that it continues.
//
// A Model keeps the counts of one group of one rule in buckets of time and
// gives the probability that a bucket is lower than what was observed. A Scorer
// scores a series of real values, point by point. Both find trend and season
// in the data.
//
// It knows series of numbers, built on gonum, and neither rules nor storage; it
// does no I/O and reads no clock. What it promises is measured in README.md.
package anomaly
