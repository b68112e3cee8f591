// Package respond takes the actions of rules that matched, and says in the event
// honestly what became of each: by which mechanism, with which status, how fast, and
// what had already happened.
//
// What it promises: a process is signalled only where its pid, its start and what it
// executes are those of the event (TestNoReusedPidIsHit); protected processes never are
// (TestNoRuleHitsAProtectedProcess); a rule that kills too much too fast is disarmed and
// says so (TestTheDisarmerTrips); the switch stops everything, and outlives a restart
// (TestTheSwitchIsKept); an action that fails does not keep the next one from being
// taken (TestAnErrorSkipsNoAction). A rule of a monitoring policy goes through the same
// decisions, and records what would have been done.
//
// It does not know how events come, and of the other actions (hash, log, coredump,
// network_filter) only that somebody has registered for them.
//
// Start at Responder.Act; what a kill decides is in kill.go, how it is done in killer.go.
package respond
