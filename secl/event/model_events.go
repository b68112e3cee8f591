package event

import (
	"strings"

	"nightjar/secl"
)

// syscallEvents are the events that tell of a system call.
var syscallEvents = strings.Fields("accept bind bpf capset chdir chmod chown connect link load_module mkdir mmap mount mprotect open " +
	"prctl ptrace removexattr rename rmdir setrlimit setsockopt setxattr signal splice unlink unload_module utimes")

func declareFiles(d *declarer) {
	for _, name := range syscallEvents {
		field(d, block[Event]{prefix: name + ".", stored: "syscall.", event: name, at: self}, "retval", func(e *Event) *int64 { return &e.Retval },
			family("errors"), doc("what the call returned; an error is negative"))
	}
	for _, name := range strings.Fields("chdir chmod chown link load_module mkdir mmap open removexattr rename rmdir setxattr splice unlink utimes cgroup_write") {
		fileFields(d, fileOf(name))
	}
	for _, name := range []string{"rename", "link"} {
		b := fileOf(name)
		b.prefix, b.stored, b.at = b.prefix+"destination.", b.stored+"destination.", func(e *Event, _ bool) *File { return &e.Destination }
		fileFields(d, b)
	}
	destination := func(name string) block[File] {
		return block[File]{prefix: name + ".file.destination.", stored: "file.destination.", event: name, at: func(e *Event, _ bool) *File { return &e.Destination }}
	}
	for _, name := range []string{"open", "chmod", "mkdir"} {
		field(d, destination(name), "mode", func(f *File) *int64 { return &f.Mode }, family("file modes"), doc("the mode that was asked for"))
		rightsField(d, destination(name))
	}
	chown := destination("chown")
	field(d, chown, "uid", func(f *File) *int64 { return &f.UID }, doc("-1: as it was"))
	field(d, chown, "gid", func(f *File) *int64 { return &f.GID }, doc("-1: as it was"))
	field(d, chown, "user", func(f *File) *string { return &f.User })
	field(d, chown, "group", func(f *File) *string { return &f.Group })
	for _, name := range []string{"setxattr", "removexattr"} {
		b := block[Xattr]{prefix: name + ".file.destination.", stored: "file.destination.", event: name, at: func(e *Event, _ bool) *Xattr { return &e.Xattr }}
		field(d, b, "namespace", func(x *Xattr) *string { return &x.Namespace })
		field(d, b, "name", func(x *Xattr) *string { return &x.Name })
	}
	declareSyscalls(d)
}

func fileOf(name string) block[File] {
	return block[File]{prefix: name + ".file.", stored: "file.", event: name, at: func(e *Event, _ bool) *File { return &e.File }}
}

// declareSyscalls declares the arguments as the caller wrote them.
func declareSyscalls(d *declarer) {
	of := func(name string) block[Syscall] {
		return block[Syscall]{prefix: name + ".syscall.", stored: "syscall.", event: name, at: func(e *Event, _ bool) *Syscall { return &e.Syscall }}
	}
	for _, name := range strings.Fields("open chmod chown rename link unlink utimes chdir exec") {
		field(d, of(name), "path", func(s *Syscall) *string { return &s.Path }, segments, doc("the path as it was written"))
	}
	for _, name := range []string{"rename", "link"} {
		field(d, of(name), "destination.path", func(s *Syscall) *string { return &s.DestinationPath }, segments)
	}
	for _, name := range []string{"open", "unlink"} {
		field(d, of(name), "flags", func(s *Syscall) *int64 { return &s.Flags }, family("open flags"))
	}
	for _, name := range []string{"open", "chmod"} {
		field(d, of(name), "mode", func(s *Syscall) *int64 { return &s.Mode }, family("file modes"))
	}
	field(d, of("chown"), "uid", func(s *Syscall) *int64 { return &s.UID })
	field(d, of("chown"), "gid", func(s *Syscall) *int64 { return &s.GID })
	field(d, of("unlink"), "dirfd", func(s *Syscall) *int64 { return &s.DirFD })
	field(d, of("mount"), "source.path", func(s *Syscall) *string { return &s.Path }, segments)
	field(d, of("mount"), "mountpoint.path", func(s *Syscall) *string { return &s.DestinationPath }, segments)
	field(d, of("mount"), "fs_type", func(s *Syscall) *string { return &s.FSType })
}

