// What the headers of a packet say.
#pragma once
#include "kernel.h"
#include "wire.h"
#include <bpf/bpf_endian.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17

struct ipv4 {
	__u8 version_length, tos;
	__be16 length, id, fragment;
	__u8 ttl, protocol;
	__be16 sum;
	__u8 source[4], destination[4];
};

struct ipv6 {
	__be32 flow;
	__be16 length;
	__u8 next, hops;
	__u8 source[16], destination[16];
};

// after_extensions skips the headers of IPv6 between the first and that of the
// transport; 0 if there are too many, or this is a later fragment.
static __always_inline __u32 after_extensions(struct __sk_buff *b, __u8 *next)
{
	__u32 at = sizeof(struct ipv6);
	for (int i = 0; i < 4; i++) {
		struct { __u8 next, length; __be16 fragment; } h;
		if (*next != 0 && *next != 43 && *next != 44 && *next != 60)
			return at;
		if (bpf_skb_load_bytes(b, at, &h, sizeof(h)))
			return 0;
		if (*next == 44 && h.fragment & bpf_htons(0xfff8))
			return 0;
		at += *next == 44 ? 8 : (h.length + 1) * 8;
		*next = h.next;
	}
	return 0;
}

// transport reads the IP header, and finds where the next one begins; 0 if it is no
// packet of IP, or a later fragment.
static __always_inline __u32 transport(struct __sk_buff *b, struct packet_info *i)
{
	if (b->protocol == bpf_htons(ETHERTYPE_IPV4)) {
		struct ipv4 h;
		if (bpf_skb_load_bytes(b, 0, &h, sizeof(h)) || h.fragment & bpf_htons(0x1fff))
			return 0;
		i->l3 = ETHERTYPE_IPV4;
		i->l4 = h.protocol;
		__builtin_memcpy(i->source, h.source, 4);
		__builtin_memcpy(i->destination, h.destination, 4);
		return (h.version_length & 15) * 4;
	}
	struct ipv6 h;
	if (b->protocol != bpf_htons(ETHERTYPE_IPV6) || bpf_skb_load_bytes(b, 0, &h, sizeof(h)))
		return 0;
	i->l3 = ETHERTYPE_IPV6;
	i->l4 = h.next;
	__builtin_memcpy(i->source, h.source, 16);
	__builtin_memcpy(i->destination, h.destination, 16);
	return after_extensions(b, &i->l4);
}
