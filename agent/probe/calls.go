package probe

import (
	"fmt"
	"slices"
	"strings"

	"nightjar/agent/abi"
	"nightjar/agent/bpf"
)

// row says of a system call which event it is, and what its record carries. To
// add an event that is a system call, add its rows here and its reading to
// package decode.
type row struct {
	event   string
	call    string // as in package abi
	wants   []want
	guard   guard
	handler uint8 // 0: the general one
	name    uint8 // how the kernel finds the name that approves
	value   uint8 // the argument that approved values are of
	flags   uint8
}

// guard is a condition on an argument: it has one of the bits of mask, or, with
// equal, is it.
type guard struct {
	arg   uint8
	equal bool
	mask  uint64
}

// want is one thing of a record, as struct want of wire.h.
type want struct {
	kind, arg, arg2 uint8
	part            bpf.Part
	size            uint16
}

// As in wire.h.
const (
	wantFile = iota + 1
	wantPath
	wantText
	wantBytes
	wantCWD
	wantBPF
	wantSaved
	wantFilter
	wantSocket
)

const (
	returned = 6
	cwd      = 7
	none     = 8
)

const (
	nameUnknown = iota
	nameFile
	namePath
)

const (
	success = 1
	moves   = 2
	failure = 4
	vector  = 8
	kept    = 16
	packed  = 32
)

func file(arg uint8) want     { return want{kind: wantFile, arg: arg, part: bpf.PartFile} }
func socket(arg uint8) want   { return want{kind: wantSocket, arg: arg, part: bpf.PartSocket} }
func workingFolder() want     { return want{kind: wantCWD, part: bpf.PartFile} }
func path(at, dir uint8) want { return want{kind: wantPath, arg: at, arg2: dir, part: bpf.PartPath} }
func path2(at, dir uint8) want {
	return want{kind: wantPath, arg: at, arg2: dir, part: bpf.PartPath2}
}
func text(at uint8) want { return want{kind: wantText, arg: at, part: bpf.PartText, size: 256} }
func bytes(at uint8, size uint16) want {
	return want{kind: wantBytes, arg: at, arg2: none, part: bpf.PartBytes, size: size}
}
func bytesOf(at, length uint8, most uint16) want {
	return want{kind: wantBytes, arg: at, arg2: length, part: bpf.PartBytes, size: most}
}

// saved is the number that was saved when the call began, as an argument.
func saved(as uint8) want { return want{kind: wantSaved, arg: as} }

// savedText is the text that was saved.
func savedText() want { return want{kind: wantSaved, arg: 3, part: bpf.PartText2} }

func when(arg uint8, equal uint64) guard { return guard{arg, true, equal} }
func bits(arg uint8, mask uint64) guard  { return guard{arg, false, mask} }

var always = guard{arg: none}

// sharp is what a row has that differs from the most frequent.
type sharp func(*row)

func named(how uint8) sharp     { return func(r *row) { r.name = how } }
func valued(arg uint8) sharp    { return func(r *row) { r.value = arg } }
func guarded(g guard) sharp     { return func(r *row) { r.guard = g } }
func flagged(flags uint8) sharp { return func(r *row) { r.flags = flags } }

// keeping are the types of events for which LSM hooks keep what they saw.
var keeping = []string{"chmod", "chown", "link", "mkdir", "mount", "rename", "rmdir", "unlink"}

func on(event, call string, wants []want, more ...sharp) row {
	r := row{event: event, call: call, wants: wants, guard: always, value: none}
	for _, m := range more {
		m(&r)
	}
	if slices.Contains(keeping, event) && r.name != nameFile {
		r.flags |= kept
	}
	return r
}

const maxAddress = 28 // bytes of an address of IPv6, with its family and port

const removeFolder = 0x200 // AT_REMOVEDIR

