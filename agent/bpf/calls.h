// Events that are system calls, told when they return: the arguments are still
// there, what came of them is known, and what a descriptor stands for can be
// asked of the kernel.
//
// What is done about a call is data (struct call), which the agent writes: a new
// event of this kind is a line of agent/probe/calls.go.
#pragma once
#include "filter.h"
#include "socket.h"

#define TS_COMPAT 2

// What a call will have changed when it returns, saved when it begins.
struct saved {
	__u64 value;
	char text[56];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); // thread
	__type(value, struct saved);
} saved SEC(".maps");

struct args {
	__u64 at[8];
};

// What LSM hooks saw of a call: parts, as in records.
#define KEPT_HEADER 16
struct kept {
	__u64 time; // ns since boot
	__u32 used; // of parts
	__u32 pad;
	char parts[8400];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32); // thread
	__type(value, struct kept);
} kept SEC(".maps");

#define KEPT_AGE 1000000000ull // ns, beyond which it is of an earlier call

#if defined(__TARGET_ARCH_x86)
static __always_inline bool is_compat(void)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	return BPF_CORE_READ(t, thread_info.status) & TS_COMPAT;
}
// Registers of a tracepoint are read without a helper: the verifier knows them.
static __always_inline __u32 number_of(struct pt_regs *r) { return r->orig_ax & 0x3fffffff; }
static __always_inline void args_of(struct args *a, struct pt_regs *r, bool compat)
{
	if (compat) {
		a->at[0] = (__u32)r->bx;
		a->at[1] = (__u32)r->cx;
		a->at[2] = (__u32)r->dx;
		a->at[3] = (__u32)r->si;
		a->at[4] = (__u32)r->di;
		a->at[5] = (__u32)r->bp;
		return;
	}
	a->at[0] = r->di;
	a->at[1] = r->si;
	a->at[2] = r->dx;
	a->at[3] = r->r10;
	a->at[4] = r->r8;
	a->at[5] = r->r9;
}
#else
static __always_inline bool is_compat(void) { return false; }
static __always_inline __u32 number_of(struct pt_regs *r) { return r->syscallno; }
static __always_inline void args_of(struct args *a, struct pt_regs *r, bool compat)
{
	a->at[0] = r->orig_x0;
	for (int i = 1; i < 6; i++)
		a->at[i] = r->regs[i];
}
#endif

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} handlers SEC(".maps");

static __always_inline struct call *call_of(struct pt_regs *r, __u32 *nr)
{
	*nr = number_of(r);
	if (*nr >= CALLS / 2)
		return 0;
	struct call *c = bpf_map_lookup_elem(&calls, nr);
	return c;
}

// Whether the call that returns on a CPU is one of 32 bits: on_return has found out.
#define CPUS 1024
__u8 compat_on[CPUS];

static __always_inline __u8 *compat_here(void) { return &compat_on[bpf_get_smp_processor_id() & (CPUS - 1)]; }

// on_return is run at the return of every system call: what it costs, all of
// them pay. Most have no struct call in either table and end here.
SEC("tp_btf/sys_exit")
int on_return(__u64 *ctx)
{
	__u32 nr = number_of((void *)ctx[0]);
	if (nr >= CALLS / 2)
		return 0;
	struct call *c = bpf_map_lookup_elem(&calls, &nr);
	__u32 other = nr + CALLS / 2;
	struct call *o = bpf_map_lookup_elem(&calls, &other);
	if (!c || !o || !(c->type | o->type))
		return 0;
	bool compat = is_compat();
	if (compat)
		c = o;
	if (!c->type)
		return 0;
	*compat_here() = compat;
	bpf_tail_call(ctx, &handlers, c->handler);
	return 0;
}

static __always_inline bool guarded(struct call *c, struct args *a)
{
	if (c->guard >= 6)
		return true;
	__u64 v = a->at[c->guard & 7];
	return c->guard_equal ? v == c->guard_mask : (v & c->guard_mask) != 0;
}

static __always_inline struct file *wanted_file(struct task_struct *t, struct want *w, struct args *a, long ret)
{
	if (w->kind == WANT_CWD || w->kind != WANT_FILE)
		return 0;
	return file_of(w->arg == ARG_RETURNED ? (int)ret : (int)a->at[w->arg & 7]);
}