func endpointFields(d *declarer, b block[Endpoint]) {
	field(d, b, "ip", func(p *Endpoint) *netPrefix { return &p.IP })
	field(d, b, "port", func(p *Endpoint) *int64 { return &p.Port })
	field(d, b, "is_public", func(p *Endpoint) *bool { return &p.IsPublic })
}

func declareNetwork(d *declarer) {
	sockets := map[string]func(*Event, bool) *Socket{
		"accept":  func(e *Event, _ bool) *Socket { return &e.Accept },
		"bind":    func(e *Event, _ bool) *Socket { return &e.Bind },
		"connect": func(e *Event, _ bool) *Socket { return &e.Connect },
	}
	for name, at := range sockets {
		b := block[Socket]{prefix: name + ".", event: name, at: at}
		endpointFields(d, within(b, "addr.", func(s *Socket) *Endpoint { return &s.Endpoint }))
		field(d, b, "addr.family", func(s *Socket) *int64 { return &s.Family }, family("address families"))
		field(d, b, "protocol", func(s *Socket) *int64 { return &s.Protocol }, family("IP protocols"))
		if name != "bind" {
			field(d, b, "addr.hostname", func(s *Socket) *[]string { return &s.Hostnames }, func(f *secl.Field) { f.Fold = true })
		}
	}
	n := block[Network]{prefix: "network.", at: func(e *Event, _ bool) *Network { return &e.Network }}
	networkFields(d, n)
	packet := block[Network]{prefix: "packet.", event: "packet", at: n.at}
	networkFields(d, packet)
	p := block[Packet]{prefix: "packet.", event: "packet", at: func(e *Event, _ bool) *Packet { return &e.Packet }}
	field(d, p, "filter", func(p *Packet) *string { return &p.Filter }, doc("a filter in the language of pcap"))
	field(d, p, "tls.version", func(p *Packet) *int64 { return &p.TLS }, family("TLS versions"))

	q := block[DNS]{prefix: "dns.", event: "dns", at: func(e *Event, _ bool) *DNS { return &e.DNS }}
	field(d, q, "id", func(q *DNS) *int64 { return &q.ID })
	field(d, q, "question.name", func(q *DNS) *string { return &q.Name }, domain)
	field(d, q, "question.type", func(q *DNS) *int64 { return &q.Type }, family("DNS types"))
	field(d, q, "question.class", func(q *DNS) *int64 { return &q.Class }, family("DNS classes"))
	field(d, q, "question.length", func(q *DNS) *int64 { return &q.Length })
	field(d, q, "question.count", func(q *DNS) *int64 { return &q.Count })
	field(d, q, "response.code", func(q *DNS) *int64 { return &q.Response })

	i := block[IMDS]{prefix: "imds.", event: "imds", at: func(e *Event, _ bool) *IMDS { return &e.IMDS }}
	for name, at := range map[string]func(*IMDS) *string{
		"type": func(i *IMDS) *string { return &i.Type }, "url": func(i *IMDS) *string { return &i.URL },
		"host": func(i *IMDS) *string { return &i.Host }, "user_agent": func(i *IMDS) *string { return &i.UserAgent },
		"server": func(i *IMDS) *string { return &i.Server }, "cloud_provider": func(i *IMDS) *string { return &i.Provider },
		"aws.security_credentials.type": func(i *IMDS) *string { return &i.Credentials },
	} {
		field(d, i, name, at)
	}
	field(d, i, "aws.is_imds_v2", func(i *IMDS) *bool { return &i.V2 })
	declareFlows(d)
}

func networkFields(d *declarer, b block[Network]) {
	endpointFields(d, within(b, "source.", func(n *Network) *Endpoint { return &n.Source }))
	endpointFields(d, within(b, "destination.", func(n *Network) *Endpoint { return &n.Destination }))
	field(d, b, "l3_protocol", func(n *Network) *int64 { return &n.L3 }, family("ethertypes"))
	field(d, b, "l4_protocol", func(n *Network) *int64 { return &n.L4 }, family("IP protocols"))
	field(d, b, "size", func(n *Network) *int64 { return &n.Size }, doc("bytes"))
	field(d, b, "network_direction", func(n *Network) *int64 { return &n.Direction }, family("network directions"))
	field(d, b, "type", func(n *Network) *int64 { return &n.Type })
	field(d, b, "device.ifname", func(n *Network) *string { return &n.Device })
}

