// What is asked for through io_uring, which no system call shows. The names are the
// kernel's own copies: the caller can't change them any more. The address of a connect
// is the caller's.
#pragma once
#include "calls.h"

enum {
	URING_CONNECT = 16,
	URING_OPENAT = 18,
	URING_OPENAT2 = 28,
	URING_RENAMEAT = 35,
	URING_UNLINKAT = 36,
	URING_MKDIRAT = 37,
	URING_LINKAT = 39,
};

static __always_inline void put_name(struct scratch *s, struct task_struct *t, __u32 part, __u32 base, struct filename *n, int dir)
{
	const char *name = BPF_CORE_READ(n, name);
	char first = 0;
	bpf_probe_read_kernel(&first, 1, name);
	put_kernel_text(s, part, name, PATH_SIZE);
	if (first != '/')
		put_base(s, t, base, dir);
}

static __always_inline __u32 uring_type(__u8 op, int unlink_flags)
{
	switch (op) {
	case URING_OPENAT:
	case URING_OPENAT2:
		return EV_OPEN;
	case URING_CONNECT:
		return EV_CONNECT;
	case URING_RENAMEAT:
		return EV_RENAME;
	case URING_UNLINKAT:
		return unlink_flags & 0x200 ? EV_RMDIR : EV_UNLINK;
	case URING_MKDIRAT:
		return EV_MKDIR;
	case URING_LINKAT:
		return EV_LINK;
	}
	return EV_NONE;
}

#define ADDRESS_MOST 28 // bytes of an address of IPv6
#define FIXED_FILE 1    // the descriptor is a place in a table of the ring

// put_address adds the address of a connect, and the socket where it is known.
static __always_inline void put_address(struct scratch *s, struct io_kiocb *req)
{
	struct io_connect *c = (void *)req;
	__u64 len = BPF_CORE_READ(c, addr_len);
	if (!(BPF_CORE_READ(req, flags) & FIXED_FILE))
		put_socket(SLOT_TASK, BPF_CORE_READ(req, cqe.fd));
	put_user(s, PART_BYTES, BPF_CORE_READ(c, addr), len > ADDRESS_MOST ? ADDRESS_MOST : len, false);
}

static __always_inline int submitted(struct io_kiocb *req)
{
	// Before 6.0 a request is laid out otherwise.
	if (!bpf_core_type_exists(struct io_cmd_data))
		return 0;
	__u8 op = BPF_CORE_READ(req, opcode);
	struct io_unlink *u = (void *)req;
	__u32 type = uring_type(op, op == URING_UNLINKAT ? BPF_CORE_READ(u, flags) : 0);
	if (op == URING_RENAMEAT)
		__sync_fetch_and_add(&generation, 1);
	struct filter *f = bpf_map_lookup_elem(&filters, &type);
	if (type == EV_NONE || !f || !f->active || bpf_get_current_pid_tgid() >> 32 == agent_pid)
		return 0;
	count_of(type, COUNT_GENERATED);
	struct scratch *s = scratch_of(SLOT_TASK);
	if (!s)
		return 0;
	struct task_struct *t = (void *)bpf_get_current_task();
	struct record *r = begin(s, type, t);
	clear_numbers(r);
	r->flags = REC_URING;
	if (type == EV_OPEN) {
		struct io_open *o = (void *)req;
		r->num[1] = BPF_CORE_READ(o, how.flags);
		r->num[2] = BPF_CORE_READ(o, how.mode);
		put_name(s, t, PART_PATH, PART_BASE, BPF_CORE_READ(o, filename), BPF_CORE_READ(o, dfd));
	} else if (type == EV_UNLINK || type == EV_RMDIR) {
		r->num[2] = BPF_CORE_READ(u, flags);
		put_name(s, t, PART_PATH, PART_BASE, BPF_CORE_READ(u, filename), BPF_CORE_READ(u, dfd));
	} else if (type == EV_MKDIR) {
		struct io_mkdir *m = (void *)req;
		r->num[1] = BPF_CORE_READ(m, mode);
		put_name(s, t, PART_PATH, PART_BASE, BPF_CORE_READ(m, filename), BPF_CORE_READ(m, dfd));
	} else if (type == EV_CONNECT) {
		put_address(s, req);
	} else { // io_link and io_rename are alike
		struct io_rename *n = (void *)req;
		put_name(s, t, PART_PATH, PART_BASE, BPF_CORE_READ(n, oldpath), BPF_CORE_READ(n, old_dfd));
		put_name(s, t, PART_PATH2, PART_BASE2, BPF_CORE_READ(n, newpath), BPF_CORE_READ(n, new_dfd));
	}
	submit(s);
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int on_uring(__u64 *ctx) { return submitted((void *)ctx[0]); }

// Its name before 6.4.
SEC("tp_btf/io_uring_submit_sqe")
int on_uring_old(__u64 *ctx) { return submitted((void *)ctx[0]); }
