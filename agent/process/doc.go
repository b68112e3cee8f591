// Package process knows the processes of the host: who runs what, started by
// whom, in which container. It is complete from the first second (a snapshot),
// follows every fork, exec and exit, and is right when pids are used again,
// because a process is known by its pid and the moment it began.
//
// It is fed with records and reads /proc only for what no record told. It
// evaluates nothing.
package process
