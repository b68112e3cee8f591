// Control groups: their ids and paths as they are made, so that a process is
// attributed to its container however short its life is.
#pragma once
#include "record.h"

static __always_inline void about(struct record *r, struct cgroup *g)
{
	clear_numbers(r);
	r->num[0] = BPF_CORE_READ(g, kn, id);
	r->num[1] = BPF_CORE_READ(g, root, hierarchy_id);
}

SEC("tp_btf/cgroup_mkdir")
int on_cgroup_mkdir(__u64 *ctx)
{
	count_of(EV_CGROUP_NEW, COUNT_GENERATED);
	struct scratch *s = scratch_of(SLOT_TASK);
	if (!s)
		return 0;
	struct record *r = begin(s, EV_CGROUP_NEW, (void *)bpf_get_current_task());
	about(r, (void *)ctx[0]);
	put_kernel_text(s, PART_TEXT, (void *)ctx[1], PATH_SIZE);
	submit(s);
	return 0;
}

SEC("tp_btf/cgroup_attach_task")
int on_cgroup_attach(__u64 *ctx)
{
	struct task_struct *moved = (void *)ctx[2];
	__u32 type = EV_CGROUP_MOVE, event = EV_CGROUP_WRITE;
	struct filter *f = bpf_map_lookup_elem(&filters, &event);
	if (f && f->active)
		type = EV_CGROUP_WRITE;
	count_of(type, COUNT_GENERATED);
	struct scratch *s = scratch_of(SLOT_TASK);
	if (!s)
		return 0;
	struct record *r = begin(s, type, (void *)bpf_get_current_task());
	about(r, (void *)ctx[0]);
	r->num[2] = BPF_CORE_READ(moved, tgid);
	r->num[3] = start_of(moved);
	put_kernel_text(s, PART_TEXT, (void *)ctx[1], PATH_SIZE);
	submit(s);
	return 0;
}
