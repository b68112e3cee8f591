// Package client is an agent's side of its server: how a host becomes an agent, and how
// its orders come to it.
//
// Enroll exchanges a token for an Identity: an id, a key of the agent's own and the key
// that signs its orders. They are files of the state folder that only its owner reads;
// the token is not kept. Client asks for orders and waits for the answer (a long poll),
// keeps those that a Gate accepts on disk, and then has them followed. It starts from the
// last ones when the server is away.
//
// It promises:
//
//   - What is followed was signed by the server that the agent enrolled at, for it, and is
//     not older than what was accepted, also over restarts (agent/orders; here
//     TestOrdersThatAreRefusedChangeNothing, TestAnAgentStartsFromItsLastOrders).
//   - Policies that do not check are told to the server with their errors, and the last
//     good ones stay, also over a restart (TestPoliciesThatDoNotCheckLeaveTheLastGoodOnes).
//   - Results are offered until the server has them (TestResultsAreOfferedUntilTheyAreTaken).
//   - A server that is away, busy or refuses is asked again: after what it says, else ever
//     later, up to five seconds.
//
// It does not know what a policy means, or what becomes of orders: an Agent does. Start at
// Client.Run.
package client