// rows are the system calls that are events. Where a call has several rows, the
// first whose guard holds is it.
var rows = func() []row {
	var out []row
	add := func(r ...row) { out = append(out, r...) }
	add(
		on("open", "open", []want{file(returned), path(0, cwd)}, named(nameFile), valued(1)),
		on("open", "creat", []want{file(returned), path(0, cwd)}, named(nameFile)),
		on("open", "openat", []want{file(returned), path(1, 0)}, named(nameFile), valued(2)),
		on("open", "openat2", []want{file(returned), path(1, 0), bytes(2, 24)}, named(nameFile)),
		on("open", "open_by_handle_at", []want{file(returned)}, named(nameFile), valued(2)),

		on("chmod", "chmod", []want{path(0, cwd)}),
		on("chmod", "fchmod", []want{file(0)}, named(nameFile)),
		on("chmod", "fchmodat", []want{path(1, 0)}),
		on("chmod", "fchmodat2", []want{path(1, 0)}),
		on("chown", "fchownat", []want{path(1, 0)}),
		on("utimes", "utime", []want{path(0, cwd)}),
		on("utimes", "utimes", []want{path(0, cwd)}),
		on("utimes", "futimesat", []want{path(1, 0)}),
		on("utimes", "utimensat", []want{path(1, 0)}),
		on("utimes", "utimensat_time64", []want{path(1, 0)}),

		on("link", "link", []want{path(0, cwd), path2(1, cwd)}),
		on("link", "linkat", []want{path(1, 0), path2(3, 2)}),
		on("mkdir", "mkdir", []want{path(0, cwd)}, named(namePath)),
		on("mkdir", "mkdirat", []want{path(1, 0)}, named(namePath)),
		on("rmdir", "rmdir", []want{path(0, cwd)}, named(namePath), flagged(moves)), // its inode may be another's soon
		on("rmdir", "unlinkat", []want{path(1, 0)}, named(namePath), guarded(bits(2, removeFolder)), flagged(moves)),
		on("unlink", "unlink", []want{path(0, cwd)}, named(namePath)),
		on("unlink", "unlinkat", []want{path(1, 0)}, named(namePath)),
		on("rename", "rename", []want{path(0, cwd), path2(1, cwd)}, named(namePath), flagged(moves)),
		on("rename", "renameat", []want{path(1, 0), path2(3, 2)}, named(namePath), flagged(moves)),
		on("rename", "renameat2", []want{path(1, 0), path2(3, 2)}, named(namePath), flagged(moves)),
		on("chdir", "chdir", []want{workingFolder(), path(0, cwd)}),
		on("chdir", "fchdir", []want{workingFolder()}),

		on("mount", "mount", []want{path(1, cwd), path2(0, cwd), text(2)}, flagged(moves)),
		on("mount", "move_mount", []want{path(3, 2), path2(1, 0)}, flagged(moves)),
		on("", "umount", nil, flagged(moves)),
		on("", "umount2", nil, flagged(moves)),
		on("", "pivot_root", nil, flagged(moves)),

		on("mmap", "mmap", []want{file(4)}, named(nameFile), valued(2)),
		on("mmap", "mmap2", []want{file(4)}, named(nameFile), valued(2)),
		on("mprotect", "mprotect", []want{saved(3)}, valued(2)),
		on("mprotect", "pkey_mprotect", []want{saved(3)}, valued(2)),
		on("ptrace", "ptrace", nil),
		on("capset", "capset", nil, flagged(success)),
		on("prctl", "prctl", []want{text(1)}, guarded(when(0, 15))), // PR_SET_NAME
		on("prctl", "prctl", nil),
		on("setrlimit", "setrlimit", []want{bytes(1, 16)}),
		on("setrlimit", "prlimit64", []want{bytes(2, 16)}, guarded(bits(2, 1<<64-1))),
		on("splice", "splice", []want{file(0), saved(3)}, named(nameFile)),
		on("bpf", "bpf", []want{bytesOf(1, 2, 160), {kind: wantBPF}}, valued(0)),
		on("load_module", "finit_module", []want{file(0), text(1), savedText()}, named(nameFile)),
		on("load_module", "init_module", []want{text(2), savedText()}),
		on("unload_module", "delete_module", []want{text(0)}),
		on("tracer_memfd_seal", "fcntl", []want{file(0)}, guarded(when(1, 1033))), // F_ADD_SEALS
		on("tracer_memfd_seal", "fcntl64", []want{file(0)}, guarded(when(1, 1033))),
	)
	for _, wide := range []string{"", "32"} {
		add(
			on("chown", "chown"+wide, []want{path(0, cwd)}),
			on("chown", "lchown"+wide, []want{path(0, cwd)}),
			on("chown", "fchown"+wide, []want{file(0)}, named(nameFile)),
		)
		for _, id := range []string{"uid", "gid"} {
			for _, call := range []string{"set" + id, "setre" + id, "setres" + id, "setfs" + id} {
				add(on("set"+id, call+wide, nil, flagged(success)))
			}
		}
	}
	for _, link := range []string{"", "l"} {
		add(
			on("setxattr", link+"setxattr", []want{path(0, cwd), text(1)}),
			on("removexattr", link+"removexattr", []want{path(0, cwd), text(1)}),
		)
	}
	add(
		on("setxattr", "fsetxattr", []want{file(0), text(1)}, named(nameFile)),
		on("setxattr", "setxattrat", []want{path(1, 0), text(3)}),
		on("removexattr", "fremovexattr", []want{file(0), text(1)}, named(nameFile)),
		on("removexattr", "removexattrat", []want{path(1, 0), text(3)}),
	)
	for _, call := range []string{"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"} {
		// on_signal tells of those that arrive; 0 only asks, and nothing arrives.
		number := uint8(1)
		if strings.Contains(call, "tg") {
			number = 2
		}
		add(on("signal", call, nil, guarded(when(number, 0))), on("signal", call, nil, flagged(failure)))
	}
	option := []want{socket(0), {kind: wantFilter, arg: 3}}
	address := bytesOf(1, 2, maxAddress)
	add(
		on("bind", "bind", []want{socket(0), address}),
		on("connect", "connect", []want{socket(0), address}),
		on("accept", "accept", []want{socket(returned)}),
		on("accept", "accept4", []want{socket(returned)}),
		// Programs of 32 bits ask for all of them with one call.
		on("bind", "socketcall", []want{socket(0), address}, guarded(when(0, 2)), flagged(packed)),
		on("connect", "socketcall", []want{socket(0), address}, guarded(when(0, 3)), flagged(packed)),
		on("accept", "socketcall", []want{socket(returned)}, guarded(when(0, 5)), flagged(packed)),
		on("accept", "socketcall", []want{socket(returned)}, guarded(when(0, 18)), flagged(packed)),
		on("setsockopt", "setsockopt", option, valued(2)),
		on("setsockopt", "socketcall", option, guarded(when(0, 14)), flagged(packed)),
	)
	for call, flags := range map[string]uint8{"write": 0, "pwrite64": 0, "writev": vector, "pwritev": vector, "pwritev2": vector} {
		for _, event := range []string{"selinux", "login_uid_write"} {
			add(row{event: event, call: call, handler: writeHandler, guard: always, value: none, flags: flags})
		}
	}
	return out
}()

