package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
)

// knock sends a request to a door and gives its answer; header lists names and
// values.
func knock(door http.Handler, method, target string, body []byte, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, bytes.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	return w
}

// TestIngestTakesEventsInAnyForm sends what generic senders send to /ingest.
func TestIngestTakesEventsInAnyForm(t *testing.T) {
	for _, c := range []struct {
		name, kind, body string
		events           int
		message          string
		status           int
	}{
		{"NDJSON", "application/x-ndjson", "{\"log\":\"a\"}\n{\"log\":\"b\"}\n", 2, "a", 200},
		{"an array", "application/json", `[{"message":"a"},{"message":"b"}]`, 2, "a", 200},
		{"objects one after the other", "application/json", `{"message":"a"}{"message":"b"}`, 2, "a", 200},
		{"one object, as curl sends it", "application/x-www-form-urlencoded", "{\n \"message\": \"a\"\n}", 1, "a", 200},
		{"Fluent Bit", "application/json", `[{"date":1700000000.25,"log":"a"}]`, 1, "a", 200},
		{"Cribl", "application/x-ndjson", `{"_raw":"a","_time":1700000000.25,"host":"h"}`, 1, "a", 200},
		{"NXLog", "application/json; charset=utf-8", `{"EventTime":"2031-04-05 06:07:08","Hostname":"h","Message":"a","Severity":"ERROR"}`, 1, "a", 200},
		{"lines", "text/plain; charset=utf-8", "a\nb\n", 2, "a", 200},
		{"lines without a type", "", "a\nb\n", 2, "a", 200},
		{"a line that begins with a bracket", "", "[12:30:01] a\n", 1, "[12:30:01] a", 200},
		{"an empty array", "application/json", "[]", 0, "", 200},
		{"msgpack", "application/msgpack", "\x92\x01\x02", 0, "Format json_lines", 415},
		{"protobuf", "application/x-protobuf", "\x0a\x01", 0, "/v1/logs", 415},
		{"broken JSON", "application/json", `{"message":`, 0, "line 1", 400},
		{"nothing", "", "", 0, "empty", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			in := run(t, t.TempDir(), w)
			got := knock(NewGeneric(in.Intake), "POST", "/ingest", []byte(c.body), "Content-Type", c.kind)
			if got.Code != c.status {
				t.Fatalf("%d %s, want %d", got.Code, got.Body, c.status)
			}
			if c.status != 200 {
				if !strings.Contains(got.Body.String(), c.message) {
					t.Errorf("does not say %q: %s", c.message, got.Body)
				}
				return
			}
			in.await()
			w.check(t, c.events)
			if c.events > 0 && w.events[0].Message != c.message {
				t.Errorf("message %q", w.events[0].Message)
			}
			if strings.Contains(c.body, "1700000000.25") && w.events[0].At != 1700000000250 {
				t.Errorf("time %d", w.events[0].At)
			}
			if strings.Contains(c.body, `"ERROR"`) && (w.events[0].Status != "error" || w.events[0].Host != "h") {
				t.Errorf("status %q, host %q", w.events[0].Status, w.events[0].Host)
			}
		})
	}
}

// TestAFullIntakeRefusesGenericSendersWith503 is because some drop what a 429
// refuses.
func TestAFullIntakeRefusesGenericSendersWith503(t *testing.T) {
	in := run(t, t.TempDir(), newWorld(), func(d *Deps) { d.Config.MaxBacklog = 1 })
	body := []byte(`{"message":"a"}`)
	for door, want := range map[http.Handler]int{NewGeneric(in.Intake): 503, NewHandler(in.Intake): 429} {
		if got := knock(door, "POST", "/", body); got.Code != want || got.Header().Get("Retry-After") == "" {
			t.Errorf("%T: %d %v, want %d", door, got.Code, got.Header(), want)
		}
	}
}

// TestTheAgentsWays are its probe, and the same bytes again after an answer that was
// lost; others who send a body twice mean two events.
func TestTheAgentsWays(t *testing.T) {
	w := newWorld()
	in := run(t, t.TempDir(), w)
	door := NewHandler(in.Intake)
	agent := []string{"DD-EVP-ORIGIN", "agent", "User-Agent", "datadog-agent/7.60.0", "Content-Type", "application/json"}
	if got := knock(door, "POST", "/api/v2/logs", []byte("{}"), agent...); got.Code != 202 {
		t.Errorf("the probe: %d", got.Code)
	}
	for range 3 {
		body := []byte(`[{"message":"agent","status":"info","timestamp":1700000000123,"hostname":"web-7","service":"cart","ddsource":"go","ddtags":"env:test"}]`)
		if got := knock(door, "POST", "/api/v2/logs", body, agent...); got.Code != 202 || got.Body.String() != "{}" {
			t.Errorf("%d %s", got.Code, got.Body)
		}
	}
	for _, m := range []string{"one", "two"} { // the message only tells them apart for check
		body := []byte(`[{"message":"` + m + `","timestamp":1700000000123}]`)
		knock(door, "POST", "/v1/input/KEY?ddsource=go&hostname=h&service=s&ddtags=a:b", body)
	}
	in.await()
	w.check(t, 3)
	if e := w.events[1]; e.Source != "go" || e.Host != "h" || e.Service != "s" || len(e.Tags) != 1 {
		t.Errorf("the query is not in %+v", e)
	}
	same := []byte(`[{"message":"plain","timestamp":1700000000123}]`)
	first, again := knock(door, "POST", "/api/v2/logs", same), knock(door, "POST", "/api/v2/logs", same)
	if in.await(); first.Code != 202 || again.Code != 202 || len(w.events) != 5 {
		t.Errorf("%d, %d; %d events", first.Code, again.Code, len(w.events))
	}
}

