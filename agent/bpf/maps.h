// The maps, and what is counted.
#pragma once
#include "kernel.h"
#include "wire.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20); // the loader sets it
} events SEC(".maps");

#define CALLS 1024    // the numbers of 64 bits, then those of 32
#define CALLS_MORE 128 // and where the guard of the first has failed

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CALLS + CALLS_MORE);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EV_TYPES);
	__type(key, __u32);
	__type(value, struct filter);
} filters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EV_TYPES);
	__type(key, __u32);
	__type(value, __u64[COUNTS]);
} counts SEC(".maps");

struct name_key {
	char name[NAME_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct name_key);
	__type(value, __u64); // of the types of events that it approves, a bit each
} names SEC(".maps");

struct folder_key {
	__u64 inode;
	__u32 dev, mount;
};

struct folder_value {
	__u64 types;      // of events that are discarded there, a bit each
	__u64 generation; // for which that was found
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct folder_key);
	__type(value, struct folder_value);
} folders SEC(".maps");

// What the agent sets while the programs run.
__u32 agent_pid = 0;
__u32 wake_bytes = 1 << 20; // wake the reader when so much was written since it was woken last
__u64 woken = 0;            // how much had been written then
__u64 urgent = 0;           // types of events, a bit each, of which it is told at once
__u32 generation = 1;       // of names of folders: it changes when one may have moved

static __always_inline __u64 *counts_of(__u32 type) { return bpf_map_lookup_elem(&counts, &type); }

static __always_inline void count_of(__u32 type, __u32 what)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &type);
	if (n && what < COUNTS)
		n[what]++;
}