// approved reports whether the event can match a rule, as far as is known here.
static __always_inline bool approved(struct scratch *s, struct call *c, struct filter *f, struct args *a, struct task_struct *t, long ret)
{
	struct want *w = &c->want[0];
	bool opened = c->name == NAME_FILE && (w->arg != ARG_RETURNED || ret >= 0);
	struct file *file = opened ? wanted_file(t, w, a, ret) : 0;
	if (file) {
		struct dentry *d = BPF_CORE_READ(file, f_path.dentry);
		if (f->discards && discarded(f, c->type, d, BPF_CORE_READ(file, f_path.mnt)))
			return false;
		if (f->approving && dentry_approves(s, f, c->type, d))
			return true;
	}
	if (!f->approving || value_approves(f, a->at[c->filter_arg & 7], t))
		return true;
	if (c->filter_arg >= 6 && (f->any_of || f->equals))
		return true;
	if (opened)
		return false; // of another name, or without a file, and so without a name
	if (c->name == NAME_UNKNOWN)
		return f->long_names || f->lengths[0] | f->lengths[1] | f->lengths[2] | f->lengths[3];
	// The path of what failed, or is not there any more; the second want of a
	// call whose file has its name is the path as it was written.
	struct want *p = c->name == NAME_FILE ? &c->want[1] : w;
	if (p->kind != WANT_PATH || path_approves(s, f, c->type, (void *)a->at[p->arg & 7]))
		return true;
	struct want *second = &c->want[1];
	return c->name == NAME_PATH && second->kind == WANT_PATH && path_approves(s, f, c->type, (void *)a->at[second->arg & 7]);
}

static __always_inline void put_base(struct scratch *s, struct task_struct *t, __u32 kind, int fd)
{
	if (fd == -100) {
		struct fs_struct *fs = BPF_CORE_READ(t, fs);
		put_path(s, SLOT_TASK, kind, __builtin_preserve_access_index(&fs->pwd));
		return;
	}
	put_file(s, SLOT_TASK, kind, file_at(t, fd));
}

#define PIPE_MAGIC 0x50495045

static __always_inline struct pipe_inode_info *pipe_of(struct file *f)
{
	if (!f || BPF_CORE_READ(f, f_inode, i_sb, s_magic) != PIPE_MAGIC)
		return 0;
	return BPF_CORE_READ(f, private_data);
}

// pipe_flags are the flags of the buffer that was written last.
static __always_inline __u64 pipe_flags(struct task_struct *t, int in, int out)
{
	struct pipe_inode_info *p = pipe_of(file_at(t, out));
	if (!p)
		p = pipe_of(file_at(t, in));
	if (!p)
		return 0;
	__u32 last = (BPF_CORE_READ(p, head) - 1) & (BPF_CORE_READ(p, ring_size) - 1);
	struct pipe_buffer *b = (void *)BPF_CORE_READ(p, bufs) + last * bpf_core_type_size(struct pipe_buffer);
	return BPF_CORE_READ(b, flags);
}

#define CODE_MOST 8000 // bytes of a BPF program, 1000 instructions

// put_bpf adds the map or program that a BPF command is about. Where its
// descriptor stands depends on the command.
static __always_inline void put_bpf(struct scratch *s, struct task_struct *t, struct args *a, long ret)
{
	__u32 cmd = a->at[0], at = 0;
	int fd = -1;
	struct { __u32 type, count; __u64 code; } load;
	switch (cmd) {
	case 0: case 5: case 7: case 13: case 14:
		fd = ret;
		break;
	case 8: case 9:
		at = 4;
		break;
	case 17:
		at = 8;
		break;
	}
	if (fd < 0)
		bpf_probe_read_user(&fd, sizeof(fd), (void *)a->at[1] + at);
	struct file *f = file_at(t, fd);
	struct part *p = room(s);
	if (f && p) {
		char kind[10] = {};
		bpf_probe_read_kernel_str(kind, sizeof(kind), BPF_CORE_READ(f, f_path.dentry, d_name.name));
		void *object = BPF_CORE_READ(f, private_data);
		struct bpf_object *o = (void *)(p + 1);
		__builtin_memset(o, 0, sizeof(*o));
		if (kind[0] == 'b' && kind[3] == '-' && kind[4] == 'm') {
			struct bpf_map *m = object;
			o->type = BPF_CORE_READ(m, map_type);
			bpf_core_read(o->name, sizeof(o->name), &m->name);
			fill(s, p, PART_OBJECT, sizeof(*o));
		} else if (kind[0] == 'b' && kind[3] == '-' && kind[4] == 'p') {
			struct bpf_prog *g = object;
			o->is_prog = 1;
			o->type = BPF_CORE_READ(g, type);
			o->attach_type = BPF_CORE_READ(g, expected_attach_type);
			bpf_core_read(o->tag, sizeof(o->tag), &g->tag);
			struct bpf_prog_aux *x = BPF_CORE_READ(g, aux);
			bpf_core_read(o->name, sizeof(o->name), &x->name);
			fill(s, p, PART_OBJECT, sizeof(*o));
		}
	}
	if (cmd != 5 || bpf_probe_read_user(&load, sizeof(load), (void *)a->at[1]))
		return;
	__u64 size = (__u64)load.count * 8;
	if (load.count > CODE_MOST / 8)
		size = CODE_MOST;
	put_user(s, PART_BYTES2, (void *)load.code, size, false);
}

