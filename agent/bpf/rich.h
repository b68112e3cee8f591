// The rich provider: LSM hooks, which are handed the very objects that the kernel
// works on. They keep what they saw for the return of the call, which tells of it
// instead of the names that the caller wrote and may have changed since.
//
// Not every kernel takes such programs; which does is found out by loading them.
#pragma once
#include "calls.h"

// keep_begin begins to keep what the current thread's call is about.
static __always_inline struct scratch *keep_begin(void)
{
	struct scratch *s = scratch_of(SLOT_LSM);
	if (s)
		s->used = KEPT_HEADER;
	return s;
}

static __always_inline void keep_one(struct scratch *s, __u32 kind, struct dentry *d, struct vfsmount *v)
{
	walk_from(s, d, v);
	put_walked(SLOT_LSM, kind);
}

static __always_inline int keep_end(struct scratch *s)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct kept *k = (void *)s->data;
	k->used = s->used - KEPT_HEADER;
	k->time = bpf_ktime_get_boot_ns();
	if (s->used <= sizeof(*k))
		bpf_map_update_elem(&kept, &tid, k, BPF_ANY);
	return 0;
}

static __always_inline int keep(struct path *dir, struct dentry *d)
{
	struct scratch *s = keep_begin();
	if (!s)
		return 0;
	keep_one(s, PART_FILE, d, BPF_CORE_READ(dir, mnt));
	return keep_end(s);
}

static __always_inline int keep_path(struct path *p)
{
	return keep(p, BPF_CORE_READ(p, dentry));
}

SEC("lsm/path_unlink")
int lsm_unlink(__u64 *ctx) { return keep((void *)ctx[0], (void *)ctx[1]); }

SEC("lsm/path_rmdir")
int lsm_rmdir(__u64 *ctx) { return keep((void *)ctx[0], (void *)ctx[1]); }

SEC("lsm/path_mkdir")
int lsm_mkdir(__u64 *ctx) { return keep((void *)ctx[0], (void *)ctx[1]); }

SEC("lsm/path_chmod")
int lsm_chmod(__u64 *ctx) { return keep_path((void *)ctx[0]); }

SEC("lsm/path_chown")
int lsm_chown(__u64 *ctx) { return keep_path((void *)ctx[0]); }

SEC("lsm/sb_mount")
int lsm_mount(__u64 *ctx) { return keep_path((void *)ctx[1]); }

SEC("lsm/path_rename")
int lsm_rename(__u64 *ctx)
{
	struct path *from = (void *)ctx[0], *to = (void *)ctx[2];
	struct scratch *s = keep_begin();
	if (!s)
		return 0;
	keep_one(s, PART_FILE, (void *)ctx[1], BPF_CORE_READ(from, mnt));
	keep_one(s, PART_FILE2, (void *)ctx[3], BPF_CORE_READ(to, mnt));
	return keep_end(s);
}

SEC("lsm/path_link")
int lsm_link(__u64 *ctx)
{
	struct path *to = (void *)ctx[1];
	struct vfsmount *mount = BPF_CORE_READ(to, mnt); // both are in the same
	struct scratch *s = keep_begin();
	if (!s)
		return 0;
	keep_one(s, PART_FILE, (void *)ctx[0], mount);
	keep_one(s, PART_FILE2, (void *)ctx[2], mount);
	return keep_end(s);
}

// Where sys_enter can't look an area of memory up (before 5.17).
SEC("lsm/file_mprotect")
int lsm_mprotect(__u64 *ctx)
{
	struct vm_area_struct *v = (void *)ctx[0];
	__u32 tid = bpf_get_current_pid_tgid();
	struct saved before = {};
	before.value = BPF_CORE_READ(v, vm_flags);
	bpf_map_update_elem(&saved, &tid, &before, BPF_ANY);
	return 0;
}
