// Package deny prevents what blocking rules forbid, before it happens.
//
// Where a rule reduces to which file is executed or opened, or to which address and
// port is connected to, the kernel is told so: by LSM where such programs load, and
// else by fanotify permission events on the inodes of the files, and by programs at a
// control group for connections. What a rule asks beyond that can't be known before;
// Outlook says of every rule what will happen. network_filter drops packets of a
// process or a control group, and an Isolator all those of a host but for a list.
//
// It promises that
//
//   - a listed file is neither executed nor opened, whatever name or way leads to its inode
//     (TestAListedProgramIsNotExecuted, TestAListedFileIsNotOpened,
//     TestWaysAroundADeniedProgram), and a listed address not connected to
//     (TestAListedAddressIsNotConnectedTo);
//   - nothing is denied of which the rule does not say for certain that it matches
//     (TestARuleReducesToTheFilesThatItMatchesWhateverElseIsTrue,
//     TestTheTableOfNetworksSaysWhatTheRulesSay);
//   - what is in doubt is let through, and nobody waits for an answer longer than
//     Deadline (TestWhoGetsNoAnswerIsLetThroughAtTheDeadline); not for an agent that is stopped
//     either, as by SIGSTOP: a process beside it answers then
//     (TestAStoppedAgentKeepsNobodyWaiting, TestWhoAskedBeforeTheAgentWasStoppedIsLetThrough).
//     Only where both are stopped, as by a frozen control group, who opens a listed file
//     waits until one goes on or the agent ends. Nor can one that executes a listed program
//     itself, as Go's runtime stands still while it forks: the agent executes itself only,
//     which is protected;
//   - files that are not listed cost nothing with fanotify, and a look at two tables with
//     LSM;
//   - nothing of it outlives the agent, however that ends: nothing is pinned
//     (TestNothingIsDeniedAnyMoreWhenTheAgentIsKilled);
//   - protected processes are let do what they do, and protected programs executed
//     (TestProtectedProgramsAreNotDenied);
//   - a filter drops the packets that it means, of those whom it means
//     (TestAProcessSendsNothingThatIsFiltered, TestAControlGroupSendsNothingThatIsFiltered),
//     and an isolated host talks to its list only (TestAnIsolatedHostTalksToItsListOnly);
//   - one switch ends all denying (TestTheSwitchEndsAllDenying).
//
// It does not know where rules come from, which processes are protected, or what is
// told of what it denied: the agent asks and tells.
//
// Start at Guard; Dropper and Isolator stand for themselves.
package deny
