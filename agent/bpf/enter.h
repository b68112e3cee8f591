// What must be seen before a call is done, because it is gone afterwards. This
// program is attached only where somebody asks about such a type of events: it
// costs every system call of the host.
#pragma once
#include "calls.h"

static long keep_flags(struct task_struct *t, struct vm_area_struct *v, __u64 *to)
{
	*to = BPF_CORE_READ(v, vm_flags);
	return 0;
}

SEC("tp_btf/sys_enter")
int on_enter(__u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];
	__u32 nr;
	struct call *c = call_of(regs, &nr);
	if (!c || (c->type != EV_MPROTECT && c->type != EV_SPLICE))
		return 0;
	struct args a = {};
	args_of(&a, regs, is_compat());
	struct task_struct *t = bpf_get_current_task_btf();
	__u32 tid = bpf_get_current_pid_tgid();
	struct saved v = {};
	if (c->type == EV_MPROTECT)
		bpf_find_vma(t, a.at[0], keep_flags, &v.value, 0);
	else
		v.value = pipe_flags(t, a.at[0], a.at[2]);
	bpf_map_update_elem(&saved, &tid, &v, BPF_ANY);
	return 0;
}

SEC("tp_btf/module_load")
int on_module_load(__u64 *ctx)
{
	struct module *m = (void *)ctx[0];
	__u32 tid = bpf_get_current_pid_tgid();
	struct saved v = {};
	bpf_core_read_str(v.text, sizeof(v.text), &m->name);
	bpf_map_update_elem(&saved, &tid, &v, BPF_ANY);
	return 0;
}
