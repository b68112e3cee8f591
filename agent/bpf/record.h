// How a record is begun, gets its parts, and is sent.
#pragma once
#include "path.h"

static __always_inline __u64 ns_of(__s64 sec, __u64 nsec) { return sec * 1000000000ull + nsec; }

// cgroup_of finds the cgroup that tells about containers: that of version 2 where
// the task is not at its root, and otherwise that which limits processes.
static __always_inline struct cgroup *cgroup_of(struct task_struct *t)
{
	struct css_set *set = BPF_CORE_READ(t, cgroups);
	struct cgroup *g = BPF_CORE_READ(set, dfl_cgrp);
	if (g && BPF_CORE_READ(g, level) > 0)
		return g;
	__u32 id = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id___here);
	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id___here) || id >= 16)
		return g;
	struct cgroup_subsys_state *css = 0;
	bpf_core_read(&css, sizeof(css), &set->subsys[id]);
	struct cgroup *old = css ? BPF_CORE_READ(css, cgroup) : 0;
	return old && BPF_CORE_READ(old, level) > 0 ? old : g;
}

static __always_inline __u64 start_of(struct task_struct *t)
{
	struct task_struct *leader = BPF_CORE_READ(t, group_leader);
	return BPF_CORE_READ(leader, start_boottime);
}

// nspid_of is the id of a process in its own namespace.
static __always_inline __u32 nspid_of(struct task_struct *t, __u32 *ns)
{
	struct pid *p = BPF_CORE_READ(t, signal, pids[1]);
	__u32 level = BPF_CORE_READ(p, level);
	if (level > 32)
		return 0;
	struct upid *u = (void *)p + bpf_core_field_offset(struct pid, numbers) + level * bpf_core_type_size(struct upid);
	struct pid_namespace *in = BPF_CORE_READ(u, ns);
	*ns = BPF_CORE_READ(in, ns.inum);
	return BPF_CORE_READ(u, nr);
}

static __always_inline void who_is(struct who *w, struct task_struct *t)
{
	const struct cred *c = BPF_CORE_READ(t, cred);
	struct cgroup *g = cgroup_of(t);
	w->start = start_of(t);
	w->pid = BPF_CORE_READ(t, tgid);
	w->tid = BPF_CORE_READ(t, pid);
	w->ppid = BPF_CORE_READ(t, real_parent, tgid);
	w->nspid = nspid_of(t, &w->pidns);
	w->uid = BPF_CORE_READ(c, uid.val);
	w->gid = BPF_CORE_READ(c, gid.val);
	w->euid = BPF_CORE_READ(c, euid.val);
	w->egid = BPF_CORE_READ(c, egid.val);
	w->fsuid = BPF_CORE_READ(c, fsuid.val);
	w->fsgid = BPF_CORE_READ(c, fsgid.val);
	bpf_core_read(&w->cap_effective, 8, &c->cap_effective);
	bpf_core_read(&w->cap_permitted, 8, &c->cap_permitted);
	w->auid = -1;
	if (bpf_core_field_exists(t->loginuid))
		w->auid = BPF_CORE_READ(t, loginuid.val);
	w->session = 0;
	if (bpf_core_field_exists(t->sessionid))
		w->session = BPF_CORE_READ(t, sessionid);
	w->mntns = BPF_CORE_READ(t, nsproxy, mnt_ns, ns.inum);
	w->netns = BPF_CORE_READ(t, nsproxy, net_ns, ns.inum);
	w->cgroup = BPF_CORE_READ(g, kn, id);
	w->hierarchy = BPF_CORE_READ(g, root, hierarchy_id);
	bpf_core_read(w->comm, sizeof(w->comm), &t->comm);
}

// blank begins a record of which nobody has said yet whom it is about.
static __always_inline struct record *blank(struct scratch *s, __u32 type)
{
	struct record *r = (void *)s->data;
	r->type = type;
	r->flags = 0;
	r->time = bpf_ktime_get_boot_ns();
	r->ret = 0;
	r->call = 0;
	r->generation = generation;
	s->used = sizeof(*r);
	return r;
}

