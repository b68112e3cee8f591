// Package oracle says which signals a rule must give over some events: an evaluator
// as slow and as plain as the words of docs/semantics.md, a file for each part of
// them. Every moment of every group is judged by looking at all events.
//
// It is for tests, which hold the engine against it, and is held itself against
// expectations of others (TestTheOracleReadsTheSemanticsAsTheyAreMeant in scheduler).
// It shares the search language and the models of numbers with the engine and nothing
// else, and it must not import the scheduler; where a query has a meaning that is
// written down beside it (Given.Meanings), not even the search language.
//
// It does not read rules over signals, content anomalies, or baselines of events from
// before the rule. It panics where a rule is not valid. Start at Signals.
package oracle
