//go:build ignore

// Programs that drop packets: those that a filter means, of a process or a control group;
// and, of an isolated host, all but those from and to a list.
#include "packet.h"

#define PROTOCOL_SCTP 132
#define PROTOCOL_ICMP6 58
#define DROP_TESTS 64
#define DROP_MATCH 254
#define DROP_PASS 255
#define LOOPBACK_DEVICE 1
#define CLOCK_TICK 10000000 // ns: as exactly as /proc says when a process began

enum drop_kind { DROP_FAMILY = 1, DROP_PROTOCOL, DROP_HOST, DROP_PORT };

// drop_test is one question about a packet, as of package secl/pcap. Addresses of IPv4
// are mapped into IPv6.
struct drop_test {
	__u8 kind, direction, yes, no;
	__u16 low, high;
	__u32 net[4], mask[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DROP_TESTS);
	__type(key, __u32);
	__type(value, struct drop_test);
} drop_tests SEC(".maps");

// The sockets of the process whose packets are dropped.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64); // cookie
	__type(value, __u32);
} drop_sockets SEC(".maps");

// How many packets were dropped.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} dropped SEC(".maps");

__u32 of_process = 0; // its id; 0: packets of the whole control group are dropped
__u64 of_start = 0;   // of the process, ns since boot

struct flow {
	__u32 source[4], destination[4];
	__u16 source_port, destination_port;
	__u8 family, protocol, has_ports, type; // type of ICMP
};

static __always_inline void widen(__u32 *to, __u8 *from, bool four)
{
	if (four) {
		to[2] = bpf_htonl(0xffff);
		__builtin_memcpy(to + 3, from, 4);
	} else {
		__builtin_memcpy(to, from, 16);
	}
}

// flow_of reads the headers of a packet. A later fragment has no ports.
static __always_inline void flow_of(struct flow *f, struct __sk_buff *b)
{
	struct packet_info i = {};
	__be16 ports[2];
	__u32 at = transport(b, &i);
	bool four = b->protocol == bpf_htons(ETHERTYPE_IPV4);
	if (!i.l3) { // a later fragment of IPv4: its addresses count all the same
		struct ipv4 h;
		if (!four || bpf_skb_load_bytes(b, 0, &h, sizeof(h)))
			return;
		i.l4 = h.protocol;
		__builtin_memcpy(i.source, h.source, 4);
		__builtin_memcpy(i.destination, h.destination, 4);
	}
	f->family = four ? 4 : 6;
	f->protocol = i.l4;
	widen(f->source, i.source, four);
	widen(f->destination, i.destination, four);
	if (!at)
		return;
	if (i.l4 == PROTOCOL_ICMP6)
		bpf_skb_load_bytes(b, at, &f->type, 1);
	if ((i.l4 != PROTOCOL_TCP && i.l4 != PROTOCOL_UDP && i.l4 != PROTOCOL_SCTP) || bpf_skb_load_bytes(b, at, ports, sizeof(ports)))
		return;
	f->has_ports = 1;
	f->source_port = bpf_ntohs(ports[0]);
	f->destination_port = bpf_ntohs(ports[1]);
}

static __always_inline bool in_net(__u32 *a, struct drop_test *t)
{
	return !(((a[0] & t->mask[0]) ^ t->net[0]) | ((a[1] & t->mask[1]) ^ t->net[1]) | ((a[2] & t->mask[2]) ^ t->net[2]) | ((a[3] & t->mask[3]) ^ t->net[3]));
}

static __always_inline bool in_range(struct flow *f, __u16 port, struct drop_test *t)
{
	return f->has_ports && port >= t->low && port <= t->high;
}

