package bpf

import "strings"

// Type is a type of records, as enum event_type of wire.h.
type Type uint16

// The types that are not events.
const (
	Args Type = iota + 56
	CGroupNew
	CGroupMove
	Snapshot
	// Types is how many there can be.
	Types = 64
)

// names has the names of secl/event in the order of enum event_type.
var names = strings.Fields("none exec fork exit open chmod chown link mkdir rename rmdir unlink " +
	"utimes setxattr removexattr mount mmap mprotect ptrace signal setuid " +
	"setgid capset prctl setrlimit chdir sysctl load_module unload_module bpf " +
	"splice cgroup_write login_uid_write tracer_memfd_seal selinux capabilities ondemand " +
	"bind connect accept dns imds packet setsockopt network_flow_monitor")

var byName = func() map[string]Type {
	out := map[string]Type{}
	for i, name := range names {
		out[name] = Type(i)
	}
	return out
}()

// Name is the name of a type of events; empty for what is none.
func (t Type) Name() string {
	switch {
	case t == Args:
		return "args"
	case t == CGroupNew || t == CGroupMove:
		return "cgroup"
	case t == 0 || int(t) >= len(names):
		return ""
	}
	return names[t]
}

// TypeOf finds a type by the name of its events; 0 if there is none.
func TypeOf(name string) Type { return byName[name] }

// The types that programs are written for.
var (
	Exec        = TypeOf("exec")
	Fork        = TypeOf("fork")
	Exit        = TypeOf("exit")
	Open        = TypeOf("open")
	CGroupWrite = TypeOf("cgroup_write")
)

// Count is what became of events, as enum count of wire.h.
type Count int

// What is counted.
const (
	Generated Count = iota
	Filtered
	Sent
	LostRing
	LostScratch
	CutShort
	Faulted
	LostOwner
	Counts = 8
)
