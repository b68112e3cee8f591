// Capabilities that a process is asked for: each is told once.
#pragma once
#include "calls.h"

struct capabilities {
	__u64 attempted, used;
};

struct process_key {
	__u64 start;
	__u64 pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct process_key);
	__type(value, struct capabilities);
} capabilities_seen SEC(".maps");

static __always_inline int asked_for(int cap, int ret)
{
	__u32 type = EV_CAPABILITIES;
	struct filter *f = bpf_map_lookup_elem(&filters, &type);
	if (!f || !f->active || cap < 0 || cap > 63 || bpf_get_current_pid_tgid() >> 32 == agent_pid)
		return 0;
	struct task_struct *t = (void *)bpf_get_current_task();
	struct process_key key = {start_of(t), bpf_get_current_pid_tgid() >> 32};
	struct capabilities now = {}, *before = bpf_map_lookup_elem(&capabilities_seen, &key);
	if (before)
		now = *before;
	__u64 bit = 1ull << cap;
	now.attempted |= bit;
	if (!ret)
		now.used |= bit;
	if (before && now.attempted == before->attempted && now.used == before->used)
		return 0;
	bpf_map_update_elem(&capabilities_seen, &key, &now, BPF_ANY);
	count_of(type, COUNT_GENERATED);
	struct scratch *s = scratch_of(SLOT_CAPABLE);
	if (!s)
		return 0;
	struct record *r = begin(s, type, t);
	clear_numbers(r);
	r->num[0] = now.attempted;
	r->num[1] = now.used;
	submit(s);
	return 0;
}

SEC("tp_btf/cap_capable")
int on_capable(__u64 *ctx) { return asked_for(ctx[3], ctx[4]); }

SEC("fexit/cap_capable")
int on_capable_exit(__u64 *ctx) { return asked_for(ctx[2], ctx[4]); }