// callsOf fills the tables of calls: by number, and what further rows of the same
// number there are. Where one row of a number is wanted, all are there, and always in the
// same places, so that a table can become another while the kernel reads it: an event of
// a type that is not wanted ends at the filter of its type.
func callsOf(wanted map[string]bool) ([]bpf.Call, error) {
	asked := map[int]bool{}
	each(func(at int, r row) { asked[at] = asked[at] || wanted[r.event] })
	table := make([]bpf.Call, calls+callsMore)
	next, used := calls, map[int]int{} // number → where its last row stands
	each(func(at int, r row) {
		place, again := at, false
		if used[at] > 0 {
			place, again = next, true
			next++
		}
		if !asked[at] {
			used[at] = place + 1
			if r.flags&moves == 0 || again {
				return
			}
			r.event, r.wants = "", nil // only that names of folders may change
		}
		if place >= len(table) {
			return
		}
		if again && asked[at] {
			table[used[at]-1].Next = uint32(place)
		}
		used[at] = place + 1
		table[place] = r.call64()
	})
	if next > len(table) {
		return nil, fmt.Errorf("%d further rows of system calls: there is room for %d", next-calls, callsMore)
	}
	return table, nil
}

// each calls f for every row and number of it.
func each(f func(at int, r row)) {
	for _, r := range rows {
		for compat, numbers := range []map[string]int{abi.Native, abi.Compat} {
			if nr, ok := numbers[r.call]; ok {
				f(nr+compat*calls/2, r)
			}
		}
	}
}

// As in maps.h and wire.h.
const (
	calls       = 1024
	callsMore   = 128
	typeOfMoves = 63
)

func (r row) call64() bpf.Call {
	c := bpf.Call{
		Type: uint8(bpf.TypeOf(r.event)), Handler: r.handler, Name: r.name, FilterArg: r.value, Flags: r.flags,
		Guard: r.guard.arg, GuardMask: r.guard.mask,
	}
	if r.event == "" {
		c.Type = typeOfMoves
	}
	if r.guard.equal {
		c.GuardEqual = 1
	}
	for i, w := range r.wants {
		c.Want[i].Kind, c.Want[i].Part, c.Want[i].Arg, c.Want[i].Arg2, c.Want[i].Size = w.kind, uint8(w.part), w.arg, w.arg2, w.size
	}
	return c
}
