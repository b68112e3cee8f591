package loki

import (
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/encoding/protowire"

	"nightjar/ingest"
	"nightjar/ingest/ingesttest"
	"nightjar/schema"
)

var nanos = ingesttest.Now.Add(-time.Second).UnixNano() + 123_456_789

// line is one entry of a PushRequest.
type line struct {
	nanos    int64
	text     string
	metadata [][2]string
}

func field(out []byte, number protowire.Number, text []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(out, number, protowire.BytesType), text)
}

func variant(out []byte, number protowire.Number, n int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(out, number, protowire.VarintType), uint64(n))
}

// pushed is a PushRequest of one stream, as Promtail and Alloy encode it.
func pushed(labels string, lines ...line) []byte {
	stream := field(nil, 1, []byte(labels))
	for _, l := range lines {
		entry := field(nil, 1, variant(variant(nil, 1, l.nanos/1e9), 2, l.nanos%1e9))
		entry = field(entry, 2, []byte(l.text))
		for _, m := range l.metadata {
			entry = field(entry, 3, field(field(nil, 1, []byte(m[0])), 2, []byte(m[1])))
		}
		stream = field(stream, 2, entry)
	}
	return field(nil, 1, variant(stream, 3, 42)) // the hash, which nobody needs
}

func send(t *testing.T, door *Door, body string, status int, header ...string) string {
	t.Helper()
	got := ingesttest.Send(door, "POST", "/loki/api/v1/push", body, header...)
	if got.Code != status || status == 204 && got.Body.Len() > 0 {
		t.Errorf("%d %q, want %d", got.Code, got.Body, status)
	}
	return got.Body.String()
}

func shown(e schema.Event) string {
	return fmt.Sprintf("%d|%s|%s|%s|%s|%s|%v|%s", int64(e.At)-ingesttest.Now.UnixMilli(), e.Source, e.Service, e.Host, e.Status, e.Message, e.Tags, e.JSON)
}

var isJSON = []string{"Content-Type", "application/json"}

