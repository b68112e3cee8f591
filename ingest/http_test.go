package ingest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"nightjar/schema"
)

func compress(t testing.TB, encoding string, r io.Reader) []byte {
	t.Helper()
	var buf bytes.Buffer
	var z io.WriteCloser
	switch encoding {
	case "gzip":
		z, _ = gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	case "zlib":
		z, _ = zlib.NewWriterLevel(&buf, flate.BestSpeed)
	case "flate":
		z, _ = flate.NewWriter(&buf, flate.BestSpeed)
	case "zstd":
		z, _ = zstd.NewWriter(&buf)
	case "framed":
		z = s2.NewWriter(&buf, s2.WriterSnappyCompat())
	case "block":
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return s2.EncodeSnappy(nil, text)
	}
	if _, err := io.Copy(z, r); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func post(h http.Handler, query, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/api/v2/logs?"+query, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestRecordedRequest is the request of Datadog's own client tests.
func TestRecordedRequest(t *testing.T) {
	w := newWorld()
	h := run(t, t.TempDir(), w)
	body := `[{"ddsource":"nginx","ddtags":"env:staging,version:5.1","hostname":"i-012345678","message":"2019-11-19T14:37:58,995 INFO [process.name][20081] Hello World","service":"payment","status":"info"}]` + "\n"
	got := post(NewHandler(h.Intake), "", body, "Content-Type", "application/json")
	if got.Code != 202 || got.Body.String() != "{}" || got.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %q", got.Code, got.Body)
	}
	h.await()
	e := w.events[0]
	if e.Source != "nginx" || fmt.Sprint(e.Tags) != "[env:staging version:5.1]" || e.Host != "i-012345678" || e.Service != "payment" || e.Status != "info" || e.JSON != "{}" {
		t.Fatalf("%+v", e)
	}
}

func TestBodiesBecomeEvents(t *testing.T) {
	w := newWorld()
	h := run(t, t.TempDir(), w, func(d *Deps) { d.Config.BlockEvents = 1000 })
	handler := NewHandler(h.Intake)
	for _, c := range []struct {
		name, query, contentType, body string
		want                           []string
	}{
		{"one object", "", "", `{"message":"m","x":1}`, []string{`|||info|m|[]|{"x":1}`}},
		{"lines of objects", "", "application/json; charset=utf-8", "{\"message\":\"a\"}\n{\"message\":\"b\"}\n", []string{`|||info|a|[]|{}`, `|||info|b|[]|{}`}},
		{"a mark before the array", "", "application/json", "\ufeff [ {\"message\":\"a\"} ] ", []string{`|||info|a|[]|{}`}},
		{"nothing", "", "application/json", `[]`, nil},
		{"synonyms", "", "", `{"source":"s","host":"h","tags":["a:b","c","a:b"]}`, []string{`s||h|info||[a:b c]|{}`}},
		{"of two synonyms the first counts, the other is an attribute, tags add up", "", "", `{"source":"s","ddsource":"d","host":"h","hostname":"n","ddtags":"x:1","tags":["y:2"]}`, []string{`d||h|info||[x:1 y:2]|{"source":"s","hostname":"n"}`}},
		{"synonyms that agree", "", "", `{"source":"d","ddsource":"d","host":"h","hostname":"h"}`, []string{`d||h|info||[]|{}`}},
		{"the query stands in", "ddsource=q&service=qs&hostname=qh&ddtags=env:p,%20x", "", `[{"message":"a"},{"ddsource":"d","service":"s","hostname":"h","ddtags":"env:q","message":"b"}]`, []string{`q|qs|qh|info|a|[env:p x]|{}`, `d|s|h|info|b|[env:q env:p x]|{}`}},
		{"attributes are unfolded", "", "", `{"id":"e1","attributes":{"usr":{"name":"u"},"n":1},"n":2,"message":"m"}`, []string{`|||info|m|[]|{"id":"e1","usr":{"name":"u"},"n":2}`}},
		{"attributes that are no object stay", "", "", `{"attributes":[1]}`, []string{`|||info||[]|{"attributes":[1]}`}},
		{"a reserved name inside attributes is an attribute", "", "", `{"attributes":{"message":"in","status":"x"},"message":"out"}`, []string{`|||info|out|[]|{"message":"in","status":"x"}`}},
		{"the last of two keys counts", "", "", `{"message":"a","x":1,"message":"b","x":2}`, []string{`|||info|b|[]|{"x":2}`}},
		{"reserved fields that are scalars are their JSON, null is nothing", "", "", `{"message":7,"service":5,"hostname":true,"status":null,"ddsource":null}`, []string{`|5|true|info|7|[]|{}`}},
		{"an object is never a text", "", "", `{"message":{"a":[1, 2],"message":"in"},"service":{"name":"sn","x":1},"host":{"name":"hn"},"status":{"s":1},"source":{"ip":"::1"},"ddsource":["d"]}`,
			[]string{`|sn|hn|info|in|[]|{"a":[1,2],"message":"in","ddsource":["d"],"source":{"ip":"::1"},"service":{"name":"sn","x":1},"host":{"name":"hn"},"status":{"s":1}}`}},
		{"tags of an object, and what is no tag", "", "", `{"tags":{"env":"p","n":1},"ddtags":["a:b",{"x":1}]}`, []string{`|||info||[a:b env:p n:1]|{"ddtags":["a:b",{"x":1}]}`}},
		{"text", "ddsource=q&ddtags=a:b", "text/plain", "one\r\n\n  two\nthree", []string{`q|||info|one|[a:b]|{}`, `q|||info|  two|[a:b]|{}`, `q|||info|three|[a:b]|{}`}},
		{"logplex", "", "application/logplex-1", "83 <40>1 2012-11-30T06:45:29+00:00 host app web.3 - State\n", []string{`|||info|<40>1 2012-11-30T06:45:29+00:00 host app web.3 - State|[]|{}`}},
		{"invalid UTF-8", "", "", "{\"message\":\"a\xff\",\"k\xff\":\"\xfe\"}", []string{"|||info|a\uFFFD|[]|{\"k\uFFFD\":\"\uFFFD\"}"}},
		{"numbers", "", "", `{"a":9223372036854775807,"b":1e400,"c":12345678901234567890,"d":1.50}`, []string{`|||info||[]|{"a":9223372036854775807,"b":"1e400","c":"12345678901234567890","d":1.5}`}},
	} {
		before := len(w.events)
		got := post(handler, c.query, c.body, "Content-Type", c.contentType)
		if got.Code != 202 {
			t.Errorf("%s: %d %s", c.name, got.Code, got.Body)
			continue
		}
		h.await()
		events := w.events[before:]
		if len(events) != len(c.want) {
			t.Errorf("%s: %d events, want %d", c.name, len(events), len(c.want))
			continue
		}
		for i, e := range events {
			s := fmt.Sprintf("%s|%s|%s|%s|%s|%v|%s", e.Source, e.Service, e.Host, e.Status, e.Message, e.Tags, e.JSON)
			if strings.HasSuffix(c.want[i], "||||") {
				s = e.Source + "||||"
				if e.JSON != `{"x":1}` {
					s += e.JSON
				}
			}
			if s != c.want[i] {
				t.Errorf("%s:\n got %s\nwant %s", c.name, s, c.want[i])
			}
		}
	}
}

func TestBadRequestsSayWhatAndWhere(t *testing.T) {
	w := newWorld()
	h := run(t, t.TempDir(), w)
	handler := NewHandler(h.Intake)
	for _, c := range []struct {
		query, body string
		headers     []string
		status      int
		says        string
	}{
		{"", "[{\"message\":\"a\"},\n {\"message\":\"b\" \"c\"}]", nil, 400, "event 1 at byte 34 (line 2, column 17): broken JSON: invalid character '\\\"' after object key:value pair"},
		{"", `[{"a":1},5]`, nil, 400, "event 1 at byte 9 (line 1, column 10): want a log object here"},
		{"", `[{"a":1}`, nil, 400, "is the body cut off?"},
		{"", `[{"a":1},{"b":"`, nil, 400, "event 1 at byte 15 (line 1, column 16): the JSON ends before the object does"},
		{"", `[{"a":1}] x`, nil, 400, "there is something behind the array"},
		{"", `[{"a":1},]`, nil, 400, "event 1 at byte 9"},
		{"", ``, nil, 400, "the body is empty"},
		{"", `hello`, nil, 400, "lines of text go with Content-Type: text/plain"},
		{"", strings.Repeat("garbage ", 10<<20/8), nil, 400, "event 0 at byte 0"},
		{"", strings.Repeat("[", 1<<20), nil, 400, "event 0 at byte 1"},
		{"", `{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `,"b":5 6}`, nil, 400, "event 0 at byte 10012 (line 1, column 10013): broken JSON"},
		{"", "[" + strings.Repeat(`{"a":[`+strings.Repeat("1,", 60_000)+"1]},", 20) + "{}]", nil, 413, "more than 1048576 values in a request"},
		{"", "{}" + strings.Repeat(" ", 32<<20), nil, 413, "the body is larger than 33554432 bytes"},
		{"", `{}`, []string{"Content-Encoding", "gzip"}, 400, "cannot be decompressed"},
		{"", `{}`, []string{"Content-Encoding", "br"}, 415, "use identity, gzip, deflate, zstd or snappy"},
		{"", `{}`, []string{"Nightjar-Batch-Id", strings.Repeat("x", 257)}, 400, "longer than 256"},
		{"nj_year=MMXVII", `{}`, nil, 400, "query parameter nj_year"},
		{"nj_tz=Mars/Olympus", `{}`, nil, 400, "query parameter nj_tz: no time zone"},
	} {
		got := post(handler, c.query, c.body, c.headers...)
		body := got.Body.String()
		if got.Code != c.status || !strings.Contains(body, c.says) || !strings.HasPrefix(body, `{"errors":[{`) || len(body) > 1000 {
			t.Errorf("%.60s: %d %.300s\nwant %d with %s", c.body, got.Code, body, c.status, c.says)
		}
	}
	if h.Acknowledged() != 0 {
		t.Fatalf("%d events of bad requests were taken in", h.Acknowledged())
	}
	r := httptest.NewRecorder()
	handler.ServeHTTP(r, httptest.NewRequest("GET", "/api/v2/logs", nil))
	if r.Code != 405 {
		t.Errorf("GET: %d", r.Code)
	}
}

func TestEveryEncodingIsRead(t *testing.T) {
	w := newWorld()
	h := run(t, t.TempDir(), w)
	for _, c := range [][2]string{{"gzip", "gzip"}, {"zlib", "deflate"}, {"flate", "deflate"}, {"zstd", "zstd"}, {"block", "snappy"}, {"framed", "snappy"}, {"framed", "x-snappy-framed"}} {
		body := compress(t, c[0], strings.NewReader(`{"message":"`+c[0]+` as `+c[1]+`"}`))
		if got := post(NewHandler(h.Intake), "", string(body), "Content-Encoding", c[1]); got.Code != 202 {
			t.Errorf("%s: %d %s", c[0], got.Code, got.Body)
		}
		cut := string(body[:len(body)-5])
		if got := post(NewHandler(h.Intake), "", cut, "Content-Encoding", c[1]); got.Code != 400 {
			t.Errorf("%s, cut off: %d %s", c[0], got.Code, got.Body)
		}
	}
	h.await()
	w.check(t, 7)
}

// TestBombsEndEarly sends 64 MiB of spaces, compressed.
func TestBombsEndEarly(t *testing.T) {
	h := run(t, t.TempDir(), newWorld())
	for _, c := range [][2]string{{"gzip", "gzip"}, {"zlib", "deflate"}, {"zstd", "zstd"}, {"block", "snappy"}, {"framed", "snappy"}} {
		bomb := compress(t, c[0], io.LimitReader(spaces{}, 64<<20))
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := post(NewHandler(h.Intake), "", string(bomb), "Content-Encoding", c[1])
		runtime.ReadMemStats(&after)
		if got.Code != 413 {
			t.Errorf("%s: %d", c[0], got.Code)
		}
		t.Logf("%s: %d bytes of bomb, %d MiB allocated in all", c[0], len(bomb), (after.TotalAlloc-before.TotalAlloc)>>20)
		if used := after.TotalAlloc - before.TotalAlloc - uint64(len(bomb)); used > 200<<20 {
			t.Errorf("%s: %d MiB allocated", c[0], used>>20)
		}
	}
}

type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestBackpressureOverHTTP(t *testing.T) {
	w := newWorld()
	w.away = true
	h := run(t, t.TempDir(), w, func(d *Deps) { d.Config.MaxBacklog = 500 })
	var got *httptest.ResponseRecorder
	for i := range 20 {
		got = post(NewHandler(h.Intake), "", `{"message":"0123456789012345678901234567890123456789"}`, BatchIDHeader, fmt.Sprint(i))
	}
	if got.Code != 429 || got.Header().Get("Retry-After") != "5" || !strings.Contains(got.Body.String(), "quota of disk") {
		t.Fatalf("%d %v %s", got.Code, got.Header(), got.Body)
	}
}

func TestBatchIDOverHTTP(t *testing.T) {
	w := newWorld()
	h := run(t, t.TempDir(), w)
	for range 3 {
		if got := post(NewHandler(h.Intake), "", `{"message":"x"}`, BatchIDHeader, "b1"); got.Code != 202 {
			t.Fatal(got.Body)
		}
	}
	h.await()
	w.check(t, 1)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`[{"message":"a","ddtags":"a:b"},{"x":{"y":[1,2,{"z":null}]}}]`), "application/json")
	f.Add([]byte("line\nline"), "text/plain")
	f.Add([]byte(`{"a":"\ud800"}{"timestamp":1e10}`), "")
	f.Add([]byte(`[{"a":1},`), "")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		d := Decoder{Now: testNow, Source: "sshd"}
		events, err := decodeBody(&d, body, contentType)
		if err != nil {
			if events != nil {
				t.Fatal("half of a refused body came back")
			}
			return
		}
		for _, e := range events {
			a, err := schema.ParseAttributes(e.JSON)
			if err != nil || a.JSON != e.JSON || fmt.Sprint(a.Leaves) != fmt.Sprint(e.Leaves) {
				t.Fatalf("%q: %s does not read back as it was: %v", body, e.JSON, err)
			}
		}
	})
}

func FuzzQuery(f *testing.F) {
	f.Add("nj_tz=%2B02:00&nj_year=2020&ddtags=a,,b")
	h := &Handler{in: &Intake{deps: Deps{Now: func() time.Time { return testNow }}}}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.URL = &url.URL{RawQuery: query}
		_, _ = h.decoder(r)
	})
}

func TestRefusalsSayWhenToSendAgain(t *testing.T) {
	for _, c := range []struct {
		err         error
		after       time.Duration
		full, again bool
	}{
		{fmt.Errorf("x: %w", &BackpressureError{Reason: "r", RetryAfter: time.Second}), time.Second, true, true},
		{&UnavailableError{RetryAfter: 5 * time.Second, Err: io.EOF}, 5 * time.Second, false, true},
		{ErrTooLarge, 0, false, false},
		{nil, 0, false, false},
	} {
		if after, full, again := RetryAfter(c.err); after != c.after || full != c.full || again != c.again {
			t.Errorf("%v: %s %v %v", c.err, after, full, again)
		}
	}
}
