// Package pcap reads filters in the language of pcap (`tcp and dst net 10.0.0.0/8 and
// not port 443`), of which it knows the part that a program in the kernel can carry out
// on every packet: host, net, port, portrange, proto, ip, ip6, tcp, udp, icmp, icmp6,
// sctp, with src and dst, and, or, not. Everything else is an Error, which says where.
//
// A filter becomes a Program: tests, each of which says which is next, so that a
// machine without a stack runs it. Program.Matches is what it means, and the program in
// the kernel (agent/bpf/drop.c) does the same.
//
// As in pcap, `and` and `or` bind equally strong, from the left, and `not` stronger; an
// identifier without qualifiers has those of the one before it.
//
// It does no I/O, and knows nothing of names of hosts or services: what a filter means
// does not depend on when and where it is read.
//
// Start at Compile.
package pcap
