// Functions of the kernel that a rule names (ondemand.name), with their first four
// arguments: as numbers, and as the texts they point to where they do.
#pragma once
#include "calls.h"

static __always_inline void put_pointed(struct scratch *s, __u32 kind, __u64 from)
{
	struct part *p = room(s);
	if (!p)
		return;
	long n = bpf_probe_read_kernel_str(p + 1, 256, (void *)from);
	if (n < 2)
		n = bpf_probe_read_user_str(p + 1, 256, (void *)from);
	if (n >= 2 && n <= 256)
		fill(s, p, kind, n - 1);
}

SEC("kprobe/on_demand")
int on_demand(struct pt_regs *regs)
{
	__u32 type = EV_ONDEMAND;
	struct filter *f = bpf_map_lookup_elem(&filters, &type);
	if (!f || !f->active || bpf_get_current_pid_tgid() >> 32 == agent_pid)
		return 0;
	count_of(type, COUNT_GENERATED);
	struct scratch *s = scratch_of(SLOT_KPROBE);
	if (!s)
		return 0;
	struct record *r = begin(s, type, (void *)bpf_get_current_task());
#if defined(__TARGET_ARCH_x86)
	r->num[0] = BPF_CORE_READ(regs, di);
	r->num[1] = BPF_CORE_READ(regs, si);
	r->num[2] = BPF_CORE_READ(regs, dx);
	r->num[3] = BPF_CORE_READ(regs, cx);
#else
	for (int i = 0; i < 4; i++)
		r->num[i] = BPF_CORE_READ(regs, regs[i]);
#endif
	r->num[4] = bpf_get_attach_cookie(regs); // which function it is
	r->num[5] = 0;
	put_pointed(s, PART_TEXT, r->num[0]);
	put_pointed(s, PART_TEXT2, r->num[1]);
	put_pointed(s, PART_TEXT3, r->num[2]);
	put_pointed(s, PART_BYTES, r->num[3]);
	submit(s);
	return 0;
}
