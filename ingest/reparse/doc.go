// Package reparse reads stored events again with the pipelines that are in force, so that
// searches and backtests see what a better pipeline makes of them.
//
// Start at Jobs. Signals, and what rules have seen live, stay as they are.
//
// Start at Jobs. A day of arrival is made anew beside the table and takes its place in one
// step: nothing is lost or doubled, through kills and while events come in, and signals
// stay (TestStoredEventsAreReadAgain in e2e).
package reparse
