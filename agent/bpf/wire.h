// What the programs and agent/bpf/record.go say to each other. A record is a
// struct record and then parts, each with its struct part in front and padded to
// 8 bytes.
#pragma once

// Types of records. The first ones are types of events, by the
// names of secl/event; the order is that of names in types.go.
enum event_type {
	EV_NONE,
	EV_EXEC, EV_FORK, EV_EXIT, EV_OPEN, EV_CHMOD, EV_CHOWN, EV_LINK, EV_MKDIR, EV_RENAME, EV_RMDIR, EV_UNLINK,
	EV_UTIMES, EV_SETXATTR, EV_REMOVEXATTR, EV_MOUNT, EV_MMAP, EV_MPROTECT, EV_PTRACE, EV_SIGNAL, EV_SETUID,
	EV_SETGID, EV_CAPSET, EV_PRCTL, EV_SETRLIMIT, EV_CHDIR, EV_SYSCTL, EV_LOAD_MODULE, EV_UNLOAD_MODULE, EV_BPF,
	EV_SPLICE, EV_CGROUP_WRITE, EV_LOGIN_UID_WRITE, EV_TRACER_MEMFD_SEAL, EV_SELINUX, EV_CAPABILITIES, EV_ONDEMAND,
	EV_BIND, EV_CONNECT, EV_ACCEPT, EV_DNS, EV_IMDS, EV_PACKET, EV_SETSOCKOPT, EV_NETWORK_FLOW_MONITOR,
	// What only the agent itself uses.
	EV_ARGS = 56,    // a piece of arguments and environment, before its exec
	EV_CGROUP_NEW,   // a cgroup was made: its id and path
	EV_CGROUP_MOVE,  // a task was moved to a cgroup
	EV_SNAPSHOT,     // a process that was there before the agent
	EV_MOVES = 63,   // no event: names of folders may have changed
	EV_TYPES = 64,
};

// Kinds of parts.
enum part_kind {
	PART_NONE,
	PART_FILE,     // struct file_info, then the path from the root, of the event's file
	PART_FILE2,    // likewise of its destination, or of the interpreter of an exec
	PART_PATH,     // a path as it was written
	PART_PATH2,
	PART_BASE,     // struct file_info and path of the folder that PART_PATH is relative to
	PART_BASE2,
	PART_TEXT,     // a text
	PART_TEXT2,
	PART_TEXT3,
	PART_BYTES,    // memory of the caller
	PART_BYTES2,
	PART_ARGS,     // arguments and environment, a zero after each
	PART_TTY,
	PART_OBJECT,   // struct bpf_object
	PART_SOCKET,   // struct socket_info
	PART_PACKET,   // struct packet_info
	PART_KILL,     // struct kill_report
};

// Flags of records.
enum record_flag {
	REC_COMPAT = 1,    // a system call of 32 bits
	REC_URING = 2,     // asked for through io_uring: seen as it was submitted
	REC_CUT = 4,       // a part had no room
	REC_FAULT = 8,     // memory of the caller could not be read
	REC_LSM = 16,      // seen by an LSM hook: names are those the kernel used
	REC_URGENT = 64,   // the agent must act on it at once
	REC_DENIED = 32,   // it was denied: num[0] is by what, num[1] the entry of the list
};

// who is the process of a record.
struct who {
	__u64 start; // of its first thread, ns since boot: tells it from others of the same pid
	__u64 cap_effective, cap_permitted;
	__u64 cgroup;
	__u32 pid, tid, ppid, nspid;
	__u32 uid, gid, euid, egid, fsuid, fsgid, auid, session;
	__u32 mntns, netns, hierarchy, pidns;
	char comm[16];
};

struct record {
	__u32 size;
	__u16 type, flags;
	__u64 time; // ns since boot
	__s64 ret;
	__u64 num[6]; // arguments of a system call, or what the type says
	__u32 call;   // number of the system call
	__u32 generation; // of the mounts and names of folders, see discard.h
	struct who who;
};

struct part {
	__u16 kind, len; // of what follows, without padding
	__u32 pad;
};

// file_info is what an inode says.
struct file_info {
	__u64 inode;
	__s64 mtime, ctime; // ns since 1970
	__u32 dev, mount, uid, gid;
	__u32 mode, nlink, magic, pad;
	__u64 parent; // inode of the folder
	char filesystem[16];
};

