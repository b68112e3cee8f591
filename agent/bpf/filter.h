// Which events leave the kernel.
#pragma once
#include "record.h"

// name_approves reports whether the last name, of len bytes at name, is one that
// rules about this type ask for.
static __always_inline bool name_approves(struct scratch *s, struct filter *f, __u32 type, const void *name, __u64 len)
{
	if (len >= NAME_SIZE)
		return f->long_names;
	if (!(f->lengths[(len >> 6) & 3] & (1ull << (len & 63))))
		return false;
	__builtin_memset(s->name, 0, NAME_SIZE);
	bounded(len);
	len &= NAME_SIZE - 1;
	if (!len || bpf_probe_read_kernel(s->name, len, name))
		return true;
	__u64 *types = bpf_map_lookup_elem(&names, s->name);
	return types && *types & (1ull << (type & 63));
}

// dentry_approves asks by the name of a file.
static __always_inline bool dentry_approves(struct scratch *s, struct filter *f, __u32 type, struct dentry *d)
{
	struct { __u32 hash, len; const void *name; } q; // struct qstr, read at once
	if (bpf_probe_read_kernel(&q, sizeof(q), __builtin_preserve_access_index(&d->d_name)))
		return true;
	return name_approves(s, f, type, q.name, q.len);
}

// path_approves asks by the last name of a path that the caller wrote. What it
// can't tell it approves.
static __always_inline bool path_approves(struct scratch *s, struct filter *f, __u32 type, const void *from)
{
	long n = bpf_probe_read_user_str(s->path, PATH_SIZE, from);
	if (n < 2)
		return true;
	__u64 end = n - 1, at;
	for (int i = 0; i < NAME_SIZE; i++) {
		at = end - 1 - i;
		if (i >= end)
			break;
		bounded(at);
		if (at >= PATH_SIZE)
			return true;
		if (s->path[at] == '/')
			return i == 0 || name_approves(s, f, type, s->path + at + 1, i);
	}
	if (end < NAME_SIZE)
		return (end == 1 && s->path[0] == '.') || name_approves(s, f, type, s->path, end);
	return f->long_names;
}

// value_approves asks by the numbers of the call: its filter argument, and the
// login user.
static __always_inline bool value_approves(struct filter *f, __u64 value, struct task_struct *t)
{
	if (value & f->any_of)
		return true;
	for (int i = 0; i < 8; i++) {
		if (i >= f->equals)
			break;
		if ((__u32)f->equal[i] == (__u32)value) // the kernel does not look at the rest
			return true;
	}
	if (f->auid_low > f->auid_high)
		return false;
	if (!bpf_core_field_exists(t->loginuid))
		return false;
	__u32 auid = BPF_CORE_READ(t, loginuid.val);
	return auid >= f->auid_low && auid <= f->auid_high;
}

// discarded reports whether nothing in the folder of d can match a rule.
static __always_inline bool discarded(struct filter *f, __u32 type, struct dentry *d, struct vfsmount *v)
{
	if (!f->discards)
		return false;
	struct mount *m = mount_of(v);
	struct folder_key key = {};
	key.inode = BPF_CORE_READ(d, d_parent, d_inode, i_ino);
	key.dev = BPF_CORE_READ(d, d_sb, s_dev);
	key.mount = BPF_CORE_READ(m, mnt_id);
	struct folder_value *have = bpf_map_lookup_elem(&folders, &key);
	return have && have->generation == generation && have->types & (1ull << (type & 63));
}
