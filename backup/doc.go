// Package backup writes everything that an engine knows into one stream, and
// makes a data folder of it again.
//
// A backup is of one moment: every event that was acknowledged when it began is
// in it, with the signals, rules and progress that belong to them, and with the
// batch ids of exactly these events, so that what senders send again after a
// restore is taken or left out rightly. The tables travel by ClickHouse's own
// BACKUP and RESTORE. Keys of access are not in it.
//
// Start at Source.Prepare and Restore. A restored engine has the signals, and takes or
// leaves out what is sent again, as the one that was lost
// (TestARestoredEngineIsTheOneThatWasBackedUp in e2e). While ClickHouse takes nothing
// there is no such moment, and a backup is refused
// (TestAStillDoesNotWaitForASinkThatTakesNothing in ingest).
package backup