// count is why an event did not come to be a record, or that it did.
enum count {
	COUNT_GENERATED,
	COUNT_FILTERED,
	COUNT_SENT,
	COUNT_LOST_RING,    // the ring was full
	COUNT_LOST_SCRATCH, // the buffer of this CPU was in use, or the event too large for it
	COUNT_CUT,          // sent, with a part missing for want of room
	COUNT_FAULT,        // sent, with a part missing that could not be read
	COUNT_LOST_OWNER,   // of a socket whose process is not known
	COUNTS = 8,
};

// want is one thing that a system call's record carries.
enum want_kind {
	WANT_NOTHING,
	WANT_FILE,  // the file of the descriptor in arg (RETURNED: of the returned one) as part
	WANT_PATH,  // the path at arg, relative to the descriptor in arg2 (CWD: the working directory)
	WANT_TEXT,  // the text at arg
	WANT_BYTES, // size bytes at arg; with arg2 not NONE, as many as that argument says, at most size
	WANT_CWD,   // the working directory as the file
	WANT_BPF,   // the map or program that a BPF command at arg is about, and a program's code
	WANT_SAVED, // what was saved when the call began: its number, or a text as part
	WANT_FILTER, // the instructions of the filter that a socket gets, whose struct sock_fprog is at arg
	WANT_SOCKET, // the socket of the descriptor in arg (RETURNED: of the returned one)
};

#define ARG_RETURNED 6
#define ARG_CWD 7
#define ARG_NONE 8

struct want {
	__u8 kind, part, arg, arg2;
	__u16 size, pad;
};

// call says what to do about a system call; agent/probe/calls.go fills it.
struct call {
	__u8 type;    // EV_NONE: nothing
	__u8 handler; // index in the array of programs
	__u8 guard;   // argument that must have one of the bits of guard_mask, or with guard_equal the value; ARG_NONE: any
	__u8 guard_equal;
	__u8 name;    // how the kernel finds the last name, for approvers: enum name_of
	__u8 flags;   // enum call_flag
	__u8 filter_arg; // the argument that approved values are of; ARG_NONE: it stands elsewhere, all are approved
	__u8 pad;
	__u32 next; // if the guard fails: the index of another struct call; 0: none
	__u32 pad2;
	__u64 guard_mask;
	struct want want[4];
};

enum name_of { NAME_UNKNOWN, NAME_FILE, NAME_PATH };
enum call_flag {
	CALL_SUCCESS = 1, // failures are not events
	CALL_MOVES = 2,   // success changes names of folders: discarders begin anew
	CALL_FAILURE = 4, // successes are told by another program
	CALL_VECTOR = 8,  // of a write: the first piece of several
	CALL_KEPT = 16,   // LSM hooks may have kept what it is about
	CALL_PACKED = 32, // the arguments stand in memory, where the second one says (socketcall)
};

// bpf_object is a map or a program.
struct bpf_object {
	__u32 is_prog, type, attach_type, pad;
	__u8 tag[8];
	char name[16];
};

// socket_info is a socket: its own address and that of the other end. Addresses of
// IPv4 have four bytes.
struct socket_info {
	__u16 family, type, protocol;
	__u16 port, peer_port; // in the order of the machine
	__u16 pad[3];
	__u8 address[16], peer[16];
};

// packet_info is what the headers of a packet say.
struct packet_info {
	__u8 source[16], destination[16]; // of IPv4: four bytes
	__u16 source_port, destination_port; // in the order of the machine
	__u16 l3; // the type of Ethernet
	__u8 l4, incoming;
	__u32 size, device; // of the packet from its IP header on; the number of the device
};

// filter says which events of a type leave the kernel: those that any of these
// approves, of which no folder is discarded.
struct filter {
	__u8 active;
	__u8 approving; // 0: all are approved
	__u8 discards;  // folders may be discarded
	__u8 equals;    // how many of equal count
	__u8 long_names; // names of NAME_SIZE bytes and more are approved
	__u8 pad[3];
	__u32 auid_low, auid_high; // of approved login users; low > high: none are
	__u64 any_of;     // the bits, of the filter argument, of which one approves
	__u64 equal[8];   // values of the filter argument that approve
	__u64 lengths[4]; // bit n: some name of n bytes approves
};

#define NAME_SIZE 64 // of the bytes of a name by which it is approved
