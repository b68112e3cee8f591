// Parameters of the kernel that are read or written.
#pragma once
#include "record.h"

#define SYSCTL_MOST 1024 // bytes of a name or a value

static __always_inline void put_length(struct scratch *s, struct part *p, __u32 kind, long n)
{
	if (n > 0 && n <= SYSCTL_MOST)
		fill(s, p, kind, n);
}

SEC("cgroup/sysctl")
int on_sysctl(struct bpf_sysctl *ctx)
{
	__u32 type = EV_SYSCTL;
	struct filter *f = bpf_map_lookup_elem(&filters, &type);
	if (!f || !f->active)
		return 1;
	count_of(type, COUNT_GENERATED);
	struct scratch *s = scratch_of(SLOT_CGROUP);
	if (!s)
		return 1;
	struct record *r = begin(s, type, (void *)bpf_get_current_task());
	clear_numbers(r);
	r->num[0] = ctx->write ? 2 : 1;
	r->num[1] = ctx->file_pos;
	struct part *p = room(s);
	if (p)
		put_length(s, p, PART_TEXT, bpf_sysctl_get_name(ctx, (char *)(p + 1), SYSCTL_MOST, 0));
	p = room(s);
	if (p)
		put_length(s, p, PART_TEXT2, bpf_sysctl_get_current_value(ctx, (char *)(p + 1), SYSCTL_MOST));
	p = room(s);
	if (p && ctx->write)
		put_length(s, p, PART_TEXT3, bpf_sysctl_get_new_value(ctx, (char *)(p + 1), SYSCTL_MOST));
	submit(s);
	return 1;
}