#define SOL_SOCKET 1
#define SO_ATTACH_FILTER 26
#define SO_ATTACH_REUSEPORT_CBPF 51

// put_filter adds the code of a classic BPF program, where the option is one. The
// record of a call of 32 bits says so: its pointers have 32 bits.
static __always_inline void put_filter(struct scratch *s, struct args *a, void *at)
{
	if (a->at[1] != SOL_SOCKET || (a->at[2] != SO_ATTACH_FILTER && a->at[2] != SO_ATTACH_REUSEPORT_CBPF))
		return;
	struct { __u16 len, pad; __u32 short_code; __u64 code; } of = {};
	if (((struct record *)s->data)->flags & REC_COMPAT) {
		bpf_probe_read_user(&of, 8, at);
		of.code = of.short_code;
	} else {
		bpf_probe_read_user(&of, sizeof(of), at);
	}
	struct record *r = (void *)s->data;
	r->num[5] = of.len;
	__u64 size = (__u64)of.len * 8;
	if (size > CODE_MOST)
		size = CODE_MOST;
	put_user(s, PART_BYTES2, (void *)of.code, size, false);
}

static __always_inline void put_saved(struct scratch *s, struct task_struct *t, struct want *w, struct args *a)
{
	struct record *r = (void *)s->data;
	__u32 tid = bpf_get_current_pid_tgid();
	struct saved *v = bpf_map_lookup_elem(&saved, &tid);
	if (r->type == EV_SPLICE)
		r->num[4] = pipe_flags(t, a->at[0], a->at[2]);
	r->num[w->arg & 3] = v ? v->value : 0;
	if (!v)
		return;
	if (v->text[0])
		put_kernel_text(s, w->part, v->text, sizeof(v->text));
	bpf_map_delete_elem(&saved, &tid);
}

// put_kept adds what LSM hooks saw of this call, and reports whether they did.
static __always_inline bool put_kept(struct scratch *s)
{
	struct record *r = (void *)s->data;
	__u32 tid = bpf_get_current_pid_tgid();
	struct kept *k = bpf_map_lookup_elem(&kept, &tid);
	if (!k)
		return false;
	__u64 len = k->used, at = s->used;
	bool fresh = r->time - k->time < KEPT_AGE;
	bounded(len);
	bounded(at);
	if (fresh && len && len <= sizeof(k->parts) && at <= DATA_SIZE - sizeof(k->parts)) {
		bpf_probe_read_kernel(s->data + at, len, k->parts);
		s->used += len;
		r->flags |= REC_LSM;
	} else {
		fresh = false;
	}
	bpf_map_delete_elem(&kept, &tid);
	return fresh;
}

static __always_inline void put_wanted(struct scratch *s, struct task_struct *t, struct want *w, struct args *a, long ret, bool known)
{
	__u64 from = a->at[w->arg & 7];
	switch (w->kind) {
	case WANT_FILE:
		put_file(s, SLOT_TASK, w->part, wanted_file(t, w, a, ret));
		break;
	case WANT_CWD:
		put_base(s, t, w->part, -100);
		break;
	case WANT_PATH: {
		char first = 0;
		if (from) {
			bpf_probe_read_user(&first, 1, (void *)from);
			put_user(s, w->part, (void *)from, PATH_SIZE, true);
		}
		if (first != '/' && !known)
			put_base(s, t, w->part == PART_PATH ? PART_BASE : PART_BASE2, w->arg2 == ARG_CWD ? -100 : (int)a->at[w->arg2 & 7]);
		break;
	}
	case WANT_FILTER:
		put_filter(s, a, (void *)from);
		break;
	case WANT_SOCKET:
		put_socket(SLOT_TASK, w->arg == ARG_RETURNED ? (int)ret : (int)from);
		break;
	case WANT_BPF:
		put_bpf(s, t, a, ret);
		break;
	case WANT_SAVED:
		put_saved(s, t, w, a);
		break;
	case WANT_TEXT:
		if (from)
			put_user(s, w->part, (void *)from, w->size, true);
		break;
	case WANT_BYTES: {
		__u64 size = w->size;
		if (w->arg2 < 6 && a->at[w->arg2 & 7] < size)
			size = a->at[w->arg2 & 7];
		if (from)
			put_user(s, w->part, (void *)from, size, false);
		break;
	}
	}
}

