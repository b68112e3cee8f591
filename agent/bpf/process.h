// The life of processes: fork, exec, exit. The agent needs all of them, whatever
// the rules say.
#pragma once
#include "kill.h"

#define ARGS_CHUNK 8000
#define ARGS_MOST (256 << 10) // of arguments and environment, beyond which they are cut

static __always_inline void put_tty(struct scratch *s, struct task_struct *t)
{
	struct tty_struct *tty = BPF_CORE_READ(t, signal, tty);
	if (tty)
		put_kernel_text(s, PART_TTY, __builtin_preserve_access_index(&tty->name), 64);
}

// When the living processes began, by pid, so that who is about to signal one can tell
// it from a later one exactly. An entry is gone before its pid can be given again, and
// a new one there before the new process runs.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u64);
} births SEC(".maps");

__u32 births_missed = 0; // there was no room for one

static __always_inline void born(__u32 pid, __u64 start)
{
	if (bpf_map_update_elem(&births, &pid, &start, BPF_ANY))
		births_missed = 1;
}

SEC("tp_btf/sched_process_fork")
int on_fork(__u64 *ctx)
{
	struct task_struct *parent = (void *)ctx[0], *child = (void *)ctx[1];
	if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid))
		return 0;
	born(BPF_CORE_READ(child, tgid), start_of(child));
	count_of(EV_FORK, COUNT_GENERATED);
	struct scratch *s = scratch_of(SLOT_TASK);
	if (!s)
		return 0;
	struct record *r = begin(s, EV_FORK, child);
	clear_numbers(r);
	r->num[0] = BPF_CORE_READ(parent, tgid);
	r->num[1] = start_of(parent);
	r->num[2] = BPF_CORE_READ(child, flags) & PF_KTHREAD;
	submit(s);
	return 0;
}

// send_args sends the i-th piece of the arguments and the environment of the
// current task, which is executing.
__noinline int send_args(__u32 i)
{
	struct scratch *s = scratch_of(SLOT_TASK);
	if (!s)
		return 1;
	struct task_struct *t = (void *)bpf_get_current_task();
	__u64 from = BPF_CORE_READ(t, mm, arg_start), to = BPF_CORE_READ(t, mm, env_end);
	__u64 at = from + (__u64)i * ARGS_CHUNK;
	if (at >= to || i * ARGS_CHUNK >= ARGS_MOST)
		return 1;
	__u64 len = to - at;
	if (len > ARGS_CHUNK)
		len = ARGS_CHUNK;
	count_of(EV_ARGS, COUNT_GENERATED);
	struct record *r = begin(s, EV_ARGS, t);
	clear_numbers(r);
	r->num[0] = i;
	put_user(s, PART_ARGS, (void *)at, len, false);
	submit(s);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int on_exec(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[0];
	struct linux_binprm *b = (void *)ctx[2];
	count_of(EV_EXEC, COUNT_GENERATED);
	struct scratch *s = scratch_of(SLOT_TASK);
	if (!s)
		return 0;
	__u64 from = BPF_CORE_READ(t, mm, arg_start), to = BPF_CORE_READ(t, mm, env_end);
	__u64 args = BPF_CORE_READ(t, mm, arg_end) - from, size = to - from;
	if (size > ARGS_CHUNK)
		for (__u32 i = 0; i < ARGS_MOST / ARGS_CHUNK + 1; i++)
			if (send_args(i))
				break;
	struct record *r = begin(s, EV_EXEC, t);
	r->num[0] = args;
	r->num[1] = size;
	r->num[2] = BPF_CORE_READ(b, argc);
	r->num[3] = BPF_CORE_READ(b, envc);
	const char *filename = BPF_CORE_READ(b, filename);
	r->num[4] = BPF_CORE_READ(b, interp) != filename; // a script
	r->num[5] = (__u32)ctx[1];                        // the thread that called, if not the first
	put_file(s, SLOT_TASK, PART_FILE, BPF_CORE_READ(b, file));
	if (kill_files && kill_armed) {
		if (r->num[4])
			r->flags |= REC_URGENT; // what it is called is not the file: the agent decides
		else
			kill_at_exec(SLOT_TASK);
	}
	put_kernel_text(s, PART_PATH, filename, PATH_SIZE);
	struct fs_struct *fs = BPF_CORE_READ(t, fs);
	put_path(s, SLOT_TASK, PART_BASE, __builtin_preserve_access_index(&fs->pwd));
	put_tty(s, t);
	if (size <= ARGS_CHUNK)
		put_user(s, PART_ARGS, (void *)from, size, false);
	submit(s);
	return 0;
}

struct exited {
	__u64 start;
	__u64 pid;
};

// Processes of several threads of which the exit was told: two threads can both
// see that none is left.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct exited);
	__type(value, __u8);
} exited SEC(".maps");

#define SIGNAL_GROUP_EXIT 4

SEC("tp_btf/sched_process_exit")
int on_exit(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[0];
	struct signal_struct *g = BPF_CORE_READ(t, signal);
	if (BPF_CORE_READ(g, live.counter) != 0)
		return 0;
	__u32 pid = BPF_CORE_READ(t, tgid);
	bpf_map_delete_elem(&births, &pid);
	if (BPF_CORE_READ(g, nr_threads) > 1) {
		struct exited key = {start_of(t), BPF_CORE_READ(t, tgid)};
		__u8 one = 1;
		if (bpf_map_update_elem(&exited, &key, &one, BPF_NOEXIST))
			return 0;
	}
	count_of(EV_EXIT, COUNT_GENERATED);
	struct scratch *s = scratch_of(SLOT_TASK);
	if (!s)
		return 0;
	struct record *r = begin(s, EV_EXIT, t);
	clear_numbers(r);
	r->num[0] = BPF_CORE_READ(t, group_leader, exit_code);
	if (BPF_CORE_READ(g, flags) & SIGNAL_GROUP_EXIT)
		r->num[0] = BPF_CORE_READ(g, group_exit_code);
	submit(s);
	return 0;
}
