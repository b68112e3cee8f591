// What connections of TCP transferred, told when they have ended.
//
// That may be while another process runs. Whose a connection is, is known from who
// began it, or, of one that was accepted, who closed or shut it.
#pragma once
#include "network.h"

enum { STATE_SYN_SENT = 2, STATE_SYN_RECEIVED = 3, STATE_FIN_WAIT1 = 4, STATE_CLOSE = 7, STATE_LAST_ACK = 9, STATE_LISTEN = 10 };

#define SOCK_DONE 2 // the bit that says that the other end has closed

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64); // address of a socket
	__type(value, struct who);
} connections SEC(".maps");

static __always_inline void put_flow(struct scratch *s, struct sock *k, struct who *w)
{
	struct tcp_sock *t = (void *)k;
	struct inet_sock *n = (void *)k;
	struct record *r = blank(s, EV_NETWORK_FLOW_MONITOR);
	r->who = *w;
	clear_numbers(r);
	r->num[0] = BPF_CORE_READ(t, bytes_received);
	if (r->num[0] && BPF_CORE_READ(k, __sk_common.skc_flags) & SOCK_DONE)
		r->num[0]--; // the end counts as a byte
	r->num[1] = BPF_CORE_READ(t, segs_in);
	r->num[2] = BPF_CORE_READ(t, bytes_sent) - BPF_CORE_READ(t, bytes_retrans);
	r->num[3] = BPF_CORE_READ(t, segs_out);
	struct part *p = room(s);
	if (p) {
		struct socket_info *i = (void *)(p + 1);
		socket_is(i, k);
		i->port = bpf_ntohs(BPF_CORE_READ(n, inet_sport)); // the other place is empty by now
		fill(s, p, PART_SOCKET, sizeof(*i));
	}
	submit(s);
}

SEC("tp_btf/inet_sock_set_state")
int on_state(__u64 *ctx)
{
	struct sock *k = (void *)ctx[0];
	int before = ctx[1], now = ctx[2];
	__u32 type = EV_NETWORK_FLOW_MONITOR;
	if (BPF_CORE_READ(k, sk_protocol) != PROTOCOL_TCP || !is_asked_for(type))
		return 0;
	__u64 key = (__u64)k;
	struct who *w = bpf_map_lookup_elem(&connections, &key);
	if (now == STATE_SYN_SENT || (!w && (now == STATE_FIN_WAIT1 || now == STATE_LAST_ACK))) {
		struct who self = {};
		who_is(&self, (void *)bpf_get_current_task());
		bpf_map_update_elem(&connections, &key, &self, BPF_ANY);
	}
	if (now != STATE_CLOSE)
		return 0;
	if (before != STATE_SYN_SENT && before != STATE_SYN_RECEIVED && before != STATE_LISTEN && before != STATE_CLOSE && !(w && w->pid == agent_pid)) {
		struct scratch *s = free_buffer();
		count_of(type, COUNT_GENERATED);
		if (!w) {
			count_of(type, COUNT_LOST_OWNER);
		} else if (!s) {
			count_of(type, COUNT_LOST_SCRATCH);
		} else {
			s->busy = 1;
			put_flow(s, k, w);
			s->busy = 0;
		}
	}
	bpf_map_delete_elem(&connections, &key);
	return 0;
}
