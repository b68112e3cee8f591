// Package delivery brings an agent's events to a server, over the log intake that
// every sender uses.
//
// Whoever reads the kernel never waits for the network: Send puts an event into a
// bounded queue and returns. Run sends what waits, in order, a batch at a time, until
// it is acknowledged; a batch that is sent again has the same id, so that the server
// takes it once. What the queue has no room for and what the server refuses is
// counted by cause. Reports of how the agent is go with the events. Nothing is
// written to disk: what waits when the agent ends is lost, and said.
//
// What is taken arrives once and in order, what is not taken is counted:
// TestEventsArriveOnceAndInOrderThroughFaults,
// TestSendNeverWaitsAndCountsWhatItHasNoRoomFor. What an agent lost is said once
// (TestReportsSayOnceWhatWasLostAndEndWithTheAgent) and is a gap in the coverage of every
// rule that could have matched it (TestLossesOfAgentsAreGapsOfTheRulesOverTheirEvents in
// scheduler).
package delivery
