package evtx

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the logs of testdata")

// writtenEvent is an event as the logs of testdata have it.
type writtenEvent struct {
	id, pid  uint64
	keywords uint64
	at       time.Time
	user     []byte // SID; nil: nobody
	data     []value
	names    []string
}

var auditing = []byte{0x25, 0x96, 0x84, 0x54, 0x78, 0x54, 0x94, 0x49, 0xa5, 0xba, 0x3e, 0x3b, 0x03, 0x28, 0xc3, 0x0d}

// add writes the event as Windows does: one template, whose values are the event's.
func (b *builder) add(e *writtenEvent) *builder {
	fileTime := uint64(e.at.UnixNano()/100) + 116444736000000000
	user := value{kind: typeSID, raw: e.user}
	if e.user == nil {
		user.kind = typeNull
	}
	values := append([]value{
		{kind: typeGUID, raw: auditing}, {kind: typeUint16, raw: bytesOf(e.id, 2)}, {kind: typeUint8, raw: []byte{2}},
		{kind: typeHexInt64, raw: bytesOf(e.keywords, 8)}, {kind: typeFileTime, raw: bytesOf(fileTime, 8)},
		{kind: typeUint64, raw: bytesOf(e.id*1000+b.id, 8)}, {kind: typeUint32, raw: bytesOf(e.pid, 4)}, user,
	}, e.data...)
	b.beginRecord()
	b.instance(func() {
		substituted := func(name string, n int) func() {
			return func() { b.u8(tokenAttribute).name(name).substitution(n) }
		}
		element := func(name string, n int) { b.open(true, name).u8(tokenCloseStart).substitution(n).u8(tokenEndElement) }
		b.open(true, "Event", b.attribute("xmlns", "http://schemas.microsoft.com/win/2004/08/events/event")).u8(tokenCloseStart)
		b.open(true, "System").u8(tokenCloseStart)
		b.open(true, "Provider", b.attribute("Name", "Microsoft-Windows-Security-Auditing"), substituted("Guid", 0)).u8(tokenCloseEmpty)
		element("EventID", 1)
		element("Version", 2)
		element("Keywords", 3)
		b.open(true, "TimeCreated", substituted("SystemTime", 4)).u8(tokenCloseEmpty)
		element("EventRecordID", 5)
		b.open(true, "Execution", substituted("ProcessID", 6)).u8(tokenCloseEmpty)
		b.open(true, "Channel").u8(tokenCloseStart, tokenValue, typeString).text("Security").u8(tokenEndElement)
		b.open(true, "Computer").u8(tokenCloseStart, tokenValue, typeString).text("dc1.corp.example").u8(tokenEndElement)
		b.open(true, "Security", substituted("UserID", 7)).u8(tokenCloseEmpty, tokenEndElement)
		b.open(true, "EventData").u8(tokenCloseStart)
		for i, name := range e.names {
			b.open(true, "Data", b.attribute("Name", name)).u8(tokenCloseStart).substitution(8 + i).u8(tokenEndElement)
		}
		b.u8(tokenEndElement, tokenEndElement)
	}, values...)
	b.endRecord()
	return b
}

// writtenLogs are the logs of testdata. Their JSON is written by hand.
func writtenLogs() map[string][]byte {
	at := time.Date(2026, 3, 5, 8, 0, 0, 123456000, time.UTC)
	text := func(s string) value { return value{kind: typeString, raw: wide(s)} }
	alice := []byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0} // S-1-5-32-544
	logons := newBuilder().
		add(&writtenEvent{
			id: 4624, pid: 700, keywords: 0x8020000000000000, at: at,
			names: []string{"TargetUserSid", "TargetUserName", "LogonType", "TargetLogonId", "IpAddress"},
			data:  []value{{kind: typeSID, raw: alice}, text("jürgen"), {kind: typeUint32, raw: bytesOf(10, 4)}, {kind: typeHexInt64, raw: bytesOf(0x3e7, 8)}, text("2001:db8::9")},
		}).
		add(&writtenEvent{
			id: 4625, pid: 700, keywords: 0x8010000000000000, at: at.Add(time.Second),
			names: []string{"TargetUserName", "Status", "LogonType", "IpAddress"},
			data:  []value{text("administrator"), {kind: typeHexInt32, raw: bytesOf(0xc000006d, 4)}, {kind: typeUint32, raw: bytesOf(3, 4)}, text("203.0.113.9")},
		}).
		add(&writtenEvent{
			id: 4634, pid: 700, keywords: 0x8020000000000000, at: at.Add(time.Minute), user: alice,
			names: []string{"TargetUserName", "Comment"}, data: []value{text("jürgen"), text("two\nlines, \"quoted\" & <angled>")},
		})
	process := newBuilder().add(&writtenEvent{
		id: 4688, pid: 4, keywords: 0x8020000000000000, at: at,
		names: []string{"NewProcessId", "NewProcessName", "CommandLine"},
		data:  []value{{kind: typeHexInt64, raw: bytesOf(0x1b58, 8)}, text(`C:\Windows\System32\cmd.exe`), text(`cmd.exe /c "whoami & ipconfig"`)},
	})
	return map[string][]byte{
		"a-logons.evtx":  file(false, logons.chunk()),
		"b-process.evtx": file(false, process.chunk()),
	}
}

// TestLogsOfTestdataAreAsWritten keeps the files of testdata those that this file
// writes (go test ./ingest/evtx -update), so that nobody has to guess what is in them.
func TestLogsOfTestdataAreAsWritten(t *testing.T) {
	for name, log := range writtenLogs() {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, log, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, log) {
			t.Errorf("%s is not as it is written here: %v", path, err)
		}
	}
}
