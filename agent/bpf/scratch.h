// The buffer of this CPU in which a record is put together.
//
// Programs on tracepoints run with preemption off, so one at a time uses it;
// those that can run in an interrupt, or be preempted (LSM), have one of their
// own: USE says which.
#pragma once
#include "maps.h"

#define PATH_SIZE 4096
#define NAME_MAX_SIZE 256
#define DATA_SIZE 16384
#define PART_MAX 8192

struct walk {
	struct dentry *dentry;
	struct dentry *root; // of the mount
	struct mount *mount;
	__u32 at;   // where the path begins in scratch.path; it grows towards the front
	__u32 done; // 1: at the root, 2: the path is cut
};

struct scratch {
	struct walk walk;
	__u64 type;
	__u32 used; // of data
	__u32 slot;
	__u32 busy; // see network.h
	char path[PATH_SIZE + NAME_MAX_SIZE];
	char name[NAME_SIZE];
	char data[DATA_SIZE + PART_MAX];
};

enum scratch_slot { SLOT_TASK, SLOT_SOFTIRQ, SLOT_LSM, SLOT_ITER, SLOT_CAPABLE, SLOT_CGROUP, SLOT_KPROBE, SLOT_NET, SLOT_NET2, SLOTS };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline struct scratch *scratch_of(__u32 slot)
{
	return bpf_map_lookup_elem(&scratches, &slot);
}

// bounded keeps the compiler from knowing more of a number than the verifier
// does: it would drop the comparison that the verifier asks for.
#define bounded(v) asm volatile("" : "+r"(v))
