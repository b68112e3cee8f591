package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"

	"nightjar/ingest"
	"nightjar/ingest/ingesttest"
	"nightjar/schema"
)

// exported is an entry in the export format. A value with a newline is written as
// bytes.
func exported(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, value := pairs[i], pairs[i+1]; strings.Contains(value, "\n") {
			b.WriteString(name + "\n" + string(binary.LittleEndian.AppendUint64(nil, uint64(len(value)))) + value + "\n")
		} else {
			b.WriteString(name + "=" + value + "\n")
		}
	}
	return b.String() + "\n"
}

func numbered(n int, pairs ...string) string {
	at := ingesttest.Now.Add(-time.Minute).Add(time.Duration(n) * time.Millisecond)
	return exported(append([]string{"__CURSOR", fmt.Sprintf("s=1;i=%x", n), "__REALTIME_TIMESTAMP", fmt.Sprint(at.UnixMicro()), "MESSAGE", fmt.Sprintf("m%d", n)}, pairs...)...)
}

func upload(t *testing.T, door *Door, body io.Reader, status int, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("POST", "/upload", body)
	r.Header.Set("Content-Type", mediaType)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	if w.Code != status || w.Header().Get("Accept-Encoding") != "zstd" {
		t.Errorf("%d %q %v, want %d", w.Code, w.Body, w.Header(), status)
	}
	return w
}

func shown(e schema.Event) string {
	return fmt.Sprintf("%d|%s|%s|%s|%s|%s|%s", int64(e.At)-ingesttest.Now.UnixMilli(), e.Source, e.Service, e.Host, e.Status, e.Message, e.JSON)
}

func TestAnEntryBecomesTheEventThatItSays(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	upload(t, NewDoor(ingest.NewHandler(in.Intake)), strings.NewReader(
		numbered(0, "__MONOTONIC_TIMESTAMP", "5", "_BOOT_ID", "b", "PRIORITY", "4", "_HOSTNAME", "web-7", "_SYSTEMD_UNIT", "cart.service", "SYSLOG_IDENTIFIER", "cart", "_PID", "41")+
			numbered(1, "SYSLOG_IDENTIFIER", "x", "A", "one", "A", "two\nlines", "PRIORITY", "9")+
			exported("__CURSOR", "c", "__REALTIME_TIMESTAMP", fmt.Sprint(ingesttest.Now.UnixMicro()), "MESSAGE", "Invalid user x from ::1", "SYSLOG_IDENTIFIER", "sshd", "_PID", "7", "_TRANSPORT", "syslog")+
			exported("MESSAGE", "two\nlines \xff")+
			strings.TrimSuffix(exported("__CURSOR", "d", "MESSAGE", "the last has no empty line"), "\n")), 200)
	for i, want := range []string{
		`-60000||cart.service|web-7|warn|m0|{"_BOOT_ID":"b","PRIORITY":"4","_HOSTNAME":"web-7","_SYSTEMD_UNIT":"cart.service","SYSLOG_IDENTIFIER":"cart","_PID":"41"}`,
		`-59999||x||info|m1|{"SYSLOG_IDENTIFIER":"x","A":["one","two\u000alines"],"PRIORITY":"9"}`,
		`0|sshd|sshd||info|Invalid user x from ::1|{"SYSLOG_IDENTIFIER":"sshd","_PID":"7","_TRANSPORT":"syslog","process":{"name":"sshd","pid":7},"usr":{"name":"x","id":"x"},"network":{"client":{"ip":"::1"}},"evt":{"name":"ssh_invalid_user","outcome":"failure","category":"authentication"},"ssh":{"invalid_user":true},"nightjar":{"pipelines":["sshd@1"]}}`,
		"0||||info|two\nlines \uFFFD|{}",
		"0||||info|the last has no empty line|{}",
	} {
		if events := in.Events(); len(events) != 5 || shown(events[i]) != want {
			t.Errorf("of %d\n got %s\nwant %s", len(events), shown(events[min(i, len(events)-1)]), want)
		}
	}
}