func declareFlows(d *declarer) {
	const name = "network_flow_monitor"
	at := func(e *Event, _ bool) *Flow { return &e.Flow }
	field(d, block[Flow]{prefix: name + ".", event: name, at: at}, "device.ifname", func(f *Flow) *string { return &f.Device })
	it := &secl.Iterator{Name: name + ".flows", Len: func(*secl.Context) int { return 1 }}
	d.AddIterator(it, name)
	b := block[Flow]{prefix: name + ".flows.", event: name, iterator: it, each: func(e *Event, _ int) *Flow { return &e.Flow }}
	endpointFields(d, within(b, "source.", func(f *Flow) *Endpoint { return &f.Source }))
	endpointFields(d, within(b, "destination.", func(f *Flow) *Endpoint { return &f.Destination }))
	for name, at := range map[string]func(*Flow) *int64{
		"l3_protocol": func(f *Flow) *int64 { return &f.L3 }, "l4_protocol": func(f *Flow) *int64 { return &f.L4 },
		"ingress.data_size": func(f *Flow) *int64 { return &f.IngressBytes }, "ingress.packet_count": func(f *Flow) *int64 { return &f.IngressPackets },
		"egress.data_size": func(f *Flow) *int64 { return &f.EgressBytes }, "egress.packet_count": func(f *Flow) *int64 { return &f.EgressPackets },
	} {
		field(d, b, name, at)
	}
}

// of makes the block of an event's own struct.
func of[B any](name string, part func(*Event) *B) block[B] {
	return block[B]{prefix: name + ".", event: name, at: func(e *Event, _ bool) *B { return part(e) }}
}

// ints, texts and flags declare fields that there is nothing more to say of.
func ints[B any](d *declarer, b block[B], fields map[string]func(*B) *int64) {
	for name, at := range fields {
		field(d, b, name, at)
	}
}

func texts[B any](d *declarer, b block[B], fields map[string]func(*B) *string) {
	for name, at := range fields {
		field(d, b, name, at)
	}
}

func bools[B any](d *declarer, b block[B], fields map[string]func(*B) *bool) {
	for name, at := range fields {
		field(d, b, name, at)
	}
}

func declareRest(d *declarer) {
	field(d, of("open", func(e *Event) *Open { return &e.Open }), "flags", func(o *Open) *int64 { return &o.Flags }, family("open flags"))
	field(d, of("unlink", func(e *Event) *Event { return e }), "flags", func(e *Event) *int64 { return &e.UnlinkFlags }, family("unlink flags"))
	exit := of("exit", func(e *Event) *Exit { return &e.Exit })
	field(d, exit, "cause", func(x *Exit) *int64 { return &x.Cause }, family("exit causes"))
	field(d, exit, "code", func(x *Exit) *int64 { return &x.Code })
	splice := of("splice", func(e *Event) *Splice { return &e.Splice })
	field(d, splice, "pipe_entry_flag", func(s *Splice) *int64 { return &s.EntryFlag }, family("pipe flags"))
	field(d, splice, "pipe_exit_flag", func(s *Splice) *int64 { return &s.ExitFlag }, family("pipe flags"))
	signal := of("signal", func(e *Event) *Signal { return &e.Signal })
	field(d, signal, "type", func(s *Signal) *int64 { return &s.Type }, family("signals"))
	field(d, signal, "pid", func(s *Signal) *int64 { return &s.PID })
	field(d, of("ptrace", func(e *Event) *Ptrace { return &e.Ptrace }), "request", func(p *Ptrace) *int64 { return &p.Request }, family("ptrace requests"))
	field(d, of("cgroup_write", func(e *Event) *CGroupWrite { return &e.CGroupWrite }), "pid", func(c *CGroupWrite) *int64 { return &c.PID })
	field(d, of("login_uid_write", func(e *Event) *Event { return e }), "auid", func(e *Event) *int64 { return &e.LoginUID })
	field(d, of("tracer_memfd_seal", func(e *Event) *Event { return e }), "fd", func(e *Event) *int64 { return &e.Memfd })

	mount := of("mount", func(e *Event) *Mount { return &e.Mount })
	texts(d, mount, map[string]func(*Mount) *string{"fs_type": func(m *Mount) *string { return &m.FSType }})
	field(d, mount, "mountpoint.path", func(m *Mount) *string { return &m.MountpointPath }, isPath)
	field(d, mount, "source.path", func(m *Mount) *string { return &m.SourcePath }, isPath)
	field(d, mount, "root.path", func(m *Mount) *string { return &m.RootPath }, isPath)
	bools(d, mount, map[string]func(*Mount) *bool{"detached": func(m *Mount) *bool { return &m.Detached }, "visible": func(m *Mount) *bool { return &m.Visible }})

	declareIdentities(d)
	declareKernel(d)
	declareSettings(d)
}

