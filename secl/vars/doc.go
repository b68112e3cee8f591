// Package vars keeps the variables that the actions of SECL rules set: one value
// for all, or one for each process, container or cgroup.
//
// It does not know what a process is: World tells which one an event is about.
// It takes the time from the context of the evaluation.
package vars