// unpack reads the arguments of socketcall(2), which stand in memory as 32 bits each.
static __always_inline void unpack(struct args *a)
{
	__u32 packed[6] = {};
	bpf_probe_read_user(packed, sizeof(packed), (void *)a->at[1]);
	for (int i = 0; i < 6; i++)
		a->at[i] = packed[i];
}

SEC("tp_btf/sys_exit")
int on_call(__u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];
	long ret = ctx[1];
	bool compat = *compat_here();
	__u32 nr = number_of(regs), index = nr + (compat ? CALLS / 2 : 0);
	struct call *c = bpf_map_lookup_elem(&calls, &index);
	if (!c)
		return 0;
	struct args a = {};
	args_of(&a, regs, compat);
	for (int i = 0; i < 4 && !guarded(c, &a); i++) {
		index = c->next;
		c = index ? bpf_map_lookup_elem(&calls, &index) : 0;
		if (!c)
			return 0;
	}
	bool failed = ret < 0 && ret > -4096;
	if (!guarded(c, &a) || c->flags & (failed ? CALL_SUCCESS : CALL_FAILURE))
		return 0;
	if (c->flags & CALL_PACKED)
		unpack(&a);
	if (c->flags & CALL_MOVES && ret >= 0)
		__sync_fetch_and_add(&generation, 1);
	__u32 type = c->type;
	struct filter *f = bpf_map_lookup_elem(&filters, &type);
	if (!f || !f->active)
		return 0;
	if (bpf_get_current_pid_tgid() >> 32 == agent_pid)
		return 0;
	__u64 *counted = counts_of(type);
	struct scratch *s = scratch_of(SLOT_TASK);
	if (!counted || !s)
		return 0; // there is one for every type and CPU
	counted[COUNT_GENERATED]++;
	struct task_struct *t = (void *)bpf_get_current_task();
	if (!approved(s, c, f, &a, t, ret)) {
		counted[COUNT_FILTERED]++;
		return 0;
	}
	struct record *r = begin(s, type, t);
	r->flags = compat ? REC_COMPAT : 0;
	r->ret = ret;
	r->call = nr;
	for (int i = 0; i < 6; i++)
		r->num[i] = a.at[i];
	bool known = c->name == NAME_FILE && ret >= 0;
	if (c->flags & CALL_KEPT)
		known = put_kept(s);
	for (int i = 0; i < 4; i++)
		put_wanted(s, t, &c->want[i], &a, ret, known);
	submit(s);
	return 0;
}

#define PROC_MAGIC 0x9fa0
#define SELINUX_MAGIC 0xf97cff8c

// on_write is run at the return of writes, where somebody asks about files that
// are switches of the kernel.
SEC("tp_btf/sys_exit")
int on_write(__u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];
	long ret = ctx[1];
	bool compat = is_compat();
	struct args a = {};
	args_of(&a, regs, compat);
	struct task_struct *t = (void *)bpf_get_current_task();
	struct file *file = file_at(t, a.at[0]);
	if (!file)
		return 0;
	__u32 type, magic = BPF_CORE_READ(file, f_inode, i_sb, s_magic);
	if (magic == SELINUX_MAGIC) {
		type = EV_SELINUX;
	} else if (magic == PROC_MAGIC) {
		struct { char loginuid[8]; char end; } want = {"loginuid"}, name = {};
		bpf_probe_read_kernel_str(&name, sizeof(name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
		if (*(__u64 *)&name != *(__u64 *)&want || name.end)
			return 0;
		type = EV_LOGIN_UID_WRITE;
	} else {
		return 0;
	}
	struct filter *f = bpf_map_lookup_elem(&filters, &type);
	if (!f || !f->active || bpf_get_current_pid_tgid() >> 32 == agent_pid)
		return 0;
	count_of(type, COUNT_GENERATED);
	struct scratch *s = scratch_of(SLOT_TASK);
	if (!s)
		return 0;
	struct record *r = begin(s, type, t);
	r->flags = compat ? REC_COMPAT : 0;
	r->ret = ret;
	r->call = number_of(regs);
	for (int i = 0; i < 6; i++)
		r->num[i] = a.at[i];
	put_file(s, SLOT_TASK, PART_FILE, file);
	struct { __u64 base, len; } from = {a.at[1], a.at[2]};
	__u32 index = r->call + (compat ? CALLS / 2 : 0);
	struct call *c = bpf_map_lookup_elem(&calls, &index);
	if (c && c->flags & CALL_VECTOR && !compat)
		bpf_probe_read_user(&from, sizeof(from), (void *)a.at[1]);
	if (from.len > 64)
		from.len = 64;
	put_user(s, PART_TEXT, (void *)from.base, from.len, false);
	submit(s);
	return 0;
}
