// Package bpf is the programs that run in the kernel, and the records they send.
//
// The programs are C, compiled once (`make generate`) into the objects beside
// their sources, so that nobody who builds nightjar needs a C compiler. This
// package knows the layout of a record and nothing of what it means.
package bpf

//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -cflags "-O2 -g -Wall -Werror -mcpu=v3" -target amd64,arm64 -no-global-types -type record -type part -type file_info -type call -type filter -type name_key -type folder_key -type folder_value -type bpf_object -type socket_info -type packet_info -type kill -type kill_text -type kill_inode -type kill_report base base.c -- -I/usr/include/x86_64-linux-gnu
//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -cflags "-O2 -g -Wall -Werror -mcpu=v3" -target amd64,arm64 -no-global-types -type deny_file -type deny_identity -type deny_path -type deny_net -type deny_ports -type deny_range -type name_key deny deny.c -- -I/usr/include/x86_64-linux-gnu
//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -cflags "-O2 -g -Wall -Werror -mcpu=v3" -target amd64,arm64 -no-global-types -type drop_test -type isolate_peer drop drop.c -- -I/usr/include/x86_64-linux-gnu
