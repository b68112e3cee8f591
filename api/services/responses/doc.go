// Package responses serves what people have done to hosts: responses, with or without a
// signal, and the switch that stops all killing and blocking. Start at ResponseService.
//
// It promises that each action needs its own permission, whichever way it is asked for
// (TestEachActionNeedsItsPermission in api/server), and that nothing is done to a process
// that a caller did not say or a signal's events do not name: where they name several, the
// answer lists them (TestWhereATargetIsNotOneTheAnswerListsThem).
//
// What a response is, agent/responses says; Agents is what it asks of the agents'
// registry.
package responses
