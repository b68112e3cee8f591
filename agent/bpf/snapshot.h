// The processes that were there before the agent.
#pragma once
#include "process.h"

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

SEC("iter/task")
int on_task(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	struct seq_file *seq = ctx->meta->seq;
	if (!t || BPF_CORE_READ(t, pid) != BPF_CORE_READ(t, tgid))
		return 0;
	struct scratch *s = scratch_of(SLOT_ITER);
	if (!s)
		return 0;
	struct record *r = begin(s, EV_SNAPSHOT, t);
	clear_numbers(r);
	r->num[2] = BPF_CORE_READ(t, flags) & PF_KTHREAD;
	r->num[3] = BPF_CORE_READ(t, signal, live.counter) == 0;
	put_file(s, SLOT_ITER, PART_FILE, BPF_CORE_READ(t, mm, exe_file));
	struct fs_struct *fs = BPF_CORE_READ(t, fs);
	if (fs)
		put_path(s, SLOT_ITER, PART_BASE, __builtin_preserve_access_index(&fs->pwd));
	put_tty(s, t);
	__u64 size = s->used;
	bounded(size);
	if (size > DATA_SIZE + PART_MAX || size < sizeof(*r))
		return 0;
	r->size = size;
	bpf_seq_write(seq, r, size);
	return 0;
}
