// What a socket is and which addresses it has, as the kernel keeps them: what the
// caller wrote may have changed since.
#pragma once
#include "record.h"
#include <bpf/bpf_endian.h>

#define SOCKFS_MAGIC 0x534f434b
#define FAMILY_IPV4 2
#define FAMILY_IPV6 10

static __always_inline void socket_is(struct socket_info *i, struct sock *k)
{
	__builtin_memset(i, 0, sizeof(*i));
	i->family = BPF_CORE_READ(k, __sk_common.skc_family);
	i->type = BPF_CORE_READ(k, sk_type);
	i->protocol = BPF_CORE_READ(k, sk_protocol);
	if (i->family != FAMILY_IPV4 && i->family != FAMILY_IPV6)
		return;
	i->port = BPF_CORE_READ(k, __sk_common.skc_num);
	i->peer_port = bpf_ntohs(BPF_CORE_READ(k, __sk_common.skc_dport));
	if (i->family == FAMILY_IPV4) {
		bpf_core_read(i->address, 4, &k->__sk_common.skc_rcv_saddr);
		bpf_core_read(i->peer, 4, &k->__sk_common.skc_daddr);
	} else if (bpf_core_field_exists(k->__sk_common.skc_v6_daddr)) {
		bpf_core_read(i->address, 16, &k->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(i->peer, 16, &k->__sk_common.skc_v6_daddr);
	}
}

// put_socket adds the socket of a descriptor of the current task. A global function,
// so that each use of it costs the verifier nothing.
__noinline int put_socket(__u32 slot, int fd)
{
	struct scratch *s = scratch_of(slot);
	struct file *f = file_at((void *)bpf_get_current_task(), fd);
	if (!s || !f || BPF_CORE_READ(f, f_inode, i_sb, s_magic) != SOCKFS_MAGIC)
		return 0;
	struct socket *of = BPF_CORE_READ(f, private_data);
	struct sock *k = BPF_CORE_READ(of, sk);
	struct part *p = room(s);
	if (!k || !p)
		return 0;
	socket_is((void *)(p + 1), k);
	fill(s, p, PART_SOCKET, sizeof(struct socket_info));
	return 1;
}
