package decode

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"path"
	"strconv"
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
		"mprotect": func(d *Decoder, e *event.Event, r bpf.Record) {
			e.Memory.ReqProtection, e.Memory.VMProtection = int64(r.Num[2]), int64(r.Num[3])
		},
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
		"capabilities": func(d *Decoder, e *event.Event, r bpf.Record) {
			e.Capabilities.Attempted, e.Capabilities.Used = int64(r.Num[0]), int64(r.Num[1])
			e.Process.CapsAttempted, e.Process.CapsUsed = e.Capabilities.Attempted, e.Capabilities.Used
		},
		"ondemand": func(d *Decoder, e *event.Event, r bpf.Record) {
			o := &e.OnDemand
			if at := r.Num[4]; at < uint64(len(d.Functions)) {
				o.Name = d.Functions[at]
			}
			for i, part := range []bpf.Part{bpf.PartText, bpf.PartText2, bpf.PartText3, bpf.PartBytes} {
				o.Str[i], o.Uint[i] = r.Text(part), int64(r.Num[i])
			}
		},
		"sysctl":  sysctl,
		"selinux": selinux,
		"login_uid_write": func(d *Decoder, e *event.Event, r bpf.Record) {
			id, _ := strconv.ParseUint(strings.TrimSpace(r.Text(bpf.PartText)), 10, 32)
			e.LoginUID = int64(id)
			if strings.HasPrefix(r.Text(bpf.PartText), "-1") {
				e.LoginUID = event.AuditUnset
			}
		},
		"cgroup_write": func(d *Decoder, e *event.Event, r bpf.Record) {
			g := d.Cache.CGroups.Moved(r)
			e.File.SetPath(path.Join(g.ID, "cgroup.procs"))
			e.CGroupWrite.PID = int64(r.Num[2])
		},
	})
}

// maxText is how long the texts of records are at most, without their zero.
const maxText = 255

// maxSysctl is how long a name or a value of a parameter is at most, as in
// sysctl.h.
const maxSysctl = 1023

func sysctl(d *Decoder, e *event.Event, r bpf.Record) {
	s := &e.Sysctl
	s.Action, s.Position = int64(r.Num[0]), int64(r.Num[1])
	s.Name = r.Text(bpf.PartText)
	s.OldValue, s.Value = strings.TrimRight(r.Text(bpf.PartText2), "\n\x00"), strings.TrimRight(r.Text(bpf.PartText3), "\n\x00")
	const read = 1
	if s.Action == read {
		s.Value, s.OldValue = s.OldValue, ""
	}
	s.NameTruncated, s.ValueTruncated, s.OldTruncated = len(s.Name) >= maxSysctl, len(s.Value) >= maxSysctl, len(s.OldValue) >= maxSysctl
}

// selinux reads what was written to a file of selinuxfs.
func selinux(d *Decoder, e *event.Event, r bpf.Record) {
	_, at := r.File(bpf.PartFile)
	value := strings.TrimSpace(r.Text(bpf.PartText))
	folder, name := path.Split(at)
	states := map[string]string{"0": "off", "1": "on"}
	switch {
	case name == "enforce":
		e.SELinux.Enforce = map[string]string{"0": "permissive", "1": "enforcing"}[value]
	case name == "disable" && value == "1":
		e.SELinux.Enforce = "disabled"
	case name == "commit_pending_bools":
		e.SELinux.Commit = value == "1"
	case path.Base(folder) == "booleans":
		e.SELinux.BoolName, e.SELinux.BoolState = name, states[value]
	}
}

func signal(d *Decoder, e *event.Event, r bpf.Record) {
	if r.Call == 0 && r.Num[3] != 0 { // one that arrived
		e.Signal.Type, e.Signal.PID = int64(r.Num[1]), int64(r.Num[0])
		e.Target = d.Cache.Get(uint32(r.Num[0]))
		return
	}
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
	if !d.file(e, &at, r, bpf.PartFile) {
		d.resolve(e, &at, d.written(r, bpf.PartPath, bpf.PartBase), followed)
	}
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
	switch o := r.Object(); {
	case o == nil:
	case o.IsProg != 0:
		b.ProgType, b.ProgName, b.AttachType, b.ProgTag = int64(o.Type), bpf.Name(o), int64(o.AttachType), hex.EncodeToString(o.Tag[:])
	default:
		b.MapType, b.MapName = int64(o.Type), bpf.Name(o)
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
