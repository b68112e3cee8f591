package ingest

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightjar/ingest/auditd"
)

const auditSource = "auditd"

// parseAuditd reads the records of one event of Linux' audit system: a line each.
// Everything stands under @auditd, by the type of its record; what rules ask of any
// source, under the names for that.
func parseAuditd(l Line) Parsed {
	a := &audited{seen: map[string]bool{}}
	for line := range strings.SplitSeq(l.Text, "\n") {
		if r, ok := auditd.Parse(line); ok && r.Type != "EOE" {
			a.records = append(a.records, r)
		}
		if len(a.records) >= maxAuditRecords {
			break
		}
	}
	if len(a.records) == 0 {
		return Parsed{}
	}
	first := a.records[0]
	a.out.At, a.out.Host = time.UnixMilli(first.Millis), first.Node
	a.raw()
	a.standard()
	return a.out
}

// maxAuditRecords bounds an event's: the kernel writes some tens at most.
const maxAuditRecords = 1024

// audited is an event while it is read.
type audited struct {
	records []auditd.Record
	out     Parsed
	seen    map[string]bool
}

// set gives a path its first value that says something.
func (a *audited) set(path string, value any) {
	if s, ok := value.(string); ok && (s == "" || s == "?" || s == "(null)" || s == "(none)") || a.seen[path] {
		return
	}
	a.seen[path] = true
	a.out.Attributes = append(a.out.Attributes, Attribute{path, value})
}

// raw has each record under its type; several of one type, and paths always, are a
// list.
func (a *audited) raw() {
	a.set("auditd.serial", int64(min(a.records[0].Serial, 1<<62)))
	var types []string
	objects := map[string][][]Attribute{}
	for i := range a.records {
		name := strings.ToLower(a.records[i].Type)
		if objects[name] == nil {
			types = append(types, name)
		}
		objects[name] = append(objects[name], auditFields(&a.records[i]))
	}
	a.set("auditd.types", types)
	for _, name := range types {
		path := "auditd." + strings.ReplaceAll(name, ".", "_")
		if list := objects[name]; len(list) > 1 || name == "path" {
			a.set(path, list)
			continue
		}
		for _, f := range objects[name][0] {
			a.set(path+"."+f.Path, f.Value)
		}
	}
}

// auditNumbers are the fields that are decimal numbers.
var auditNumbers = []string{
	"pid", "ppid", "auid", "uid", "gid", "euid", "suid", "fsuid", "egid", "sgid", "fsgid", "ouid", "ogid", "oauid", "opid", "ouid", "ses", "old-ses", "old-auid",
	"items", "item", "exit", "argc", "inode", "syscall", "sig", "list", "entries", "family",
}

func auditFields(r *auditd.Record) []Attribute {
	var out []Attribute
	for _, f := range r.Fields {
		if r.Type == "EXECVE" && f.Name != "argc" {
			continue // they are the list of arguments
		}
		name := strings.ReplaceAll(f.Name, ".", "_")
		if n, err := strconv.ParseInt(f.Value, 10, 64); err == nil && slices.Contains(auditNumbers, f.Name) {
			out = append(out, Attribute{name, n})
			continue
		}
		if keys := strings.Split(f.Value, "\x01"); f.Name == "key" && len(keys) > 1 {
			out = append(out, Attribute{name, keys})
			continue
		}
		out = append(out, Attribute{name, f.Value})
	}
	if r.Type == "EXECVE" {
		out = append(out, Attribute{"args", r.Arguments()})
	}
	if address, ok := socketOf(r.Get("saddr")); ok {
		out = append(out, Attribute{"address", address.text})
		if address.port > 0 {
			out = append(out, Attribute{"port", int64(address.port)})
		}
	}
	return out
}

// standard are the attributes that events of other sources have too.
func (a *audited) standard() {
	a.set("evt.name", a.name())
	for i := range a.records {
		r := &a.records[i]
		switch first(r.Get("success"), r.Get("res"), r.Get("result")) {
		case "yes", "success", "1":
			a.set("evt.outcome", "success")
		case "no", "failed", "0":
			a.set("evt.outcome", "failure")
		}
		a.process(r)
		a.network(r)
	}
	a.user()
}

// name is that of the system call, where auditd resolved it, or of the first record.
func (a *audited) name() string {
	for i := range a.records {
		if name := a.records[i].Get("SYSCALL"); name != "" {
			return name
		}
	}
	return strings.ToLower(a.records[0].Type)
}

func (a *audited) process(r *auditd.Record) {
	for _, name := range []string{"pid", "ppid"} {
		if n, err := strconv.ParseInt(r.Get(name), 10, 64); err == nil {
			a.set("process."+name, n)
		}
	}
	a.set("process.name", r.Get("comm"))
	a.set("process.executable.path", r.Get("exe"))
	a.set("process.working_directory", r.Get("cwd"))
	switch r.Type {
	case "EXECVE":
		a.set("process.args", r.Arguments())
		a.set("process.command_line", strings.Join(r.Arguments(), " "))
	case "PROCTITLE":
		a.set("process.command_line", r.Get("proctitle"))
	case "USER_CMD":
		a.set("process.command_line", r.Get("cmd"))
	}
}

// network is where somebody came from, and where a process went.
func (a *audited) network(r *auditd.Record) {
	for _, name := range []string{"addr", "hostname"} {
		if ip, err := netip.ParseAddr(r.Get(name)); err == nil {
			a.set("network.client.ip", ip.String())
		}
	}
	if s, ok := socketOf(r.Get("saddr")); ok && s.port > 0 {
		a.set("network.destination.ip", s.text)
		a.set("network.destination.port", int64(s.port))
	}
}

// unset is an audit id that nobody has: −1 in 32 bits.
const unset = "4294967295"

// user is who did it: the account that is named, else who logged in, else whose
// rights count.
func (a *audited) user() {
	for _, name := range []string{"acct", "AUID", "auid", "UID", "uid"} {
		for i := range a.records {
			id := a.records[i].Get(name)
			if id == "" || id == "?" || id == "unset" || id == unset || id == "-1" {
				continue
			}
			a.set("usr.id", id)
			if name == "acct" || name == "AUID" || name == "UID" {
				a.set("usr.name", id)
			}
			return
		}
	}
}

// socket is an address of a process.
type socket struct {
	text string
	port int
}

// socketOf reads what a system call was given: family, then port and address, or
// the path.
func socketOf(text string) (socket, bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) < 3 {
		return socket{}, false
	}
	switch family := binary.LittleEndian.Uint16(b); {
	case family == 2 && len(b) >= 8:
		return socket{netip.AddrFrom4([4]byte(b[4:8])).String(), int(binary.BigEndian.Uint16(b[2:]))}, true
	case family == 10 && len(b) >= 24:
		return socket{netip.AddrFrom16([16]byte(b[8:24])).Unmap().String(), int(binary.BigEndian.Uint16(b[2:]))}, true
	case family == 1:
		path, _, _ := strings.Cut(strings.TrimLeft(string(b[2:]), "\x00"), "\x00")
		return socket{path, 0}, path != ""
	}
	return socket{}, false
}
