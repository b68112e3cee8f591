//go:build ignore

// All programs: the base provider, tracepoints that load on every kernel with BTF from
// 5.10, and the rich one (rich.h).
#include "cgroup.h"
#include "snapshot.h"
#include "calls.h"
#include "capable.h"
#include "enter.h"
#include "flow.h"
#include "ondemand.h"
#include "rich.h"
#include "signal.h"
#include "sysctl.h"
#include "uring.h"

char _license[] SEC("license") = "Dual BSD/GPL";

// What bpf2go makes Go types of.
struct record *record_type __attribute__((unused));
struct part *part_type __attribute__((unused));
struct file_info *file_info_type __attribute__((unused));
struct call *call_type __attribute__((unused));
struct filter *filter_type __attribute__((unused));
struct name_key *name_key_type __attribute__((unused));
struct folder_key *folder_key_type __attribute__((unused));
struct bpf_object *bpf_object_type __attribute__((unused));
struct socket_info *socket_info_type __attribute__((unused));
struct packet_info *packet_info_type __attribute__((unused));
struct kill *kill_type __attribute__((unused));
struct kill_text *kill_text_type __attribute__((unused));
struct kill_inode *kill_inode_type __attribute__((unused));
struct kill_report *kill_report_type __attribute__((unused));
struct folder_value *folder_value_type __attribute__((unused));
enum event_type *event_type_type __attribute__((unused));
enum part_kind *part_kind_type __attribute__((unused));