// TestEntriesMeanTheSameInEveryForm pushes entries as JSON and as protobuf, one after
// the other: the second time they are known.
func TestEntriesMeanTheSameInEveryForm(t *testing.T) {
	at := strconv.FormatInt(nanos, 10)
	for _, c := range []struct {
		name, json string
		protobuf   []byte
		want       string
	}{
		{"labels and metadata", `{"streams":[{"stream":{"job":"app","host":"web-7","level":"warning"},"values":[["` + at + `","started",{"trace_id":"ab12"}]]}]}`,
			pushed(`{host="web-7", job="app", level="warning"}`, line{nanos, "started", [][2]string{{"trace_id", "ab12"}}}),
			`-877||app|web-7|warn|started|[host:web-7 job:app level:warning]|{"level":"warning","trace_id":"ab12"}`},
		{"a line that is JSON", `{"streams":[{"stream":{"service_name":"s","job":"x"},"values":[["` + at + `","{\"usr\":{\"id\":7},\"level\":\"error\"}"]]}]}`,
			pushed(`{job="x",service_name="s"}`, line{nanos, `{"usr":{"id":7},"level":"error"}`, nil}),
			`-877||s||error|{"usr":{"id":7},"level":"error"}|[job:x service_name:s]|{"usr":{"id":"7"},"level":"error"}`},
		{"a source whose lines are parsed", `{"streams":[{"stream":{"source":"sshd","instance":"h"},"values":[["` + at + `","Invalid user x from ::1",{"filename":"/var/log/auth.log"}]]}]}`,
			pushed(`{instance="h", source="sshd"}`, line{nanos, "Invalid user x from ::1", [][2]string{{"filename", "/var/log/auth.log"}}}),
			`-877|sshd||h|info|Invalid user x from ::1|[instance:h source:sshd]|{"filename":"/var/log/auth.log","usr":{"name":"x","id":"x"},"network":{"client":{"ip":"::1"}},"evt":{"name":"ssh_invalid_user","outcome":"failure","category":"authentication"},"ssh":{"invalid_user":true},"nightjar":{"pipelines":["sshd@1"]}}`},
		{"values with commas and quotes, names of the entry itself", `{"streams":[{"stream":{"a":"x,y\"z"},"values":[["` + at + `","l",{"message":"m","detected_level":"error"}]]}]}`,
			pushed(`{a="x,y\"z"}`, line{nanos, "l", [][2]string{{"message", "m"}, {"detected_level", "error"}}}),
			`-877||||error|l|[a:x,y"z]|{"message":"m","level":"error","detected_level":"error"}`},
		{"no labels", `{"streams":[{"stream":{},"values":[["` + at + `","l"]]}]}`, pushed(`{}`, line{nanos, "l", nil}), `-877||||info|l|[]|{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, jsonFirst := range []bool{true, false} {
				in := ingesttest.Start(t, t.TempDir())
				door := NewDoor(ingest.NewHandler(in.Intake))
				for _, asJSON := range []bool{jsonFirst, !jsonFirst} {
					if asJSON {
						send(t, door, c.json, 204, isJSON...)
					} else {
						send(t, door, string(snappy.Encode(nil, c.protobuf)), 204, "Content-Type", "application/x-protobuf", "Content-Encoding", "snappy")
					}
				}
				events := in.Events()
				if len(events) != 1 {
					t.Fatalf("%d events, want 1", len(events))
				}
				if got := shown(events[0]); got != c.want {
					t.Errorf("JSON first: %t\n got %s\nwant %s", jsonFirst, got, c.want)
				}
			}
		})
	}
}

// TestEqualEntriesAreOne: stream, nanosecond and line, as in Loki, in one request or in
// several that are cut otherwise.
func TestEqualEntriesAreOne(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	door := NewDoor(ingest.NewHandler(in.Intake))
	push := func(tenant, labels string, lines ...line) {
		t.Helper()
		send(t, door, string(snappy.Encode(nil, pushed(labels, lines...))), 204, "X-Scope-OrgID", tenant) // as Promtail: no header says snappy
	}
	a, b, c := line{nanos, "a", nil}, line{nanos, "b", nil}, line{nanos + 1, "a", nil}
	push("", `{x="1"}`, a, a, b)
	push("", `{x="1"}`, b, c)
	push("", `{x="2"}`, a)
	push("other", `{x="1"}`, a)
	if n := len(in.Events()); n != 5 {
		t.Errorf("%d events, want 5", n)
	}
}

// TestOldFormsAndStrangeOnesAreKept has the first version of the API, labels that are
// none, and times that are none.
func TestOldFormsAndStrangeOnesAreKept(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	door := NewDoor(ingest.NewHandler(in.Intake))
	send(t, door, `{"streams":[{"labels":"{job=\"old\"}","entries":[{"ts":"`+ingesttest.Now.Add(-time.Second).Format(time.RFC3339Nano)+`","line":"one"}]}]}`, 204, isJSON...)
	send(t, door, string(snappy.Encode(nil, pushed(`{job=unquoted}`, line{nanos, "two", nil}))), 204)
	send(t, door, `{"streams":[{"stream":{"job":"j"},"values":[["soon","three"]]}]}`, 204, isJSON...)
	events := in.Events()
	if len(events) != 3 {
		t.Fatalf("%d events", len(events))
	}
	for i, want := range []string{
		`-1000||old||info|one|[job:old]|{}`,
		`-877||||info|two|[]|{"loki.labels":"{job=unquoted}"}`,
		`0||j||info|three|[job:j]|{"nightjar":{"original_timestamp":"soon","timestamp_problem":"unreadable"}}`,
	} {
		if got := shown(events[i]); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
}

func TestRefusalsAreALineOfText(t *testing.T) {
	full := ingesttest.Start(t, t.TempDir(), func(d *ingest.Deps) { d.Config.MaxBacklog = 1 })
	door := NewDoor(ingest.NewHandler(full.Intake))
	for _, c := range []struct {
		body, says string
		status     int
		header     []string
	}{
		{`{"streams":[{"stream":{},"values":[["1","l"]]}]}`, "quota of disk", 503, isJSON},
		{"{\"streams\":\n[}", "(line 2, column 2)", 400, isJSON},
		{`{"streams":[{"stream":{},"values":[["1"]]}]}`, `stream 0: want entries as ["<nanoseconds>","<line>"]`, 400, isJSON},
		{string(snappy.Encode(nil, pushed(`{a="`+strings.Repeat("x", 1<<20)+`"}`, make([]line, 100)...))), "each with what it shares with others", 413, nil},
		{`[]`, `want {"streams":`, 400, isJSON},
		{`{"streams":[7]}`, "stream 0: labels are an object", 400, isJSON},
		{`{"streams":[{"stream":"x","values":[["1","l"]]}]}`, "stream 0: labels are an object", 400, isJSON},
		{`{"streams":[{"stream":{},"values":{"1":"l"}}]}`, "stream 0: labels are an object", 400, isJSON},
		{"not snappy", "cannot be decompressed", 400, nil},
		{string(snappy.Encode(nil, []byte("\x0a\x05"))), "broken protobuf", 400, nil},
		{`{"streams":[{"stream":{},"values":[` + strings.Repeat("[],", maxJSONValues/2) + `[]]}]}`, "more than", 413, isJSON},
	} {
		got := send(t, door, c.body, c.status, c.header...)
		if !strings.Contains(got, c.says) || strings.Count(got, "\n") != 1 {
			t.Errorf("%.40q: %q, want one line with %s", c.body, got, c.says)
		}
	}
	if got := ingesttest.Send(door, "GET", ReadyPath, ""); got.Code != 200 || !door.Open(httptest.NewRequest("GET", ReadyPath, nil)) || door.Open(httptest.NewRequest("POST", "/loki/api/v1/push", nil)) {
		t.Errorf("%s: %d", ReadyPath, got.Code)
	}
}

func FuzzPush(f *testing.F) {
	f.Add(pushed(`{a="b"}`, line{nanos, "x", [][2]string{{"k", "v"}}}), false)
	f.Add([]byte(`{"streams":[{"stream":{"a":"b"},"values":[["1","x",{"k":"v"}]]},{"labels":"{}","entries":[{"ts":"2026-05-01T00:00:00Z","line":"x"}]}]}`), true)
	f.Fuzz(func(t *testing.T, body []byte, asJSON bool) {
		p := push{d: &ingest.Decoder{Now: ingesttest.Now}}
		read := p.protobuf
		if asJSON {
			read = p.json
		}
		if err := read(body); err == nil && len(p.names) != len(p.events) {
			t.Fatalf("%d names of %d events", len(p.names), len(p.events))
		}
	})
}

func FuzzLabels(f *testing.F) {
	f.Add(`{a="b", c="\"d\"",}`)
	f.Fuzz(func(t *testing.T, text string) {
		var s stream
		s.ofText(text)
		if _, err := (&ingest.Decoder{Now: ingesttest.Now}).Append(nil, append(append([]byte{'{'}, s.members...), `"x":1}`...)); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
