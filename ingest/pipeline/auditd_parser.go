package pipeline

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/auditd"
	"nightjar/ingest/record"
)

// AuditdParser is ours: it reads the records of one event of Linux' audit system, a line
// each, which no grok can: texts are in hexadecimal, arguments in pieces, and a list of
// names stands in one value. Each record goes below the target under its type; several
// of one type, and paths always, are a list. Below First goes, of every field, the first
// value in any record that says something, so that further processors need not know which
// record has it.
type AuditdParser struct {
	Base
	Source string `json:"source"`
	Target string `json:"target"`
	First  string `json:"first,omitempty"`

	source, target, first record.Path
}

func readAuditd(o *object, b Base) Processor {
	p := &AuditdParser{Base: b}
	p.Source, p.source = o.attribute("source", "message")
	p.Target, p.target = o.attribute("target", "auditd")
	if o.find("first") != nil {
		p.First, p.first = o.attribute("first", "")
	}
	return p
}

// maxAuditRecords bounds an event's: the kernel writes some tens at most.
const maxAuditRecords = 1024

func (p *AuditdParser) run(x *run) outcome {
	text, ok := record.Text(x.get(p.source))
	if p.Source == "message" {
		text, ok = x.Message, true
	}
	if !ok {
		return skipped("its source is missing")
	}
	var records []auditd.Record
	for line := range strings.SplitSeq(text, "\n") {
		if r, ok := auditd.Parse(line); ok && r.Type != "EOE" {
			records = append(records, r)
		}
		if len(records) >= maxAuditRecords {
			break
		}
	}
	if len(records) == 0 {
		return skipped("it holds no record of auditd")
	}
	a := audited{x: x, records: records}
	if out := x.putNew(p.target, a.tree()); out.Outcome != Applied || p.First == "" {
		return out
	}
	return x.putNew(p.first, a.first())
}

// audited is an event of auditd while it is read.
type audited struct {
	x       *run
	records []auditd.Record
}

// tree has each record under its type.
func (a *audited) tree() *fastjson.Value {
	out := a.x.Arena.NewObject()
	out.Set("serial", a.number(int64(min(a.records[0].Serial, 1<<62))))
	names, of := a.x.Arena.NewArray(), map[string][]*fastjson.Value{}
	var types []string
	for i := range a.records {
		name := strings.ToLower(a.records[i].Type)
		if of[name] == nil {
			names.SetArrayItem(len(types), a.x.String(name))
			types = append(types, name)
		}
		of[name] = append(of[name], a.fields(&a.records[i]))
	}
	out.Set("types", names)
	for _, name := range types {
		v := of[name][0]
		if len(of[name]) > 1 || name == "path" {
			v = a.x.Arena.NewArray()
			for i, one := range of[name] {
				v.SetArrayItem(i, one)
			}
		}
		out.Set(strings.ReplaceAll(name, ".", "_"), v)
	}
	return out
}

// auditNumbers are the fields that are decimal numbers.
var auditNumbers = []string{
	"pid", "ppid", "auid", "uid", "gid", "euid", "suid", "fsuid", "egid", "sgid", "fsgid", "ouid", "ogid", "oauid", "opid", "ses", "old-ses", "old-auid",
	"items", "item", "exit", "argc", "inode", "syscall", "sig", "list", "entries", "family",
}

// fields are a record's, but for those that say nothing.
func (a *audited) fields(r *auditd.Record) *fastjson.Value {
	out := a.x.Arena.NewObject()
	for _, f := range r.Fields {
		if r.Type == "EXECVE" && f.Name != "argc" || isNothingToAudit(f.Value) {
			continue // arguments are a list
		}
		out.Set(strings.ReplaceAll(f.Name, ".", "_"), a.value(&f))
	}
	if r.Type == "EXECVE" {
		out.Set("args", a.texts(r.Arguments()))
	}
	if s, ok := socketOf(r.Get("saddr")); ok {
		out.Set("address", a.x.String(s.text))
		if s.port > 0 {
			out.Set("port", a.number(int64(s.port)))
		}
	}
	return out
}

func (a *audited) value(f *auditd.Field) *fastjson.Value {
	if n, err := strconv.ParseInt(f.Value, 10, 64); err == nil && slices.Contains(auditNumbers, f.Name) {
		return a.number(n)
	}
	if keys := strings.Split(f.Value, "\x01"); f.Name == "key" && len(keys) > 1 {
		return a.texts(keys)
	}
	return a.x.String(f.Value)
}

func (a *audited) number(n int64) *fastjson.Value {
	return a.x.Arena.NewNumberString(strconv.FormatInt(n, 10))
}

func (a *audited) texts(texts []string) *fastjson.Value {
	out := a.x.Arena.NewArray()
	for i, t := range texts {
		out.SetArrayItem(i, a.x.String(t))
	}
	return out
}

func isNothingToAudit(text string) bool {
	return text == "" || text == "?" || text == "(null)" || text == "(none)"
}

// noAudit are the texts of an audit id that nobody has: −1, as 32 bits or in words.
var noAudit = []string{"unset", "4294967295", "-1"}

// auditIDs are the fields that hold accounts.
var auditIDs = []string{"acct", "AUID", "auid", "UID", "uid"}

// first has of each field the first value that says something, as text; beside them the
// event's `time` in milliseconds, its `node`, its `args` and its `command_line`.
func (a *audited) first() *fastjson.Value {
	out := a.x.Arena.NewObject()
	set := func(name string, v *fastjson.Value) {
		if out.Get(name) == nil {
			out.Set(name, v)
		}
	}
	text := func(name, value string) {
		if !isNothingToAudit(value) && !(slices.Contains(auditIDs, name) && slices.Contains(noAudit, value)) {
			set(name, a.x.String(value))
		}
	}
	set("time", a.number(a.records[0].Millis))
	text("node", a.records[0].Node)
	for i := range a.records {
		r := &a.records[i]
		if r.Type == "EXECVE" {
			set("args", a.texts(r.Arguments()))
		}
		text("command_line", commandLine(r))
		if s, ok := socketOf(r.Get("saddr")); ok && s.port > 0 {
			text("address", s.text)
			set("port", a.number(int64(s.port)))
		}
		for _, f := range r.Fields {
			if r.Type != "EXECVE" {
				text(strings.ReplaceAll(f.Name, ".", "_"), f.Value)
			}
		}
	}
	return out
}

// commandLine is what a record tells of one; empty: nothing.
func commandLine(r *auditd.Record) string {
	switch r.Type {
	case "EXECVE":
		return strings.Join(r.Arguments(), " ")
	case "PROCTITLE":
		return r.Get("proctitle")
	case "USER_CMD":
		return r.Get("cmd")
	}
	return ""
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
