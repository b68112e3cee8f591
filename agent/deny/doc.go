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
//   - what is in doubt is let through, and nobody waits for an answer longer than
//     Deadline (an agent that is stopped, as by SIGSTOP, can't keep that: who opens a
//     listed file then waits until it goes on or ends; nor can one that executes a listed
//     program itself, as Go's runtime stands still while it forks: the agent executes none);
//   - files that are not listed cost nothing with fanotify, and a look at a table with
//     LSM;
//   - nothing of it outlives the agent, however that ends: nothing is pinned;
//   - protected processes are let do what they do, and protected programs executed.
//
// It does not know where rules come from, which processes are protected, or what is
// told of what it denied: the agent asks and tells.
//
// Start at Guard.
package deny
