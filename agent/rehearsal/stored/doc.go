// Package stored rehearses rules on the events that are stored: what each would have
// matched, and what it would have killed.
//
// It promises that stored events tell the same as a recording of them
// (TestABacktestRehearsesKills in e2e), and that what can't be asked of them is said
// (TestABacktestSaysWhatWouldHaveBeenKilled there).
//
// It does not know the database: whoever calls has it asked.
//
// Start at Rule.
package stored
