// Packets of a few kinds, as they leave and enter sockets: DNS, and requests to the
// metadata service of a cloud.
//
// A packet may pass while another process runs. Whose it is, is known from the
// socket: who made or connected it, and for UDP, where sending is never put off, who
// sends.
#pragma once
#include "packet.h"
#include "socket.h"

#define PORT_DNS 53
#define PORT_HTTP 80
#define PAYLOAD_MOST 1024 // bytes of a packet that a record has; a power of two

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64); // cookie of a socket
	__type(value, struct who);
} owners SEC(".maps");

static __always_inline void owned_by_current(__u64 cookie)
{
	struct who w = {};
	who_is(&w, (void *)bpf_get_current_task());
	bpf_map_update_elem(&owners, &cookie, &w, BPF_ANY);
}

SEC("cgroup/sock_create")
int on_socket(struct bpf_sock *k)
{
	if (k->family == FAMILY_IPV4 || k->family == FAMILY_IPV6)
		owned_by_current(bpf_get_socket_cookie(k));
	return 1;
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *a)
{
	owned_by_current(bpf_get_socket_cookie(a));
	return 1;
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *a)
{
	owned_by_current(bpf_get_socket_cookie(a));
	return 1;
}

// payload finds where the payload of a packet of TCP or UDP begins; 0 if it is none.
static __always_inline __u32 payload(struct __sk_buff *b, struct packet_info *i)
{
	__u32 at = transport(b, i);
	__be16 ports[2];
	if (!at || (i->l4 != PROTOCOL_UDP && i->l4 != PROTOCOL_TCP) || bpf_skb_load_bytes(b, at, ports, sizeof(ports)))
		return 0;
	i->source_port = bpf_ntohs(ports[0]);
	i->destination_port = bpf_ntohs(ports[1]);
	if (i->l4 == PROTOCOL_UDP)
		return at + 8;
	__u8 words;
	if (bpf_skb_load_bytes(b, at + 12, &words, 1))
		return 0;
	return at + (words >> 4) * 4;
}

// is_dns reports whether the payload is a message of DNS. One of TCP is recognised
// where it is a segment of its own: its length stands before it.
static __always_inline bool is_dns(struct __sk_buff *b, struct packet_info *i, __u32 at)
{
	if (i->source_port != PORT_DNS && i->destination_port != PORT_DNS)
		return false;
	__be16 length;
	if (i->l4 == PROTOCOL_UDP)
		return true;
	return !bpf_skb_load_bytes(b, at, &length, sizeof(length)) && bpf_ntohs(length) == b->len - at - 2;
}

// is_metadata reports whether the other end has the address of a metadata service:
// 169.254.169.254, fd00:ec2::254, or 100.100.100.200.
static __always_inline bool is_metadata(struct packet_info *i)
{
	__u8 *a = i->incoming ? i->source : i->destination;
	if (i->l3 == ETHERTYPE_IPV4)
		return (a[0] == 169 && a[1] == 254 && a[2] == 169 && a[3] == 254) || (a[0] == 100 && a[1] == 100 && a[2] == 100 && a[3] == 200);
	return a[0] == 0xfd && a[1] == 0 && a[2] == 0x0e && a[3] == 0xc2 && a[14] == 2 && a[15] == 0x54;
}

// is_imds reports whether the payload begins a request to a metadata service, or its
// response.
static __always_inline bool is_imds(struct __sk_buff *b, struct packet_info *i, __u32 at)
{
	__u8 w[4];
	if (i->l4 != PROTOCOL_TCP || (i->incoming ? i->source_port : i->destination_port) != PORT_HTTP || !is_metadata(i) ||
	    bpf_skb_load_bytes(b, at, w, sizeof(w)))
		return false;
	if (i->incoming)
		return w[0] == 'H' && w[1] == 'T' && w[2] == 'T' && w[3] == 'P';
	return (w[0] == 'G' && w[1] == 'E' && w[2] == 'T' && w[3] == ' ') || (w[0] == 'P' && w[1] == 'U' && w[2] == 'T' && w[3] == ' ') ||
	       (w[0] == 'P' && w[1] == 'O' && w[2] == 'S' && w[3] == 'T') || (w[0] == 'H' && w[1] == 'E' && w[2] == 'A' && w[3] == 'D');
}

static __always_inline bool is_asked_for(__u32 type)
{
	struct filter *f = bpf_map_lookup_elem(&filters, &type);
	return f && f->active;
}

static __always_inline void put_payload(struct scratch *s, struct __sk_buff *b, __u32 at)
{
	struct part *p = room(s);
	__u64 len = b->len - at;
	if (!p || b->len <= at)
		return;
	if (len > PAYLOAD_MOST) {
		len = PAYLOAD_MOST;
		((struct record *)s->data)->flags |= REC_CUT;
	}
	len--;
	bounded(len);
	len &= PAYLOAD_MOST - 1;
	if (bpf_skb_load_bytes(b, at, p + 1, len + 1))
		((struct record *)s->data)->flags |= REC_FAULT;
	else
		fill(s, p, PART_BYTES, len + 1);
}

// send_packet sends the record of a packet of a socket that has an owner.
static __always_inline void send_packet(struct scratch *s, struct __sk_buff *b, __u32 type, struct packet_info *i, struct who *w, __u32 at)
{
	struct record *r = blank(s, type);
	r->who = *w;
	clear_numbers(r);
	r->num[0] = b->len - at; // of the payload, whole
	struct part *p = room(s);
	if (p) {
		*(struct packet_info *)(p + 1) = *i;
		fill(s, p, PART_PACKET, sizeof(*i));
	}
	put_payload(s, b, at);
	submit(s);
}

// free_buffer finds a buffer: packets that come can be looked at while one that goes
// is. 0 if both are in use.
static __always_inline struct scratch *free_buffer(void)
{
	struct scratch *s = scratch_of(SLOT_NET);
	if (s && s->busy)
		s = scratch_of(SLOT_NET2);
	return s && s->busy ? 0 : s;
}

static __always_inline int packet(struct __sk_buff *b, bool incoming)
{
	struct packet_info i = {};
	__u32 type = EV_NONE, at = payload(b, &i);
	i.incoming = incoming;
	i.size = b->len;
	i.device = b->ifindex;
	if (at && is_dns(b, &i, at))
		type = EV_DNS;
	else if (at && is_imds(b, &i, at))
		type = EV_IMDS;
	if (type == EV_NONE || !is_asked_for(type))
		return 1;
	__u64 cookie = bpf_get_socket_cookie(b);
	if (!incoming && i.l4 == PROTOCOL_UDP)
		owned_by_current(cookie);
	struct who *w = bpf_map_lookup_elem(&owners, &cookie);
	if (w && w->pid == agent_pid)
		return 1;
	count_of(type, COUNT_GENERATED);
	struct scratch *s = free_buffer();
	if (!w) {
		count_of(type, COUNT_LOST_OWNER);
	} else if (!s) {
		count_of(type, COUNT_LOST_SCRATCH);
	} else {
		s->busy = 1;
		send_packet(s, b, type, &i, w, at);
		s->busy = 0;
	}
	return 1;
}

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *b) { return packet(b, false); }

SEC("cgroup_skb/ingress")
int on_ingress(struct __sk_buff *b) { return packet(b, true); }
