// Package objects keeps what users say, every version of it: rules,
// suppressions, jobs, pipelines and whatever is configured beside them. Start at
// Store, which keeps the objects of one Kind.
//
// It promises that a change is stored before anybody sees it, that a change
// which is refused or not stored leaves no trace, that changes of one object
// are made one after the other, and that a restart finds what was there
// (TestARestartFindsWhatWasThere, TestUpdatesAreRefusedWithoutATrace).
//
// It also promises that nobody who reads waits for a change: what decides about
// a change (edits, checks) and what stores it run under no lock but the
// object's own turn (TestReadersDoNotWaitForAStoreThatBlocks).
//
// It does not know what the objects mean, nor ClickHouse: scheduler/clickhouse
// has the Table. Its errors are schema.NotFoundError, schema.ConflictError and, from checks,
// schema.InvalidError.
package objects
