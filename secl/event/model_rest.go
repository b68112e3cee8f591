package event

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"strings"

	"nightjar/secl"
)

type netPrefix = netip.Prefix

// maxBPFName is how long the kernel lets the name of a map or a program be.
const maxBPFName = 15

// atMost bounds what a field can be compared with.
func atMost(n int) option {
	return func(f *secl.Field) {
		f.Check = func(v secl.Value) error {
			if v.Form == secl.Scalar && len(v.Text) > n {
				return fmt.Errorf("it has at most %d bytes", n)
			}
			return nil
		}
	}
}

// uuid4 is a random identifier of version 4 (RFC 9562).
func uuid4() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// AuditUnset is the login user of who never logged in.
const AuditUnset = 1<<32 - 1

func declareConstants(m *secl.Model) {
	add := func(family string, list []number, value func(int64) int64) {
		for _, n := range list {
			m.AddConstant(secl.Constant{Name: n.name, Family: family, Value: secl.IntValue(value(n.value))})
		}
	}
	as := func(v int64) int64 { return v }
	add("errors", errnos, func(v int64) int64 { return -v })
	add("open flags", openFlags, as)
	add("file modes", fileModes, as)
	add("capabilities", capabilities, func(v int64) int64 { return 1 << v })
	add("signals", signals, as)
	add("ptrace requests", ptraceRequests, as)
	add("protections", protections, as)
	add("mmap flags", mapFlags, as)
	add("memory flags", memoryFlags, as)
	add("pipe flags", pipeFlags, as)
	add("unlink flags", []number{{"AT_REMOVEDIR", 0x200}}, as)
	add("address families", addressFamilies, as)
	add("ethertypes", etherTypes, as)
	add("IP protocols", ipProtocols, as)
	add("DNS types", dnsTypes, as)
	add("DNS classes", dnsClasses, as)
	add("BPF commands", bpfCommands, as)
	add("BPF map types", bpfMapTypes, as)
	add("BPF program types", bpfProgramTypes, as)
	add("BPF attach types", bpfAttachTypes, as)
	for i, name := range bpfHelpers {
		m.AddConstant(secl.Constant{Name: "BPF_" + name, Family: "BPF helpers", Value: secl.IntValue(int64(i))})
	}
	add("exit causes", []number{{"EXITED", 0}, {"COREDUMPED", 1}, {"SIGNALED", 2}}, as)
	add("audit", []number{{"AUDIT_AUID_UNSET", AuditUnset}}, as)
	add("prctl options", prctlOptions, as)
	add("socket levels", socketLevels, as)
	add("socket options", socketOptions, as)
	add("TLS versions", tlsVersions, as)
	add("network directions", []number{{"EGRESS", 1}, {"INGRESS", 2}}, as)
	add("sysctl actions", []number{{"SYSCTL_READ", 1}, {"SYSCTL_WRITE", 2}}, as)
}

// declareWindows declares what only an agent on Windows sees. Letter case does
// not count in any of it.
func declareWindows(d *declarer) {
	const why = "only an agent on Windows sees it"
	text := func(names ...string) {
		for _, name := range names {
			event := name[:strings.IndexByte(name, '.')]
			if strings.HasPrefix(name, "fim.write.") {
				event = "fim.write"
			}
			if event == "process" {
				event = ""
			}
			d.AddField(secl.Field{Name: name, Event: event, Fold: true, Measured: true, Never: why, Read: func(*secl.Context) string { return "" }})
		}
	}
	for _, e := range []string{"create", "delete", "rename", "write", "fim.write"} {
		for _, part := range []string{"", "destination."} {
			if part != "" && e != "rename" {
				continue
			}
			prefix := e + ".file." + part
			text(prefix + "device_path")
			if e != "rename" {
				text(prefix+"path", prefix+"name", prefix+"extension")
			}
		}
	}
	for _, e := range []string{"create", "create_key", "open_key", "delete_key", "set"} {
		for _, part := range []string{"registry", "registry.key"} {
			if part == "registry" {
				text(e+".registry.key_name", e+".registry.key_path")
			} else if e == "set" {
				text("set.registry.value_name", "set.value_name")
			}
		}
		text(e+".key_name", e+".key_path")
	}
	text("exec.cmdline", "exec.file.device_path", "exec.user_sid", "exit.cmdline", "exit.file.device_path",
		"process.cmdline", "process.file.device_path", "process.user_sid", "process.parent.cmdline", "process.parent.file.device_path",
		"process.parent.user_sid",
		"change_permission.path", "change_permission.type", "change_permission.username", "change_permission.user_domain",
		"change_permission.old_sd", "change_permission.new_sd")
}

// declareAliases declares the names that fields had before version 7.27, which
// old policies use.
func declareAliases(m *secl.Model) {
	m.AddAlias("async", "event.async")
	for _, f := range m.Fields() {
		prefix, ok := strings.CutSuffix(f.Name, "file.path")
		if !ok || f.Never != "" {
			continue
		}
		m.AddAlias(prefix+"filename", prefix+"file.path")
		m.AddAlias(prefix+"basename", prefix+"file.name")
		for _, part := range []string{"inode", "mount_id", "overlay_numlower"} {
			if m.Field(prefix+part) == nil && m.Field(prefix+"file."+part) != nil {
				m.AddAlias(prefix+part, prefix+"file."+part)
			}
		}
		if m.Field(prefix+"name") == nil {
			m.AddAlias(prefix+"name", prefix+"file.name")
		}
	}
	for _, names := range [][2]string{
		{"open.mode", "open.file.destination.mode"}, {"chmod.mode", "chmod.file.destination.mode"}, {"mkdir.mode", "mkdir.file.destination.mode"},
		{"chown.uid", "chown.file.destination.uid"}, {"chown.gid", "chown.file.destination.gid"},
		{"chown.user", "chown.file.destination.user"}, {"chown.group", "chown.file.destination.group"},
		{"setxattr.namespace", "setxattr.file.destination.namespace"}, {"setxattr.name", "setxattr.file.destination.name"},
		{"removexattr.namespace", "removexattr.file.destination.namespace"}, {"removexattr.name", "removexattr.file.destination.name"},
		{"rename.old.filename", "rename.file.path"}, {"rename.old.basename", "rename.file.name"},
		{"rename.new.filename", "rename.file.destination.path"}, {"rename.new.basename", "rename.file.destination.name"},
		{"link.source.filename", "link.file.path"}, {"link.source.basename", "link.file.name"},
		{"link.target.filename", "link.file.destination.path"}, {"link.target.basename", "link.file.destination.name"},
		{"connect.server.addr.ip", "connect.addr.ip"}, {"connect.server.addr.port", "connect.addr.port"},
		{"connect.server.addr.family", "connect.addr.family"}, {"connect.server.addr.is_public", "connect.addr.is_public"},
		{"connect.server.addr.hostname", "connect.addr.hostname"}, {"create.registry.key", "create.registry.key_path"},
	} {
		m.AddAlias(names[0], names[1])
	}
}