func declareIdentities(d *declarer) {
	for _, names := range [][7]string{
		{"setuid", "uid", "user", "euid", "euser", "fsuid", "fsuser"},
		{"setgid", "gid", "group", "egid", "egroup", "fsgid", "fsgroup"},
	} {
		b := of(names[0], func(e *Event) *Identity { return &e.SetUID })
		if names[0] == "setgid" {
			b = of(names[0], func(e *Event) *Identity { return &e.SetGID })
		}
		ints(d, b, map[string]func(*Identity) *int64{
			names[1]: func(i *Identity) *int64 { return &i.ID }, names[3]: func(i *Identity) *int64 { return &i.Effective },
			names[5]: func(i *Identity) *int64 { return &i.FS },
		})
		texts(d, b, map[string]func(*Identity) *string{
			names[2]: func(i *Identity) *string { return &i.Name }, names[4]: func(i *Identity) *string { return &i.EffectiveName },
			names[6]: func(i *Identity) *string { return &i.FSName },
		})
	}
	capset := of("capset", func(e *Event) *Capabilities { return &e.Capabilities })
	field(d, capset, "cap_effective", func(c *Capabilities) *int64 { return &c.Effective }, family("capabilities"))
	field(d, capset, "cap_permitted", func(c *Capabilities) *int64 { return &c.Permitted }, family("capabilities"))
	used := of("capabilities", func(e *Event) *Capabilities { return &e.Capabilities })
	field(d, used, "attempted", func(c *Capabilities) *int64 { return &c.Attempted }, family("capabilities"))
	field(d, used, "used", func(c *Capabilities) *int64 { return &c.Used }, family("capabilities"))
}

func declareKernel(d *declarer) {
	mmap := of("mmap", func(e *Event) *Memory { return &e.Memory })
	field(d, mmap, "protection", func(m *Memory) *int64 { return &m.Protection }, family("protections"))
	field(d, mmap, "flags", func(m *Memory) *int64 { return &m.Flags }, family("mmap flags"))
	mprotect := of("mprotect", func(e *Event) *Memory { return &e.Memory })
	field(d, mprotect, "vm_protection", func(m *Memory) *int64 { return &m.VMProtection }, family("memory flags"))
	field(d, mprotect, "req_protection", func(m *Memory) *int64 { return &m.ReqProtection }, family("memory flags"))

	for _, name := range []string{"load_module", "unload_module"} {
		field(d, of(name, func(e *Event) *Module { return &e.LoadModule }), "name", func(m *Module) *string { return &m.Name })
	}
	load := of("load_module", func(e *Event) *Module { return &e.LoadModule })
	field(d, load, "args", func(m *Module) *string { return &m.Args })
	field(d, load, "argv", func(m *Module) *[]string { return &m.Argv })
	bools(d, load, map[string]func(*Module) *bool{
		"args_truncated":     func(m *Module) *bool { return &m.Truncated },
		"loaded_from_memory": func(m *Module) *bool { return &m.InRAM },
	})

	bpf := of("bpf", func(e *Event) *BPF { return &e.BPF })
	field(d, bpf, "cmd", func(b *BPF) *int64 { return &b.Cmd }, family("BPF commands"))
	field(d, bpf, "map.type", func(b *BPF) *int64 { return &b.MapType }, family("BPF map types"))
	field(d, bpf, "prog.type", func(b *BPF) *int64 { return &b.ProgType }, family("BPF program types"))
	field(d, bpf, "prog.attach_type", func(b *BPF) *int64 { return &b.AttachType }, family("BPF attach types"))
	field(d, bpf, "prog.helpers", func(b *BPF) *[]int64 { return &b.Helpers }, family("BPF helpers"))
	field(d, bpf, "map.name", func(b *BPF) *string { return &b.MapName }, atMost(maxBPFName))
	field(d, bpf, "prog.name", func(b *BPF) *string { return &b.ProgName }, atMost(maxBPFName))
	field(d, bpf, "prog.tag", func(b *BPF) *string { return &b.ProgTag })

	selinux := of("selinux", func(e *Event) *SELinux { return &e.SELinux })
	texts(d, selinux, map[string]func(*SELinux) *string{
		"bool.name": func(s *SELinux) *string { return &s.BoolName }, "bool.state": func(s *SELinux) *string { return &s.BoolState },
		"enforce.status": func(s *SELinux) *string { return &s.Enforce },
	})
	field(d, selinux, "bool_commit.state", func(s *SELinux) *bool { return &s.Commit })
}

