//go:build ignore

// Programs that deny: a program is not executed, a file not opened, a connection not
// made. They only look at tables that the agent fills, and let through whatever they
// are in doubt about. What they deny they tell of, with a record in the ring of the
// others.
#include "socket.h"

#define EPERM 1
#define EINPROGRESS 115

enum deny_op { DENY_EXEC = 1, DENY_OPEN = 2 };
enum deny_mechanism { BY_LSM = 1, BY_CGROUP = 2 };

__u32 armed = 0;

// By inode: every hard link of a listed file.
struct deny_file {
	__u64 inode;
	__u32 dev, op;
};

struct deny_identity {
	__u32 entry;
	__u32 generation; // of the inode, where compare is set: numbers are used again
	__u32 compare, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct deny_file);
	__type(value, struct deny_identity);
} deny_files SEC(".maps");

// By path: also files that are made later. The path is made only where the last name
// is one of these.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct name_key);
	__type(value, __u32); // operations, a bit each
} deny_names SEC(".maps");

#define DENY_PATH 252

struct deny_path {
	__u32 op;
	char path[DENY_PATH];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct deny_path);
	__type(value, __u32); // entry
} deny_paths SEC(".maps");

// Executables that are protected: they may be executed, and what runs them may open
// and connect as it likes.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct deny_file);
	__type(value, __u32);
} deny_spared SEC(".maps");

// By address, IPv4 as it is mapped into IPv6, and port.
struct deny_net {
	__u32 bits;
	__u8 address[16];
};

#define DENY_RANGES 16

struct deny_range {
	__u16 low, high;
	__u32 protocols; // 1: TCP, 2: UDP, 4: others
	__u32 entry;
};

struct deny_ports {
	__u32 count;
	struct deny_range at[DENY_RANGES];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct deny_net);
	__type(value, struct deny_ports);
} deny_nets SEC(".maps");

static __always_inline void identify(struct deny_file *key, struct inode *i, __u32 op)
{
	key->inode = BPF_CORE_READ(i, i_ino);
	key->dev = BPF_CORE_READ(i, i_sb, s_dev);
	key->op = op;
}

// is_spared reports whether the current process needs what it asks for. Of exec only
// the first process and the agent itself are: what a protected program executes is
// another one.
static __always_inline bool is_spared(__u32 op)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	if (pid == 1 || pid == agent_pid)
		return true;
	if (op == DENY_EXEC)
		return false;
	struct task_struct *t = (void *)bpf_get_current_task();
	struct deny_file key = {};
	identify(&key, BPF_CORE_READ(t, mm, exe_file, f_inode), 0);
	return bpf_map_lookup_elem(&deny_spared, &key);
}

// by_path finds the entry of a file by its path; 0 if there is none.
static __always_inline __u32 by_path(struct scratch *s, struct file *f, __u32 op)
{
	struct dentry *d = BPF_CORE_READ(f, f_path.dentry);
	struct name_key name = {};
	__u64 len = BPF_CORE_READ(d, d_name.len);
	bounded(len);
	if (len >= NAME_SIZE)
		return 0;
	bpf_probe_read_kernel(name.name, len, BPF_CORE_READ(d, d_name.name));
	__u32 *ops = bpf_map_lookup_elem(&deny_names, &name);
	if (!ops || !(*ops & op))
		return 0;
	// Whoever is preempted here finds that another has used the buffer.
	__u64 mine = bpf_get_current_pid_tgid();
	s->type = mine;
	walk_from(s, d, BPF_CORE_READ(f, f_path.mnt));
	__u64 size = path_walk(SLOT_LSM), at = s->walk.at;
	struct deny_path *key = (void *)s->data;
	bounded(size);
	bounded(at);
	if (s->walk.done != 1 || size > DENY_PATH || at > PATH_SIZE)
		return 0;
	__builtin_memset(key, 0, sizeof(*key));
	key->op = op;
	bpf_probe_read_kernel(key->path, size, s->path + at);
	__u32 *entry = bpf_map_lookup_elem(&deny_paths, key);
	return entry && s->type == mine ? *entry : 0;
}

static __always_inline __u32 listed(struct scratch *s, struct file *f, __u32 op)
{
	struct inode *i = BPF_CORE_READ(f, f_inode);
	struct deny_file key = {};
	identify(&key, i, 0);
	if (op == DENY_EXEC && bpf_map_lookup_elem(&deny_spared, &key))
		return 0;
	key.op = op;
	struct deny_identity *v = bpf_map_lookup_elem(&deny_files, &key);
	if (v && (!v->compare || v->generation == BPF_CORE_READ(i, i_generation)))
		return v->entry;
	return by_path(s, f, op);
}

// tell begins the record of something that was denied.
static __always_inline struct record *tell(struct scratch *s, __u32 type, __u32 mechanism, __u32 entry)
{
	count_of(type, COUNT_GENERATED);
	struct record *r = begin(s, type, (void *)bpf_get_current_task());
	clear_numbers(r);
	r->flags = REC_DENIED;
	r->ret = -EPERM;
	r->num[0] = mechanism;
	r->num[1] = entry;
	return r;
}

SEC("lsm/bprm_check_security")
int deny_exec(__u64 *ctx)
{
	struct linux_binprm *b = (void *)ctx[0];
	struct scratch *s = scratch_of(SLOT_LSM);
	if ((int)ctx[1] || !armed || !s)
		return ctx[1];
	struct file *f = BPF_CORE_READ(b, file);
	__u32 entry = listed(s, f, DENY_EXEC);
	if (!entry || is_spared(DENY_EXEC))
		return 0;
	tell(s, EV_EXEC, BY_LSM, entry);
	put_file(s, SLOT_LSM, PART_FILE, f);
	put_kernel_text(s, PART_PATH, BPF_CORE_READ(b, filename), PATH_SIZE);
	submit(s);
	return -EPERM;
}