static __always_inline bool holds(struct flow *f, struct drop_test *t)
{
	bool s, d;
	switch (t->kind) {
	case DROP_FAMILY:
		return f->family == t->low;
	case DROP_PROTOCOL:
		return f->protocol == t->low;
	case DROP_HOST:
		s = in_net(f->source, t);
		d = in_net(f->destination, t);
		break;
	default:
		s = in_range(f, f->source_port, t);
		d = in_range(f, f->destination_port, t);
	}
	switch (t->direction) {
	case 1:
		return s;
	case 2:
		return d;
	case 3:
		return s && d;
	}
	return s || d;
}

// matches runs the filter: every test leads forward.
static __always_inline bool matches(struct flow *f)
{
	__u32 at = 0;
	for (int i = 0; i < DROP_TESTS; i++) {
		struct drop_test *t = bpf_map_lookup_elem(&drop_tests, &at);
		if (!t)
			return false;
		at = holds(f, t) ? t->yes : t->no;
		if (at == DROP_MATCH)
			return true;
		if (at == DROP_PASS)
			return false;
	}
	return false;
}

static __always_inline int drop(void)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&dropped, &zero);
	if (n)
		(*n)++;
	return 0;
}

static __always_inline int filtered(struct __sk_buff *b)
{
	if (of_process) {
		__u64 cookie = bpf_get_socket_cookie(b);
		if (!bpf_map_lookup_elem(&drop_sockets, &cookie))
			return 1;
	}
	struct flow f = {};
	flow_of(&f, b);
	return f.family && matches(&f) ? drop() : 1;
}

// One program for both directions: to verify it takes the kernel a while.
SEC("cgroup/skb")
int drop_packet(struct __sk_buff *b) { return filtered(b); }

// The sockets that the process makes from now on. Of one that it accepts, the listening
// one is known: the first packet of a connection is dropped.
SEC("cgroup/sock_create")
int drop_socket(struct bpf_sock *k)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct task_struct *first = BPF_CORE_READ(t, group_leader);
	if (BPF_CORE_READ(t, tgid) != of_process || BPF_CORE_READ(first, start_boottime) / CLOCK_TICK != of_start / CLOCK_TICK)
		return 1;
	__u64 cookie = bpf_get_socket_cookie(k);
	__u32 one = 1;
	bpf_map_update_elem(&drop_sockets, &cookie, &one, BPF_ANY);
	return 1;
}

// Whom an isolated host may talk to.
struct isolate_peer {
	__u32 address[4];
	__u16 port, pad; // 0: any
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct isolate_peer);
	__type(value, __u32);
} isolate_allow SEC(".maps");

static __always_inline bool allowed(__u32 *address, __u16 port)
{
	struct isolate_peer key = {};
	__builtin_memcpy(key.address, address, 16);
	if (bpf_map_lookup_elem(&isolate_allow, &key))
		return true;
	key.port = port;
	return port && bpf_map_lookup_elem(&isolate_allow, &key);
}

// is_neighbours reports whether a packet is of IPv6's way to find neighbours and routers,
// without which no other gets anywhere. ARP does not come by here.
static __always_inline bool is_neighbours(struct flow *f)
{
	return f->protocol == PROTOCOL_ICMP6 && f->type >= 133 && f->type <= 136;
}

static __always_inline int isolated(struct __sk_buff *b, bool incoming)
{
	if (b->ifindex == LOOPBACK_DEVICE)
		return 1;
	struct flow f = {};
	flow_of(&f, b);
	if (is_neighbours(&f) || (incoming ? allowed(f.source, f.source_port) : allowed(f.destination, f.destination_port)))
		return 1;
	return drop();
}

SEC("cgroup_skb/egress")
int isolate_out(struct __sk_buff *b) { return isolated(b, false); }

SEC("cgroup_skb/ingress")
int isolate_in(struct __sk_buff *b) { return isolated(b, true); }

char _license[] SEC("license") = "Dual BSD/GPL";

// What bpf2go makes Go types of.
struct drop_test *drop_test_type __attribute__((unused));
struct isolate_peer *isolate_peer_type __attribute__((unused));