// TestABrokenEntryIsSkippedAndNoOther breaks one entry of three in many ways.
func TestABrokenEntryIsSkippedAndNoOther(t *testing.T) {
	for _, broken := range []string{
		"no field\nMESSAGE=x\n\n", "=x\n\n", strings.Repeat("A", 300) + "=x\n\n", "lower=x\n\n",
		"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff\n\n", "MESSAGE\n\x01\x00\x00\x00\x00\x00\x00\x00xy\n\n", strings.Repeat("#", 200<<10) + "\n\n",
	} {
		in := ingesttest.Start(t, t.TempDir())
		got := upload(t, NewDoor(ingest.NewHandler(in.Intake)), iotest.OneByteReader(strings.NewReader(numbered(0)+broken+numbered(2)+"\n\n"+numbered(3))), 200)
		if events := in.Events(); len(events) != 3 || !strings.Contains(got.Body.String(), "but for 1 entries") {
			t.Errorf("%.20q: %d events, %s", broken, len(events), got.Body)
		}
	}
}

// TestALineThatClaimsToBeTheEnginesCostsNoOther has a program log what anybody may say.
func TestALineThatClaimsToBeTheEnginesCostsNoOther(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	forged := exported("__CURSOR", "f", "MESSAGE", `{"source":"nightjar-audit","message":"a key was made"}`)
	upload(t, NewDoor(ingest.NewHandler(in.Intake)), strings.NewReader(numbered(0)+forged+numbered(2)), 200)
	var sources []string
	for _, e := range in.Events() {
		sources = append(sources, e.Source)
	}
	if want := []string{"", "claims-nightjar-audit", ""}; !slices.Equal(sources, want) {
		t.Errorf("got %q, want %q", sources, want)
	}
}

// TestWhatIsSentAgainIsTakenOnce breaks the upload off at many places, and starts the
// intake anew between some of them: the sender begins where it was.
func TestWhatIsSentAgainIsTakenOnce(t *testing.T) {
	const entries = 3000
	var journal bytes.Buffer
	for i := range entries {
		journal.WriteString(numbered(i, "_HOSTNAME", "web-7"))
	}
	dir := t.TempDir()
	in := ingesttest.Start(t, dir)
	total := 0
	for i := range 20 {
		cut := journal.Len() * (i + 1) / 21
		upload(t, NewDoor(ingest.NewHandler(in.Intake)), io.MultiReader(bytes.NewReader(journal.Bytes()[:cut]), iotest.ErrReader(errors.New("cut off"))), 400)
		if i%5 == 4 {
			total += len(in.Events())
			in.Stop()
			in = ingesttest.Start(t, dir)
		}
	}
	upload(t, NewDoor(ingest.NewHandler(in.Intake)), bytes.NewReader(journal.Bytes()), 200)
	upload(t, NewDoor(ingest.NewHandler(in.Intake)), bytes.NewReader(journal.Bytes()), 200)
	if total += len(in.Events()); total != entries {
		t.Errorf("%d events, want %d", total, entries)
	}
}

// TestEntriesAreTakenInWhileTheOthersAreRead has a sender that keeps the request open.
func TestEntriesAreTakenInWhileTheOthersAreRead(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	body, sender := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		upload(t, NewDoor(ingest.NewHandler(in.Intake)), body, 200)
	}()
	_, _ = io.WriteString(sender, numbered(0))
	for in.Acknowledged() == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	_, _ = io.WriteString(sender, numbered(1))
	sender.Close()
	<-done
	if n := len(in.Events()); n != 2 {
		t.Errorf("%d events", n)
	}
}