// begin begins a record about a task. Its numbers are set by the caller, all of
// them.
static __always_inline struct record *begin(struct scratch *s, __u32 type, struct task_struct *t)
{
	struct record *r = blank(s, type);
	who_is(&r->who, t);
	return r;
}

static __always_inline void clear_numbers(struct record *r)
{
	for (int i = 0; i < 6; i++)
		r->num[i] = 0;
}

// room finds where the next part goes; 0 if there is no room left, which the
// record then says.
static __always_inline struct part *room(struct scratch *s)
{
	__u64 at = s->used;
	bounded(at);
	if (at > DATA_SIZE - sizeof(struct part)) {
		((struct record *)s->data)->flags |= REC_CUT;
		return 0;
	}
	return (void *)(s->data + at);
}

// fill says that the part at the end has len bytes.
static __always_inline void fill(struct scratch *s, struct part *p, __u32 kind, __u32 len)
{
	p->kind = kind;
	p->len = len;
	p->pad = 0;
	s->used += (sizeof(*p) + len + 7) & ~7;
}

// put_user adds memory of the caller; with text, up to its zero.
static __always_inline void put_user(struct scratch *s, __u32 kind, const void *from, __u64 len, bool text)
{
	struct part *p = room(s);
	if (!p)
		return;
	bounded(len);
	if (len > PART_MAX - 32)
		len = PART_MAX - 32;
	long n = text ? bpf_probe_read_user_str(p + 1, len, from) : len ? bpf_probe_read_user(p + 1, len, from) : 0;
	if (n < 0) {
		((struct record *)s->data)->flags |= REC_FAULT;
		return;
	}
	__u64 got = text ? n - 1 : len;
	bounded(got);
	if (got > PART_MAX)
		return;
	fill(s, p, kind, got);
}

// put_kernel_text adds a text of the kernel.
static __always_inline void put_kernel_text(struct scratch *s, __u32 kind, const void *from, __u32 most)
{
	struct part *p = room(s);
	if (!p)
		return;
	long n = bpf_probe_read_kernel_str(p + 1, most, from);
	if (n < 1 || n > PART_MAX)
		return;
	fill(s, p, kind, n - 1);
}

static __always_inline void inode_times(struct file_info *f, struct inode *i)
{
	if (bpf_core_field_exists(i->i_mtime_sec)) {
		f->mtime = ns_of(BPF_CORE_READ(i, i_mtime_sec), BPF_CORE_READ(i, i_mtime_nsec));
		f->ctime = ns_of(BPF_CORE_READ(i, i_ctime_sec), BPF_CORE_READ(i, i_ctime_nsec));
		return;
	}
	struct inode___mid *mid = (void *)i;
	struct inode___old *old = (void *)i;
	if (bpf_core_field_exists(mid->__i_ctime))
		f->ctime = ns_of(BPF_CORE_READ(mid, __i_ctime.tv_sec), BPF_CORE_READ(mid, __i_ctime.tv_nsec));
	else
		f->ctime = ns_of(BPF_CORE_READ(old, i_ctime.tv_sec), BPF_CORE_READ(old, i_ctime.tv_nsec));
	if (bpf_core_field_exists(mid->__i_mtime))
		f->mtime = ns_of(BPF_CORE_READ(mid, __i_mtime.tv_sec), BPF_CORE_READ(mid, __i_mtime.tv_nsec));
	else
		f->mtime = ns_of(BPF_CORE_READ(old, i_mtime.tv_sec), BPF_CORE_READ(old, i_mtime.tv_nsec));
}

