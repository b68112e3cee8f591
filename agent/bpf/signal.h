// Signals, with the process that gets them and not the number that the caller
// wrote, which means something else in another namespace.
#pragma once
#include "calls.h"

#define SI_TKILL -6
#define SI_QUEUE -1

SEC("tp_btf/signal_generate")
int on_signal(__u64 *ctx)
{
	int sig = ctx[0];
	struct kernel_siginfo *info = (void *)ctx[1];
	struct task_struct *target = (void *)ctx[2];
	if ((__u64)info <= 1) // sent by the kernel
		return 0;
	int code = BPF_CORE_READ(info, si_code);
	if (code != 0 && code != SI_TKILL && code != SI_QUEUE)
		return 0;
	__u32 type = EV_SIGNAL;
	struct filter *f = bpf_map_lookup_elem(&filters, &type);
	if (!f || !f->active || bpf_get_current_pid_tgid() >> 32 == agent_pid)
		return 0;
	count_of(type, COUNT_GENERATED);
	struct scratch *s = scratch_of(SLOT_TASK);
	if (!s)
		return 0;
	struct record *r = begin(s, type, (void *)bpf_get_current_task());
	clear_numbers(r);
	r->num[0] = BPF_CORE_READ(target, tgid);
	r->num[1] = sig;
	r->num[2] = start_of(target);
	r->num[3] = 1; // the process is the kernel's
	submit(s);
	return 0;
}
