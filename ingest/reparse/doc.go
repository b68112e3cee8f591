// Package reparse reads stored events again with the pipelines that are in force, so that
// searches and backtests see what a better pipeline makes of them.
//
// Start at Jobs. Signals, and what rules have seen live, stay as they are.
//
// A day of arrival is rebuilt beside the table and replaces the old one in one
// step: nothing is lost or doubled, through kills and while events come in, and signals
// stay (TestStoredEventsAreReadAgain in e2e).
package reparse
