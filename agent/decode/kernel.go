package decode

import (
	"bytes"
	"encoding/binary"
	"path"
	"strings"

	"nightjar/agent/bpf"
	"nightjar/secl/event"
)

func init() {
	register(map[string]fill{
		"mmap": func(d *Decoder, e *event.Event, r bpf.Record) {
			d.file(e, &e.File, r, bpf.PartFile)
			e.Memory.Protection, e.Memory.Flags = int64(r.Num[2]), int64(r.Num[3])
		},
		"mprotect": func(d *Decoder, e *event.Event, r bpf.Record) { e.Memory.ReqProtection = int64(r.Num[2]) },
		"ptrace": func(d *Decoder, e *event.Event, r bpf.Record) {
			e.Ptrace.Request = int64(r.Num[0])
			e.Target = d.Cache.ByPID(r, uint32(r.Num[1]))
		},
		"signal": signal,
		"setuid": func(d *Decoder, e *event.Event, r bpf.Record) {
			p := e.Process
			e.SetUID = event.Identity{ID: p.UID, Effective: p.EUID, FS: p.FSUID, Name: p.User, EffectiveName: p.EUser, FSName: p.FSUser}
		},
		"setgid": func(d *Decoder, e *event.Event, r bpf.Record) {
			p := e.Process
			e.SetGID = event.Identity{ID: p.GID, Effective: p.EGID, FS: p.FSGID, Name: p.Group, EffectiveName: p.EGroup, FSName: p.FSGroup}
		},
		"capset": func(d *Decoder, e *event.Event, r bpf.Record) {
			e.Capabilities.Effective, e.Capabilities.Permitted = e.Process.CapEffective, e.Process.CapPermitted
		},
		"prctl": func(d *Decoder, e *event.Event, r bpf.Record) {
			e.Prctl.Option = int64(r.Num[0])
			const most = 15 // bytes of a thread's name
			e.Prctl.Name = r.Text(bpf.PartText)
			e.Prctl.Truncated = len(e.Prctl.Name) > most
		},
		"setrlimit": setrlimit,
		"mount":     mounted,
		"load_module": func(d *Decoder, e *event.Event, r bpf.Record) {
			m := &e.LoadModule
			m.InRAM = !d.file(e, &e.File, r, bpf.PartFile)
			m.Args, m.Truncated = r.Text(bpf.PartText), len(r.Part(bpf.PartText)) >= maxText
			m.Argv = strings.Fields(m.Args)
			m.Name = r.Text(bpf.PartText2)
			if m.Name == "" && !m.InRAM {
				name, _, _ := strings.Cut(path.Base(e.File.Path), ".ko")
				m.Name = strings.ReplaceAll(name, "-", "_")
			}
		},
		"unload_module": func(d *Decoder, e *event.Event, r bpf.Record) { e.LoadModule.Name = r.Text(bpf.PartText) },
		"bpf":           bpfCommand,
		"cgroup_write": func(d *Decoder, e *event.Event, r bpf.Record) {
			g := d.Cache.CGroups.Moved(r)
			e.File.SetPath(path.Join(g.ID, "cgroup.procs"))
			e.CGroupWrite.PID = int64(r.Num[2])
		},
	})
}

// maxText is how long the texts of records are at most, without their zero.
const maxText = 255

func signal(d *Decoder, e *event.Event, r bpf.Record) {
	pid, number := r.Num[0], r.Num[1]
	switch call(r) {
	case "tgkill", "rt_tgsigqueueinfo":
		number = r.Num[2]
	case "pidfd_send_signal":
		pid = 0
	}
	e.Signal.Type, e.Signal.PID = int64(int32(number)), int64(int32(pid))
	e.Target = d.Cache.ByPID(r, uint32(pid))
}

func setrlimit(d *Decoder, e *event.Event, r bpf.Record) {
	e.Setrlimit.Resource = int64(int32(r.Num[0]))
	e.Target = e.Process
	limits := r.Part(bpf.PartBytes)
	if call(r) == "prlimit64" {
		e.Setrlimit.Resource = int64(int32(r.Num[1]))
		if pid := uint32(r.Num[0]); pid != 0 {
			e.Target = d.Cache.ByPID(r, pid)
		}
	} else if r.Has(bpf.Compat) && len(limits) >= 8 {
		e.Setrlimit.Current = int64(binary.NativeEndian.Uint32(limits))
		e.Setrlimit.Max = int64(binary.NativeEndian.Uint32(limits[4:]))
		return
	}
	if len(limits) >= 16 {
		e.Setrlimit.Current = int64(binary.NativeEndian.Uint64(limits))
		e.Setrlimit.Max = int64(binary.NativeEndian.Uint64(limits[8:]))
	}
}

func mounted(d *Decoder, e *event.Event, r bpf.Record) {
	m := &e.Mount
	e.Syscall.DestinationPath, e.Syscall.Path, e.Syscall.FSType = r.Text(bpf.PartPath), r.Text(bpf.PartPath2), r.Text(bpf.PartText)
	m.FSType = e.Syscall.FSType
	var at event.File
	d.resolve(e, &at, d.written(r, bpf.PartPath, bpf.PartBase), true)
	m.MountpointPath = at.Path
	const bind = 0x1000 // MS_BIND
	switch {
	case call(r) == "move_mount" || r.Num[3]&bind != 0:
		m.SourcePath = d.written(r, bpf.PartPath2, bpf.PartBase2)
		m.RootPath = m.SourcePath
	case strings.HasPrefix(e.Syscall.Path, "/"):
		m.SourcePath = clean(e.Syscall.Path)
		m.RootPath = "/"
	default:
		m.RootPath = "/"
	}
	if m.FSType == "" {
		m.FSType = at.Filesystem
	}
	m.Visible = true
}

// Where union bpf_attr has what is told of a map and of a program.
const (
	mapCreate, progLoad   = 0, 5
	mapNameAt, progNameAt = 28, 48
	attachTypeAt          = 68
	objectName            = 16
)

func bpfCommand(d *Decoder, e *event.Event, r bpf.Record) {
	b := &e.BPF
	b.Cmd = int64(r.Num[0])
	attr := r.Part(bpf.PartBytes)
	u32 := func(at int) int64 {
		if len(attr) < at+4 {
			return 0
		}
		return int64(binary.NativeEndian.Uint32(attr[at:]))
	}
	text := func(at int) string {
		if len(attr) < at {
			return ""
		}
		name, _, _ := bytes.Cut(attr[at:min(at+objectName, len(attr))], []byte{0})
		return string(name)
	}
	switch b.Cmd {
	case mapCreate:
		b.MapType, b.MapName = u32(0), text(mapNameAt)
	case progLoad:
		b.ProgType, b.ProgName, b.AttachType = u32(0), text(progNameAt), u32(attachTypeAt)
		b.Helpers = helpers(r.Part(bpf.PartBytes2))
	}
}

// helpers are the functions of the kernel that a program calls.
func helpers(code []byte) []int64 {
	const size, callCode, helper = 8, 0x85, 0
	var out []int64
	seen := map[int64]bool{}
	for ; len(code) >= size; code = code[size:] {
		id := int64(int32(binary.NativeEndian.Uint32(code[4:])))
		if code[0] == callCode && code[1]>>4 == helper && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