// TestLargeEntriesAreCutAndSaySo has a core dump before the message.
// TestUploadsShareAConnection sends one upload after the other over it, as senders do,
// and then hangs up in the middle of one: what that held is given back.
func TestUploadsShareAConnection(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	server := httptest.NewServer(NewDoor(ingest.NewHandler(in.Intake)))
	defer server.Close()
	for i := range 20 {
		resp, err := server.Client().Post(server.URL+"/upload", mediaType, strings.NewReader(numbered(i)))
		if err != nil {
			t.Fatalf("upload %d: %v", i, err)
		}
		if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "OK.\n" {
			t.Fatalf("upload %d: %q %v", i, text, err)
		}
		resp.Body.Close()
	}
	part, whole := io.Pipe()
	ctx, hangUp := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/upload", part)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", mediaType)
	go func() {
		_, _ = io.WriteString(whole, numbered(20))
		hangUp()
		_ = whole.CloseWithError(context.Canceled) // Do waits for who reads the body
	}()
	if resp, err := server.Client().Do(r); err == nil {
		resp.Body.Close()
	}
	memory := in.Memory()
	if err := memory.Take(t.Context(), memory.Total()); err != nil { // it waits for a while
		t.Errorf("memory is held for a sender that hung up: %v", err)
	}
}

func TestLargeEntriesAreCutAndSaySo(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	size := 40 << 20
	head := "__CURSOR=c\nCOREDUMP\n" + string(binary.LittleEndian.AppendUint64(nil, uint64(size)))
	body := io.MultiReader(strings.NewReader(head), io.LimitReader(zeros{}, int64(size)), strings.NewReader("\nMESSAGE=dumped core\n_HOSTNAME=web-7\n\n"+numbered(1)))
	upload(t, NewDoor(ingest.NewHandler(in.Intake)), body, 200)
	events := in.Events()
	if len(events) != 2 || events[0].Message != "dumped core" || events[0].Host != "web-7" || !strings.Contains(events[0].JSON, fmt.Sprintf(`"journal.bytes_left_out":%d`, size-(maxEntry-len("__CURSORcCOREDUMP")))) || !strings.Contains(events[0].JSON, `"members":["COREDUMP"]`) {
		t.Errorf("%d events: %s … %.200s", len(events), events[0].Message, events[0].JSON[max(0, len(events[0].JSON)-200):])
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func TestCompressedStreamsAndRefusals(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	door := NewDoor(ingest.NewHandler(in.Intake))
	var packed bytes.Buffer
	for i := range 3 { // a frame for each piece, as the sender writes them
		z, _ := zstd.NewWriter(&packed)
		_, _ = io.WriteString(z, numbered(i))
		_ = z.Close()
	}
	upload(t, door, bytes.NewReader(packed.Bytes()), 200, "Content-Encoding", "zstd")
	upload(t, door, strings.NewReader("x"), 415, "Content-Encoding", "lz4")
	upload(t, door, strings.NewReader("x"), 400, "Content-Encoding", "zstd")
	upload(t, door, strings.NewReader("{}"), 415, "Content-Type", "application/json")
	if n := len(in.Events()); n != 3 {
		t.Errorf("%d events", n)
	}
	full := NewDoor(ingest.NewHandler(ingesttest.Start(t, t.TempDir(), func(d *ingest.Deps) { d.Config.MaxBacklog = 1 }).Intake))
	full.patience = 0
	if got := upload(t, full, strings.NewReader(numbered(0)), 503); got.Header().Get("Retry-After") == "" || !strings.Contains(got.Body.String(), "quota of disk") {
		t.Errorf("%v %s", got.Header(), got.Body)
	}
}

func FuzzEntries(f *testing.F) {
	f.Add([]byte(numbered(0, "A", "b\nc") + "broken\n\n" + numbered(1)))
	f.Add([]byte("MESSAGE\n\x05\x00\x00\x00\x00\x00\x00\x00hello\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := newReader(iotest.HalfReader(bytes.NewReader(body)), func(int64) error { return nil })
		for n := 0; ; n++ {
			e, err := r.next()
			if err != nil {
				return
			}
			if n > len(body) {
				t.Fatal("more entries than bytes")
			}
			if _, err := (&ingest.Decoder{Now: ingesttest.Now}).Append(nil, e.appendObject(nil)); err != nil {
				t.Fatalf("%q: %v", body, err)
			}
		}
	})
}
