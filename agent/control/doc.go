// Package control is a server's side of its agents: which are enrolled, which policies
// each is to follow, how a change reaches them in stages, and who fell silent. Start at
// Registry.Sync; defaults.go and effective.go say which rules a host gets, rollout.go when.
//
// It promises:
//
//   - A change that does not check for the agents that there are is refused whole, with its
//     errors, and the policies before stay (TestAChangeThatDoesNotCheckIsRefusedWhole). A
//     host that comes later and for which they do not check refuses them itself; the switch
//     and commands reach it all the same (TestASwitchReachesWhoCannotHaveItsPolicies).
//   - Of a rule in several policies of a host, blocking counts before monitoring before
//     disabled (TestTheStrongestModeOfARuleCounts).
//   - The version that an agent is offered never goes back, also when a change is rolled
//     back or a server is restored from a backup (TestVersionsNeverGoBack).
//   - A rollout goes on to its next stage only where no agent that follows the new policies
//     loses more, works more or kills more than before, refuses them or falls silent
//     (TestARolloutStops…); nobody but a person goes on after that.
//   - What an agent is given is signed, and for it alone (TestAnAgentSyncsAsItself); a revoked
//     one is refused, also while it waits (TestARevokedAgentIsRefused). Who stops without
//     saying so is told of once (TestSilenceIsToldOnce).
//   - An agent that lies harms no other: it cannot keep all others fetching policies, nor
//     fill memory or events (hostile_test.go). Two that run with one identity are told of
//     once a day (TestTwoAgentsOfOneIdentity). What one says of itself is not proven: whoever
//     is root on a host can name another host, and can stop a rollout.
//
// A change is in force on agents within seconds, and orders that were meddled with are
// refused (TestAPolicyThatIsEditedIsInForceOnThreeAgents,
// TestOrdersThatWereMeddledWithAreNotFollowed in e2e).
//
// It does not know HTTP, how keys are kept, or what becomes of events that it tells: its
// Deps do. Orders themselves are agent/orders'.
package control