// put_walked adds the file at which walk stands: what its inode says, and its
// path. A global function, so that each use of it costs the verifier nothing.
__noinline int put_walked(__u32 slot, __u32 kind)
{
	struct scratch *s = scratch_of(slot);
	if (!s || !s->walk.dentry)
		return 0;
	struct part *p = room(s);
	if (!p)
		return 0;
	struct file_info *f = (void *)(p + 1);
	struct dentry *d = s->walk.dentry;
	struct mount *m = s->walk.mount;
	struct inode *i = BPF_CORE_READ(d, d_inode);
	struct super_block *b = BPF_CORE_READ(d, d_sb);
	f->inode = BPF_CORE_READ(i, i_ino);
	f->mode = BPF_CORE_READ(i, i_mode);
	f->uid = BPF_CORE_READ(i, i_uid.val);
	f->gid = BPF_CORE_READ(i, i_gid.val);
	f->nlink = BPF_CORE_READ(i, i_nlink);
	f->mtime = f->ctime = 0;
	if (i)
		inode_times(f, i);
	f->dev = BPF_CORE_READ(b, s_dev);
	f->magic = BPF_CORE_READ(b, s_magic);
	f->mount = m ? BPF_CORE_READ(m, mnt_id) : 0;
	f->parent = BPF_CORE_READ(d, d_parent, d_inode, i_ino);
	f->pad = m && BPF_CORE_READ(m, mnt_ns) ? 0 : 1;
	const char *type = BPF_CORE_READ(b, s_type, name);
	if (bpf_probe_read_kernel_str(f->filesystem, sizeof(f->filesystem), type) < 0)
		f->filesystem[0] = 0;
	__u64 len = path_walk(slot), at = s->walk.at;
	bounded(len);
	bounded(at);
	if (len > PATH_SIZE || at > PATH_SIZE)
		return 0;
	if (len)
		bpf_probe_read_kernel(f + 1, len, s->path + at);
	fill(s, p, kind, sizeof(*f) + len);
	if (s->walk.done == 2)
		((struct record *)s->data)->flags |= REC_CUT;
	return 1;
}

static __always_inline void put_path(struct scratch *s, __u32 slot, __u32 kind, struct path *p)
{
	struct dentry *d = BPF_CORE_READ(p, dentry);
	struct vfsmount *v = BPF_CORE_READ(p, mnt);
	walk_from(s, d, v);
	put_walked(slot, kind);
}

static __always_inline void put_file(struct scratch *s, __u32 slot, __u32 kind, struct file *f)
{
	if (f)
		put_path(s, slot, kind, __builtin_preserve_access_index(&f->f_path));
}

// file_at is the file of a descriptor of a task; 0 if there is none.
static __always_inline struct file *file_at(struct task_struct *t, int fd)
{
	struct fdtable *table = BPF_CORE_READ(t, files, fdt);
	if (fd < 0 || fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	struct file **all = BPF_CORE_READ(table, fd), *f = 0;
	bpf_probe_read_kernel(&f, sizeof(f), all + fd);
	return f;
}

// file_of is file_at of the current task, without helpers where the kernel hands out
// the task itself (5.11): it is asked for every open.
static __always_inline struct file *file_of(int fd)
{
	struct file *f = 0;
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return file_at((void *)bpf_get_current_task(), fd);
	struct task_struct *t = bpf_get_current_task_btf();
	struct fdtable *table = t->files->fdt;
	if (fd < 0 || fd >= table->max_fds)
		return 0;
	bpf_probe_read_kernel(&f, sizeof(f), table->fd + fd);
	return f;
}

// submit sends the record. The reader is woken when enough was written, or at
// once for what must be acted on; otherwise it looks by itself after a while.
static __always_inline bool submit(struct scratch *s)
{
	struct record *r = (void *)s->data;
	__u64 size = s->used; // 64 bits: 5.10 does not follow comparisons of 32
	__u32 type = r->type;
	bounded(size);
	if (size > DATA_SIZE + PART_MAX || size < sizeof(*r)) {
		count_of(type, COUNT_LOST_SCRATCH);
		return false;
	}
	r->size = size;
	if (r->flags & REC_CUT)
		count_of(type, COUNT_CUT);
	if (r->flags & REC_FAULT)
		count_of(type, COUNT_FAULT);
	__u64 flags = BPF_RB_NO_WAKEUP, written = bpf_ringbuf_query(&events, BPF_RB_PROD_POS);
	if (r->flags & REC_URGENT || urgent & (1ull << (type & 63)) || written - woken > wake_bytes) {
		flags = BPF_RB_FORCE_WAKEUP;
		woken = written;
	}
	if (bpf_ringbuf_output(&events, r, size, flags)) {
		count_of(type, COUNT_LOST_RING);
		return false;
	}
	count_of(type, COUNT_SENT);
	return true;
}
