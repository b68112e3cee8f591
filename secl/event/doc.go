// Package event declares what the agent sees on Linux: the structs that hold an
// event, and the model of the fields that SECL reads from them, each declared
// once.
//
// A stored event has all that its own process was called with, and the first kilobyte of
// what its parent and ancestors were, which says how much there was (Field.StoredMost).
//
// It does not know the kernel: package agent fills the structs. Events of
// Windows are declared so that policies for both load; nothing fills them.
package event