func declareSettings(d *declarer) {
	prctl := of("prctl", func(e *Event) *Prctl { return &e.Prctl })
	field(d, prctl, "option", func(p *Prctl) *int64 { return &p.Option }, family("prctl options"))
	field(d, prctl, "new_name", func(p *Prctl) *string { return &p.Name })
	field(d, prctl, "is_name_truncated", func(p *Prctl) *bool { return &p.Truncated })

	sock := of("setsockopt", func(e *Event) *Setsockopt { return &e.Setsockopt })
	field(d, sock, "level", func(s *Setsockopt) *int64 { return &s.Level }, family("socket levels"))
	field(d, sock, "optname", func(s *Setsockopt) *int64 { return &s.Option }, family("socket options"))
	field(d, sock, "socket_type", func(s *Setsockopt) *int64 { return &s.Type })
	field(d, sock, "socket_family", func(s *Setsockopt) *int64 { return &s.Family }, family("address families"))
	field(d, sock, "socket_protocol", func(s *Setsockopt) *int64 { return &s.Protocol }, family("IP protocols"))
	field(d, sock, "filter_len", func(s *Setsockopt) *int64 { return &s.FilterLength })
	field(d, sock, "used_immediates", func(s *Setsockopt) *[]int64 { return &s.UsedImmediates })
	texts(d, sock, map[string]func(*Setsockopt) *string{
		"filter_instructions": func(s *Setsockopt) *string { return &s.FilterInstructions },
		"filter_hash":         func(s *Setsockopt) *string { return &s.FilterHash },
	})

	ints(d, of("setrlimit", func(e *Event) *Setrlimit { return &e.Setrlimit }), map[string]func(*Setrlimit) *int64{
		"resource": func(r *Setrlimit) *int64 { return &r.Resource }, "rlim_cur": func(r *Setrlimit) *int64 { return &r.Current },
		"rlim_max": func(r *Setrlimit) *int64 { return &r.Max },
	})
	sysctl := of("sysctl", func(e *Event) *Sysctl { return &e.Sysctl })
	texts(d, sysctl, map[string]func(*Sysctl) *string{
		"name": func(s *Sysctl) *string { return &s.Name }, "value": func(s *Sysctl) *string { return &s.Value },
		"old_value": func(s *Sysctl) *string { return &s.OldValue },
	})
	ints(d, sysctl, map[string]func(*Sysctl) *int64{
		"action": func(s *Sysctl) *int64 { return &s.Action }, "file_position": func(s *Sysctl) *int64 { return &s.Position },
	})
	bools(d, sysctl, map[string]func(*Sysctl) *bool{
		"name_truncated": func(s *Sysctl) *bool { return &s.NameTruncated }, "value_truncated": func(s *Sysctl) *bool { return &s.ValueTruncated },
		"old_value_truncated": func(s *Sysctl) *bool { return &s.OldTruncated },
	})

	hook := of("ondemand", func(e *Event) *OnDemand { return &e.OnDemand })
	field(d, hook, "name", func(o *OnDemand) *string { return &o.Name })
	for i, arg := range []string{"arg1", "arg2", "arg3", "arg4"} {
		field(d, hook, arg+".str", func(o *OnDemand) *string { return &o.Str[i] })
		field(d, hook, arg+".uint", func(o *OnDemand) *int64 { return &o.Uint[i] })
	}
}