SEC("lsm/file_open")
int deny_open(__u64 *ctx)
{
	struct file *f = (void *)ctx[0];
	struct scratch *s = scratch_of(SLOT_LSM);
	if ((int)ctx[1] || !armed || !s)
		return ctx[1];
	__u32 entry = listed(s, f, DENY_OPEN);
	if (!entry || is_spared(DENY_OPEN))
		return 0;
	struct record *r = tell(s, EV_OPEN, BY_LSM, entry);
	r->num[2] = BPF_CORE_READ(f, f_flags);
	put_file(s, SLOT_LSM, PART_FILE, f);
	submit(s);
	return -EPERM;
}

// peer is whom a connection is made to.
struct peer {
	struct deny_net to;
	__u16 family, port, protocol, type;
};

// loopback is what the kernel connects to that is asked to connect to no address.
static __always_inline void loopback(struct peer *p)
{
	__u32 *word = (void *)p->to.address;
	if (word[0] || word[1] || word[3])
		return;
	if (word[2] == 0)
		word[3] = bpf_htonl(1);
	else if (word[2] == bpf_htonl(0xffff))
		word[3] = bpf_htonl(0x7f000001);
}

static __always_inline __u32 net_listed(struct peer *p)
{
	loopback(p);
	p->to.bits = 128;
	struct deny_ports *v = bpf_map_lookup_elem(&deny_nets, &p->to);
	if (!v)
		return 0;
	__u32 protocol = p->protocol == 6 ? 1 : p->protocol == 17 ? 2 : 4;
	for (int i = 0; i < DENY_RANGES; i++) {
		if (i >= v->count)
			break;
		struct deny_range *r = &v->at[i];
		if (p->port >= r->low && p->port <= r->high && r->protocols & protocol)
			return r->entry;
	}
	return 0;
}

static __always_inline void tell_connect(struct peer *p, __u32 slot, __u32 mechanism, __u32 entry)
{
	struct scratch *s = scratch_of(slot);
	if (!s)
		return;
	tell(s, EV_CONNECT, mechanism, entry);
	struct part *at = room(s);
	if (!at)
		return;
	struct socket_info *i = (void *)(at + 1);
	__builtin_memset(i, 0, sizeof(*i));
	i->family = p->family;
	i->type = p->type;
	i->protocol = p->protocol;
	i->peer_port = p->port;
	if (p->family == FAMILY_IPV4)
		__builtin_memcpy(i->peer, p->to.address + 12, 4);
	else
		__builtin_memcpy(i->peer, p->to.address, 16);
	fill(s, at, PART_SOCKET, sizeof(*i));
	submit(s);
}

static __always_inline void map4(struct peer *p, __u32 address)
{
	p->family = FAMILY_IPV4;
	*(__u32 *)(p->to.address + 8) = bpf_htonl(0xffff);
	*(__u32 *)(p->to.address + 12) = address;
}

SEC("lsm/socket_connect")
int deny_connect(__u64 *ctx)
{
	struct socket *k = (void *)ctx[0];
	void *address = (void *)ctx[1];
	int len = ctx[2];
	if ((int)ctx[3] || !armed || len < 8)
		return ctx[3];
	struct { __u16 family; __be16 port; __u32 address4; } head = {};
	struct peer p = {};
	bpf_probe_read_kernel(&head, sizeof(head), address);
	struct sock *sk = BPF_CORE_READ(k, sk);
	p.protocol = BPF_CORE_READ(sk, sk_protocol);
	p.type = BPF_CORE_READ(sk, sk_type);
	p.port = bpf_ntohs(head.port);
	if (head.family == FAMILY_IPV4) {
		map4(&p, head.address4);
	} else if (head.family == FAMILY_IPV6 && len >= 24) {
		p.family = FAMILY_IPV6;
		bpf_probe_read_kernel(p.to.address, 16, address + 8);
	} else {
		return 0;
	}
	__u32 entry = net_listed(&p);
	if (!entry || is_spared(0))
		return 0;
	tell_connect(&p, SLOT_LSM, BY_LSM, entry);
	return -EPERM;
}

static __always_inline int at_cgroup(struct peer *p, struct bpf_sock_addr *a)
{
	if (!armed)
		return 1;
	p->port = bpf_ntohs(a->user_port);
	p->protocol = a->protocol;
	p->type = a->type;
	__u32 entry = net_listed(p);
	if (!entry || is_spared(0))
		return 1;
	tell_connect(p, SLOT_CGROUP, BY_CGROUP, entry);
	return 0;
}

SEC("cgroup/connect4")
int deny_connect4(struct bpf_sock_addr *a)
{
	struct peer p = {};
	map4(&p, a->user_ip4);
	return at_cgroup(&p, a);
}

SEC("cgroup/connect6")
int deny_connect6(struct bpf_sock_addr *a)
{
	struct peer p = {};
	__u32 *to = (void *)p.to.address;
	p.family = FAMILY_IPV6;
	to[0] = a->user_ip6[0];
	to[1] = a->user_ip6[1];
	to[2] = a->user_ip6[2];
	to[3] = a->user_ip6[3];
	return at_cgroup(&p, a);
}

char _license[] SEC("license") = "Dual BSD/GPL";

// What bpf2go makes Go types of.
struct deny_file *deny_file_type __attribute__((unused));
struct deny_identity *deny_identity_type __attribute__((unused));
struct deny_path *deny_path_type __attribute__((unused));
struct deny_net *deny_net_type __attribute__((unused));
struct deny_ports *deny_ports_type __attribute__((unused));
struct deny_range *deny_range_type __attribute__((unused));
struct name_key *name_key_type __attribute__((unused));
