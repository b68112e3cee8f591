// Package rehearsal says what a rule's kill actions would have done about what has
// happened: to whom, who would have been spared because it is protected, and where the
// disarmer would have stopped the rule. It is asked before anybody lets the rule do it.
//
// It promises that an agent decides in the same way, given the same events: it calls what
// the agent calls, respond.Decide, with a disarmer for each host
// (TestARehearsalDecidesAsAnAgentDoes). Nothing is left out in silence: of what there
// is too much of to list, the rest is counted (TestTheRestIsCounted).
//
// It does not know where the events come from, and does nothing to any process. What can
// only be seen on a living process it does not know either: whether it would have been gone
// when the signal came, and who else would have been in its container.
//
// Start at Rehearsal.Add.
package rehearsal