// TestKeysStandWhereSendersPutThem looks at each place.
func TestKeysStandWhereSendersPutThem(t *testing.T) {
	door := NewHandler(nil)
	for _, c := range []struct{ target, authorization string }{
		{"/v1/input/K", ""}, {"/v1/input?dd-api-key=K", ""}, {"/ingest?token=K", ""},
		{"/", "Basic eDpL"}, {"/", "ApiKey aWQ6Sw=="},
	} {
		r := httptest.NewRequest("POST", c.target, nil)
		r.Header.Set("Authorization", c.authorization)
		if got := door.Keys(r); len(got) != 1 || got[0] != "K" {
			t.Errorf("%+v: %q", c, got)
		}
		r.Method = http.MethodHead
		if door.Open(r) == (c.authorization != "" || strings.Contains(c.target, "=K")) {
			t.Errorf("%+v: open %t", c, door.Open(r))
		}
		r.Method = http.MethodOptions
		if !door.Open(r) {
			t.Errorf("%+v: OPTIONS is closed", c)
		}
	}
}

// TestSnappyIsReadAsABlockAndAsAStream has both forms, of which neither says which
// it is.
func TestSnappyIsReadAsABlockAndAsAStream(t *testing.T) {
	plain := []byte(strings.Repeat(`{"message":"a"}`, 1000))
	var stream bytes.Buffer
	z := snappy.NewBufferedWriter(&stream)
	_, _ = z.Write(plain)
	_ = z.Close()
	for name, packed := range map[string][]byte{"block": snappy.Encode(nil, plain), "stream": stream.Bytes()} {
		got, err := readBody(bytes.NewReader(packed), "snappy", 1<<20, func(int64) error { return nil })
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if _, err := readBody(bytes.NewReader(packed), "snappy", 5000, func(int64) error { return nil }); !errors.Is(err, errBodyTooLarge) {
			t.Errorf("%s beyond the limit: %v", name, err)
		}
		if _, err := readBody(bytes.NewReader(packed[:len(packed)-3]), "snappy", 1<<20, func(int64) error { return nil }); err == nil {
			t.Errorf("%s, cut off: no error", name)
		}
	}
}

func FuzzGeneric(f *testing.F) {
	f.Add([]byte(`[{"a":1}]`), "application/json")
	f.Add([]byte("a\nb"), "text/plain")
	f.Add([]byte("\x82\xa1a\x01"), "application/msgpack")
	f.Fuzz(func(t *testing.T, body []byte, kind string) {
		d := &Decoder{Now: testNow}
		events, err := d.anything(body, kind)
		if err == nil && len(events) == 0 && !bytes.Contains(body, []byte("[")) {
			t.Errorf("no events and no error of %q", body)
		}
	})
}

// TestWhatARequestSaysOfAllItsEventsIsCounted has bodies of a few hundred KB that
// would be gigabytes, each event having the host or the tags that the query gives to all.
func TestWhatARequestSaysOfAllItsEventsIsCounted(t *testing.T) {
	in := run(t, t.TempDir(), newWorld(), func(d *Deps) { d.Config.SegmentBytes = 0 })
	const n = 100_000
	var tags strings.Builder
	for i := range 5_000 {
		fmt.Fprintf(&tags, "t%d,", i)
	}
	for _, query := range []string{"hostname=" + strings.Repeat("h", 30_000), "service=" + strings.Repeat("s", 30_000), "ddtags=" + tags.String()} {
		for kind, body := range map[string]string{"text/plain": strings.Repeat("a\n", n), "application/x-ndjson": strings.Repeat("{}\n", n), "application/json": "[" + strings.Repeat("{},", n) + "{}]"} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := knock(NewGeneric(in.Intake), "POST", "/ingest?ddsource=x&"+query, []byte(body), "Content-Type", kind)
			runtime.ReadMemStats(&after)
			if got.Code != http.StatusRequestEntityTooLarge || !strings.Contains(got.Body.String(), "each with what it shares with others") {
				t.Errorf("%.20s, %s: %d %s", query, kind, got.Code, got.Body)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 300<<20 {
				t.Errorf("%.20s, %s: %d MiB were taken", query, kind, took>>20)
			}
		}
	}
	got := knock(NewGeneric(in.Intake), "POST", "/ingest?ddsource=x&ddtags=env:prod,team:infra&hostname=web-7", []byte(strings.Repeat("a\n", n)), "Content-Type", "text/plain")
	if got.Code != http.StatusOK {
		t.Errorf("many lines with a few tags: %d %s", got.Code, got.Body)
	}
}

// TestABodyThatIsPackedAndDoesNotSaySoIsNoText is what curl sends of a .gz.
func TestABodyThatIsPackedAndDoesNotSaySoIsNoText(t *testing.T) {
	in := run(t, t.TempDir(), newWorld())
	for how, magic := range map[string]string{"gzip": "\x1f\x8b\x08\x00line\n", "zstd": "\x28\xb5\x2f\xfdline\n"} {
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json"} {
			for path, door := range map[string]http.Handler{"/ingest": NewGeneric(in.Intake), "/api/v2/logs": NewHandler(in.Intake)} {
				got := knock(door, "POST", path, []byte(magic), "Content-Type", kind)
				if got.Code != http.StatusUnsupportedMediaType || !strings.Contains(got.Body.String(), "Content-Encoding: "+how) {
					t.Errorf("%s of %s to %s: %d %s", how, kind, path, got.Code, got.Body)
				}
			}
		}
	}
}
