// Killing at exec: a program whose file alone makes a rule match is sent the signal
// before it runs its first instruction. What is killed here is a part of what the rules
// would kill later; whatever is not decided here is left to them.
#pragma once
#include "record.h"

#define KILL_TEXT 256

// kill_text is a path, which begins with a slash, or the last name of one, filled up
// with zeros.
struct kill_text {
	char text[KILL_TEXT];
};

struct kill_inode {
	__u64 inode;
	__u32 dev, pad;
};

// kill is what a file is killed for.
struct kill {
	__u32 rule, signal;
	__u32 lease[3]; // enum kill_lease: which of leases; 0: there is no limit
	__u32 pad;
};

enum kill_lease {
	LEASE_FILE,      // kills of this file
	LEASE_RULE,      // of all files of the rule
	LEASE_CONTAINER, // of the rule, in another PID namespace than the first
};

// kill_report is what was done at an exec.
struct kill_report {
	__u32 rule, signal;
	__s32 result;   // 0: the signal was sent; 1: the rule had no leave to kill more; negative: the error
	__u32 how;      // enum kill_how
	__u64 time;     // when it was done, ns since boot
	__u64 taken[3]; // of the leases, with this kill
	__u32 lease[3]; // which they are
	__u32 pad;
};

enum kill_how { KILL_BY_PATH = 1, KILL_BY_NAME, KILL_BY_INODE };

#define NO_LEAVE 1

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct kill_text);
	__type(value, struct kill);
} kills SEC(".maps");

// Other names of the same files: hard links.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct kill_inode);
	__type(value, struct kill);
} kill_inodes SEC(".maps");

// Files of protected programs.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct kill_inode);
	__type(value, __u8);
} spared SEC(".maps");

// A lease is leave to kill so many more: `taken` is counted here, and `most` is raised by
// the agent when it has seen what was taken. So a rule never kills more than it may,
// however slow the agent is.
#define LEASES 16384

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LEASES);
	__type(key, __u32);
	__type(value, __u64);
} lease_most SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LEASES);
	__type(key, __u32);
	__type(value, __u64);
} lease_taken SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kill_text);
} kill_texts SEC(".maps");

__u32 kill_armed = 0;   // the switch
__u32 kill_files = 0;   // how many kills there are
__u64 kills_done = 0;   // signals that were sent

#define FIRST_PIDNS 0xEFFFFFFCU

// take takes one from a lease, if it has any left. Two CPUs that take the last one at the
// same time may both be refused, never both be granted.
static __always_inline bool take(struct kill *k, struct kill_report *r, __u32 which)
{
	__u32 slot = k->lease[which];
	if (!slot)
		return true;
	__u64 *most = bpf_map_lookup_elem(&lease_most, &slot), *taken = bpf_map_lookup_elem(&lease_taken, &slot);
	if (!most || !taken)
		return false;
	r->taken[which] = *taken;
	if (*taken >= *most)
		return false;
	__sync_fetch_and_add(taken, 1);
	r->taken[which] = *taken;
	return r->taken[which] <= *most;
}

static __always_inline struct kill *kill_by_path(struct scratch *s, struct kill_text *k)
{
	__u64 at = s->walk.at, len;
	if (s->walk.done != 1 || at > PATH_SIZE - 1)
		return 0;
	len = PATH_SIZE - at;
	if (len >= KILL_TEXT)
		return 0;
	__builtin_memset(k, 0, sizeof(*k));
	bounded(len);
	len &= KILL_TEXT - 1;
	bounded(at);
	at &= PATH_SIZE - 1;
	if (!len || bpf_probe_read_kernel(k->text, len, s->path + at))
		return 0;
	return bpf_map_lookup_elem(&kills, k);
}

static __always_inline struct kill *kill_by_name(struct dentry *d, struct kill_text *k)
{
	__u64 len = BPF_CORE_READ(d, d_name.len);
	const unsigned char *name = BPF_CORE_READ(d, d_name.name);
	if (len >= KILL_TEXT)
		return 0;
	__builtin_memset(k, 0, sizeof(*k));
	bounded(len);
	len &= KILL_TEXT - 1;
	if (!len || bpf_probe_read_kernel(k->text, len, name))
		return 0;
	return bpf_map_lookup_elem(&kills, k);
}

// kill_at_exec sends the signal if the file of the program, whose path stands in scratch,
// is one to kill, and says so in the record. A global function: the verifier looks at it
// by itself.
__noinline int kill_at_exec(__u32 slot)
{
	struct scratch *s = scratch_of(slot);
	__u32 zero = 0;
	struct kill_text *text = bpf_map_lookup_elem(&kill_texts, &zero);
	struct task_struct *t = (void *)bpf_get_current_task();
	if (!s || !text)
		return 0;
	struct record *rec = (void *)s->data;
	struct file *f = BPF_CORE_READ(t, mm, exe_file);
	struct dentry *d = BPF_CORE_READ(f, f_path.dentry);
	struct kill_inode id = {};
	id.inode = BPF_CORE_READ(f, f_inode, i_ino);
	id.dev = BPF_CORE_READ(f, f_inode, i_sb, s_dev);
	struct kill_report r = {};
	struct kill *k = kill_by_path(s, text);
	r.how = KILL_BY_PATH;
	if (!k) {
		k = kill_by_name(d, text);
		r.how = KILL_BY_NAME;
	}
	if (!k && BPF_CORE_READ(f, f_inode, i_nlink) > 1) {
		k = bpf_map_lookup_elem(&kill_inodes, &id);
		r.how = KILL_BY_INODE;
	}
	if (!k || rec->who.pid == 1 || rec->who.pid == agent_pid || bpf_map_lookup_elem(&spared, &id))
		return 0;
	r.rule = k->rule;
	r.signal = k->signal;
	for (int i = 0; i < 3; i++)
		r.lease[i] = k->lease[i];
	rec->flags |= REC_URGENT;
	bool leave = take(k, &r, LEASE_FILE) && take(k, &r, LEASE_RULE);
	if (leave && rec->who.pidns != FIRST_PIDNS)
		leave = take(k, &r, LEASE_CONTAINER);
	r.result = leave ? bpf_send_signal(k->signal) : NO_LEAVE;
	r.time = bpf_ktime_get_boot_ns();
	if (!r.result)
		__sync_fetch_and_add(&kills_done, 1);
	struct part *p = room(s);
	if (!p)
		return 0;
	__builtin_memcpy(p + 1, &r, sizeof(r));
	fill(s, p, PART_KILL, sizeof(r));
	return 0;
}
