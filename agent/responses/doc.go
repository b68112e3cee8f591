// Package responses is what people had done to hosts: a process killed, a host cut off the
// network and let back, a process tree collected; and the switches that stop all
// killing and blocking, of all agents and of one. Start at Book.
//
// It promises that a response is stored before an agent can hear of it, that its result is
// stored once, whatever the agent repeats, and that a restart finds what was asked for and
// what became of it (TestARestartGoesOnWithWhatWasAsked); that an agent is told of a
// response until it answered, the deadline has passed or somebody took it back
// (TestAResponseWaitsUntilItsDeadline, TestWhatIsTakenBackIsNotDone); that a host is
// isolated exactly while the last isolation or release that took effect, or may yet, says
// so (TestIsolationIsAState); and that what becomes of a response comes into the history
// of its signal, also after a crash in between (TestEverySignalHasTheHistoryOfItsResponses).
//
// A host that enrols anew stays isolated, and is released with all its agents
// (TestAHostThatEnrolsAnewStaysIsolated); who enrols under its name ends nothing
// (TestWhoEnrolsUnderTheNameOfAnother).
//
// It promises too that an agent that is disarmed by itself stays so until it is armed by
// itself (TestOneAgentIsDisarmedByItself), and that what an agent is told is found without
// reading what ended (TestWhatAnAgentIsToldIsFoundWithoutWhatEnded). What ended is kept as long
// as package retention says (TestWhatEndedLongAgoIsLetGoOf).
//
// Targets reads from a signal's events which processes it is about.
//
// All responses are in memory, with their reports (of a tree up to 100 KB): there are as many
// as people ask for.
//
// It does not know how orders travel (agent/control), what an agent does with a command
// (agent/command), or who may ask for it (api/services/responses).
package responses
