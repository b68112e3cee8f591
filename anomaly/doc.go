// Package anomaly holds the seasonal models: how anomalous a number is, given the
// series that it continues.
//
// A Model keeps the counts of one group of one rule in buckets of time and
// gives the probability that a bucket is lower than what was observed. A Scorer
// scores a series of real values, point by point. Both find trend and season
// in the data.
//
// It knows series of numbers, built on gonum, and neither rules nor storage; it
// does no I/O and reads no clock. What it promises is measured in README.md.
//
// What holds it:
//
//   - Of normal buckets, the share above 0.995 is at most 0.8 %:
//     TestShareOfHighBucketsIsWhatItSays, TestHardSeriesAreCalibrated.
//   - A past anomaly does not widen the band (TestPastAnomaliesDoNotWidenTheBand), and a
//     lasting one stays anomalous (TestALastingAttackStaysUnusual,
//     TestAnOutageIsNotTheNewNormal).
//   - A decoded state goes on bit for bit as the one encoded would have, so that a late
//     event is a replay: TestADecodedModelGoesOnAsTheEncodedOne, TestALateEventIsReplayed.
//   - A score is made from the rows before it (TestAReplayScoresBitForBit), and is 1 − p on
//     series of every family in which nothing happens (TestAScoreIsOneMinusP). No series
//     locks the scorer in (TestTheScorerDoesNotLockIn).
package anomaly
