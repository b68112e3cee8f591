// Paths from the kernel's own objects: from a dentry up to the root of its mount
// namespace, whatever names the caller wrote.
#pragma once
#include "scratch.h"

#define MAX_DEPTH 256

// path_step puts one name in front of the path. A global function: the verifier
// looks at it once, and not once for each turn of the loop.
__noinline int path_step(__u32 slot)
{
	struct scratch *s = scratch_of(slot);
	if (!s || s->walk.done)
		return 1;
	struct dentry *d = s->walk.dentry, *up = BPF_CORE_READ(d, d_parent);
	struct mount *m = s->walk.mount;
	bool alone = d == up && d != s->walk.root; // in no folder, as a file in memory is
	if (d == s->walk.root) {
		struct mount *above = m ? BPF_CORE_READ(m, mnt_parent) : m;
		if (!m || above == m) {
			s->walk.done = 1;
			return 1;
		}
		s->walk.dentry = BPF_CORE_READ(m, mnt_mountpoint);
		s->walk.mount = above;
		s->walk.root = BPF_CORE_READ(above, mnt.mnt_root);
		return 0;
	}
	__u64 len = BPF_CORE_READ(d, d_name.len);
	const unsigned char *name = BPF_CORE_READ(d, d_name.name);
	bounded(len);
	len &= NAME_MAX_SIZE - 1;
	__u64 at = s->walk.at;
	if (at < len + 1 || at > PATH_SIZE) {
		s->walk.done = 2;
		return 1;
	}
	at -= len + 1;
	bounded(at);
	at &= PATH_SIZE - 1;
	s->path[at] = '/';
	if (len)
		bpf_probe_read_kernel(s->path + at + 1, len, name);
	s->walk.at = at;
	s->walk.dentry = up;
	s->walk.done = alone;
	return alone;
}

// path_walk makes the path that walk begins at, of which the length is returned:
// it stands at the end of the PATH_SIZE bytes of scratch.path.
__noinline int path_walk(__u32 slot)
{
	struct scratch *s = scratch_of(slot);
	if (!s)
		return 0;
	s->walk.at = PATH_SIZE;
	s->walk.done = 0;
	for (int i = 0; i < MAX_DEPTH; i++)
		if (path_step(slot))
			break;
	if (s->walk.done != 1)
		s->walk.done = 2;
	if (s->walk.at == PATH_SIZE) {
		s->walk.at = PATH_SIZE - 1;
		s->path[PATH_SIZE - 1] = '/';
	}
	return PATH_SIZE - s->walk.at;
}

static __always_inline struct mount *mount_of(struct vfsmount *v)
{
	return v ? (void *)v - bpf_core_field_offset(struct mount, mnt) : 0;
}

static __always_inline void walk_from(struct scratch *s, struct dentry *d, struct vfsmount *v)
{
	s->walk.dentry = d;
	s->walk.mount = mount_of(v);
	s->walk.root = v ? BPF_CORE_READ(v, mnt_root) : 0;
}
