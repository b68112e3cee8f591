// Package command does what a server asks an agent to do once, and keeps the host as its
// orders want it: disarmed or not, isolated or not. Start at Runner.
//
// It promises:
//
//   - A command is done at most once, whatever is repeated and whenever the agent is ended:
//     that it begins is on disk before it does. One that was being done when the agent was
//     ended is answered with "unknown", and not tried again
//     (TestACommandIsDoneAtMostOnce).
//   - A result is offered until a server has taken it, also after a restart
//     (TestAResultIsOfferedUntilItWasTaken).
//   - A process is hit only where it is the one that the command says: its start and what
//     it executes are compared, and a pid alone reaches nobody (TestAnotherProcessIsNotHit).
//   - A disarmed agent kills nothing and isolates nothing, whoever disarmed it
//     (TestADisarmedAgentDoesNothing).
//   - A host is never isolated without its way to the server
//     (TestIsolationLeavesTheWayToTheServer).
//
// It does not know how orders came or whether they are genuine (agent/orders), how a
// signal is sent (agent/respond), or how packets are dropped (agent/deny).
package command
