// Package delivery brings an agent's events to a server, over the log intake that
// every sender uses, and keeps on disk what the server does not have yet.
//
// Start at Sender. Three goroutines hand an event on:
//
//	the ring's reader    Send: into a bounded queue in memory; it never waits
//	the writer           makes batches of what is queued (a fifth of a second, a thousand
//	                     events or a megabyte) and appends each to the spool
//	the deliverer        sends the spool, oldest first, until the server has it
//
// What is durable when: a batch is a record of the spool (package wal), synced to disk
// before it is sent. What is killed loses what was in the ring, in the queue or being
// written, which is the last third of a second or so, and the mark (mark.go) says since
// when: the next run reports that time, and all until it watches again, as blind. A batch
// has its id in the record. One that was sent and perhaps taken, before the agent or the
// server died, is sent again under that id, and the server takes it once; it remembers ids
// for 25 hours.
//
// Batches are compressed there (zstd): events of one host are much alike. A full spool takes no more, and the queue fills: what has no room there is counted as
// lost (spool_full; queue_full where the disk is too slow), reported with the next batch,
// and a gap in the coverage of every rule that could have matched it. What is in the spool
// is never dropped for what is newer. While the disk does not take batches (full, broken),
// they are sent from memory, after what the spool has. A damaged record costs itself, and
// is counted.
//
// An answer of 429 or 503 with Retry-After is obeyed. What the server refuses as wrong is
// halved until the event is found that is refused, which is counted and let go.
//
// It does not know what an event means. What is taken arrives once and in order, through
// faults and through the end of the process: TestEventsArriveOnceAndInOrderThroughFaults,
// TestAnAgentThatIsKilledGoesOnWhereItWas, TestWhatIsQueuedWhenTheTimeForTheEndIsOverIsWritten.
// What is not taken is counted:
// TestSendNeverWaitsAndCountsWhatItHasNoRoomFor, TestADiskThatIsFullCostsNothingWhileTheServerTakes,
// TestADamagedRecordCostsItselfAndIsCounted. What an agent lost is said once
// (TestReportsSayOnceWhatWasLostAndEndWithTheAgent), and for when it was blind
// (TestTheTimeInWhichAnAgentWasBlindIsReported); both are gaps in coverage
// (TestLossesOfAgentsAreGapsOfTheRulesOverTheirEvents in e2e).
package delivery
