// Package orders is what a server tells an agent, signed, and what an agent tells the
// server when it asks for it. Start at Orders; Gate decides which ones an agent accepts.
//
// It promises that an agent accepts no orders but those that its server signed with the
// key that the agent learned when it enrolled, for this agent, and none that are older
// than what it has accepted: neither in their sequence nor in the version of their
// policies, before and after a restart (TestOrdersThatAreNotAcceptable,
// TestARestartForgetsNothing). Refused orders change nothing
// (TestRefusedOrdersChangeNothing), and no bytes make it fail otherwise
// (FuzzAcceptedOrdersAreThoseThatWereSigned).
//
// It does not know how orders travel, whether a policy checks, or what becomes of a
// command. It imports nothing of ours: server and agent share it.
package orders
