package elastic

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"nightjar/ingest"
	"nightjar/ingest/ingesttest"
)

func open(t testing.TB, dir string, edit ...func(*ingest.Deps)) (*Door, *ingesttest.Intake) {
	t.Helper()
	in := ingesttest.Start(t, dir, edit...)
	door, err := New(ingest.NewHandler(in.Intake), "")
	if err != nil {
		t.Fatal(err)
	}
	return door, in
}

const at = `"@timestamp":"2026-05-01T11:59:00.123Z"`

// TestTheAnswerIsToTheByteWhatSendersLookFor has every action, and every thing that
// may be wrong with one.
func TestTheAnswerIsToTheByteWhatSendersLookFor(t *testing.T) {
	door, in := open(t, t.TempDir())
	took := regexp.MustCompile(`"took":\d+`)
	for _, c := range []struct{ name, path, body, answer string }{
		{"create", "/_bulk", `{"create":{"_index":"filebeat-8.17.0","_id":"a1"}}` + "\n{" + at + `,"message":"disk 91% full","host":{"name":"web-7"}}` + "\n",
			`{"took":0,"errors":false,"items":[{"create":{"_index":"filebeat-8.17.0","_id":"a1","status":201}}]}`},
		{"the same again", "/_bulk", `{"create":{"_index":"filebeat-8.17.0","_id":"a1"}}` + "\n{" + at + `,"message":"disk 91% full","host":{"name":"web-7"}}` + "\n",
			`{"took":0,"errors":false,"items":[{"create":{"_index":"filebeat-8.17.0","_id":"a1","status":200}}]}`},
		{"beside a new one", "/elastic/logs/_bulk?filter_path=x&pipeline=p", `{"index":{"_id":"b"}}` + "\n{\"message\":\"b\"}\n" + `{"index":{"_index":"filebeat-8.17.0","_id":"a1"}}` + "\n{\"message\":\"b\"}",
			`{"took":0,"errors":false,"items":[{"index":{"_index":"logs","_id":"b","status":201}},{"index":{"_index":"filebeat-8.17.0","_id":"a1","status":200}}]}`},
		{"without an id", "//x/_bulk", `{"index":{"_type":"_doc","_alias":null,"routing":"r"},"attempts":0}` + "\n\n{\"message\":\"c\"}\r\n",
			`{"took":0,"errors":false,"items":[{"index":{"_index":"x","_id":"event-3","status":201}}]}`},
		{"update", "/_bulk", `{"update":{"_index":"x","_id":7}}` + "\n" + `{"doc":{"message":"d"},"doc_as_upsert":true}`,
			`{"took":0,"errors":false,"items":[{"update":{"_index":"x","_id":"7","status":201}}]}`},
		{"what can't be stored, beside what can", "/_bulk", `{"delete":{"_index":"x","_id":"7"}}` + "\n" + `{"create":{"_index":"x"}}` + "\n[1]\n" + `{"create":{"_index":"x"}}` + "\n{\"a\":}\n" + `{"create":{"_index":"x"}}` + "\n{\"message\":\"e\"}\n",
			`{"took":0,"errors":true,"items":[{"delete":{"_index":"x","_id":"7","status":400,"error":{"type":"illegal_argument_exception","reason":"events stay what they were; delete has no effect"}}},` +
				`{"create":{"_index":"x","_id":"","status":400,"error":{"type":"document_parsing_exception","reason":"line 3: want one JSON object"}}},` +
				`{"create":{"_index":"x","_id":"","status":400,"error":{"type":"document_parsing_exception","reason":"line 5: broken JSON: invalid character '}' looking for beginning of value"}}},` +
				`{"create":{"_index":"x","_id":"event-5","status":201}}]}`},
	} {
		got := ingesttest.Send(door, "POST", c.path, c.body)
		if answer := took.ReplaceAllString(got.Body.String(), `"took":0`); got.Code != 200 || answer != c.answer {
			t.Errorf("%s: %d\n%s\nwant\n%s", c.name, got.Code, answer, c.answer)
		}
	}
	events := in.Events()
	if len(events) != 5 {
		t.Fatalf("%d events", len(events))
	}
	if e := events[0]; e.Message != "disk 91% full" || e.Host != "web-7" || strings.Join(e.Tags, " ") != "index:filebeat-8.17.0" || e.At%1000 != 123 {
		t.Errorf("%+v", e)
	}
}

// TestALongAnswerIsWhole has more items than are written at once.
func TestALongAnswerIsWhole(t *testing.T) {
	door, _ := open(t, t.TempDir())
	got := ingesttest.Send(door, "POST", "/x/_bulk", strings.Repeat("{\"delete\":{\"_id\":\"7\"}}\n", 10_000))
	var answer struct {
		Errors bool
		Items  []map[string]struct{ Status int }
	}
	if err := json.Unmarshal(got.Body.Bytes(), &answer); err != nil || !answer.Errors || len(answer.Items) != 10_000 || got.Body.Len() < 10*chunk {
		t.Errorf("%d items in %d bytes, %v", len(answer.Items), got.Body.Len(), err)
	}
}

// TestBrokenBodiesAreRefusedWhole says where.
func TestBrokenBodiesAreRefusedWhole(t *testing.T) {
	door, in := open(t, t.TempDir())
	doc := "{\"message\":\"a\"}\n"
	for _, c := range []struct {
		body   string
		status int
		says   string
	}{
		{"", 400, "empty"},
		{"\n\n", 400, "empty"},
		{doc + doc, 400, "line 1"},
		{`{"index":{}}` + "\n" + doc + "[]\n" + doc, 400, "line 3"},
		{`{"index":{},"create":{}}` + "\n" + doc, 400, "line 1"},
		{`{"index":7}` + "\n" + doc, 400, "line 1"},
		{`{"index":{}}` + "\n", 400, "cut off"},
		{`{"index":{"_id":"` + strings.Repeat("a", maxAction) + `"}}` + "\n" + doc, 400, "longer"},
		{strings.Repeat("{\"delete\":{}}\n", maxActions+1), 413, "smaller batches"},
	} {
		got := ingesttest.Send(door, "POST", "/_bulk", c.body)
		var answer struct {
			Error struct {
				Type, Reason string
				RootCause    []any `json:"root_cause"`
			}
			Status int
		}
		if err := json.Unmarshal(got.Body.Bytes(), &answer); err != nil || got.Code != c.status || answer.Status != c.status || !strings.Contains(answer.Error.Reason, c.says) || len(answer.Error.RootCause) != 1 {
			t.Errorf("%.60q: %d %s, want %d and %q", c.body, got.Code, got.Body, c.status, c.says)
		}
		marked(t, got)
	}
	if n := len(in.Events()); n != 0 {
		t.Errorf("%d events were taken", n)
	}
}

func marked(t *testing.T, got *httptest.ResponseRecorder) {
	t.Helper()
	if got.Header().Get("X-Elastic-Product") != "Elasticsearch" || got.Header().Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", got.Header())
	}
}

// TestSendersFindTheServerTheyLookFor is every step of a handshake.
func TestSendersFindTheServerTheyLookFor(t *testing.T) {
	door, _ := open(t, t.TempDir())
	banner := `{"cluster_name":"nightjar","cluster_uuid":"nightjar","version":{"number":"8.19.0","build_flavor":"default"},"tagline":"You Know, for Search"}`
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/", banner}, {"GET", "/elastic", banner}, {"GET", "/elastic/", banner}, {"HEAD", "/", ""}, {"HEAD", "/elastic/", ""},
		{"GET", "/_license?human=false", `{"license":{"uid":"nightjar","type":"basic","status":"active"}}`}, {"GET", "/_xpack", `"active"`},
		{"GET", "/_ilm/policy/filebeat", "{}"}, {"PUT", "/_ilm/policy/filebeat", acknowledged},
		{"HEAD", "/_index_template/a", ""}, {"GET", "/_index_template/a", "{}"}, {"PUT", "/elastic/_index_template/a", acknowledged},
		{"HEAD", "/_template/a", ""}, {"GET", "/_template/a", "{}"}, {"PUT", "/_template/a", acknowledged}, {"PUT", "/_component_template/a", acknowledged},
		{"GET", "/_data_stream/logs-a", `{"data_streams":[{"name":"logs-a"}]}`}, {"PUT", "/_data_stream/logs-a", acknowledged},
		{"GET", "/_ingest/pipeline/p", "{}"}, {"PUT", "/_ingest/pipeline/p", acknowledged}, {"GET", "/_nodes/ingest", `{"nodes":{}}`}, {"GET", "/_nodes/http", `{"nodes":{}}`},
		{"GET", "/_logstash/pipeline", "{}"}, {"POST", "/_monitoring/bulk?system_id=logstash", "{}"}, {"HEAD", "/logstash", ""}, {"HEAD", "/_alias/x", ""},
		{"PUT", "/logs-2026", acknowledged}, {"GET", "/_cluster/health", `{"status":"green"}`}, {"GET", "/_cat/health", "1 1 nightjar green"}, {"HEAD", "/_cat/health", ""},
		{"POST", "/logs/_refresh", `"failed":0`}, {"POST", "/_refresh", `"failed":0`},
		{"OPTIONS", "/_bulk", ""}, {"HEAD", "/_bulk", ""},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		if !door.Claims(r) {
			t.Errorf("%s %s is not claimed", c.method, c.path)
		}
		got := ingesttest.Send(door, c.method, c.path, "")
		if got.Code != 200 || !strings.Contains(got.Body.String(), c.want) || c.want == "" && got.Body.Len() > 0 {
			t.Errorf("%s %s: %d %s, want %s", c.method, c.path, got.Code, got.Body, c.want)
		}
		marked(t, got)
	}
	for _, path := range []string{"/_search", "/_security/user", "/elastic/anything"} {
		got := ingesttest.Send(door, "GET", path, "")
		if got.Code != 404 {
			t.Errorf("%s: %d", path, got.Code)
		}
		marked(t, got)
	}
	for _, path := range []string{"/nothing", "/api/v2/rules", "/elastical/x", "/signals/_doc_"} {
		if door.Claims(httptest.NewRequest("GET", path, nil)) {
			t.Errorf("%s is claimed", path)
		}
	}
}

// TestOneDocumentMayComeByItself is how rsyslog sends without bulk mode.
func TestOneDocumentMayComeByItself(t *testing.T) {
	door, in := open(t, t.TempDir())
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/logs/_doc", "{\n\"message\":\"a\"}", 201, `{"_index":"logs","_id":"event-1","_version":1,"result":"created"}`},
		{"PUT", "/logs/_create/7", `{"message":"b"}`, 201, `"_id":"7"`},
		{"PUT", "/logs/_create/7", `{"message":"b"}`, 200, `"noop"`},
		{"POST", "/logs/_doc", `{"message":`, 400, "document_parsing_exception"},
		{"POST", "/logs/_doc", ``, 400, "parse_exception"},
	} {
		if got := ingesttest.Send(door, c.method, c.path, c.body); got.Code != c.status || !strings.Contains(got.Body.String(), c.says) {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.Code, got.Body)
		}
	}
	if n := len(in.Events()); n != 2 {
		t.Errorf("%d events", n)
	}
}

// TestWhatIsSentAgainIsTakenOnce has retries as they are and cut anew, in one life
// of the intake and in the next, with ids and without.
func TestWhatIsSentAgainIsTakenOnce(t *testing.T) {
	now := ingesttest.Now
	clock := func(d *ingest.Deps) { d.Now = func() time.Time { return now } }
	dir := t.TempDir()
	door, in := open(t, dir, clock)
	bulk := func(ids ...int) string {
		var b strings.Builder
		for _, id := range ids {
			fmt.Fprintf(&b, `{"create":{"_index":"x","_id":"%d"}}`+"\n"+`{"message":"%d"}`+"\n", id, id)
		}
		return b.String()
	}
	exact := `{"create":{"_index":"x"}}` + "\n{\"message\":\"e\"," + at + "}\n"
	coarse := `{"create":{"_index":"x"}}` + "\n{\"message\":\"c\",\"@timestamp\":\"2026-05-01T11:59:00Z\"}\n"
	send := func(name, body string, new int) {
		t.Helper()
		before := in.Acknowledged()
		got := ingesttest.Send(door, "POST", "/_bulk", body)
		if n := in.Acknowledged() - before; got.Code != 200 || n != uint64(new) || strings.Count(got.Body.String(), `"status":201`) != new {
			t.Errorf("%s: %d new, want %d: %s", name, n, new, got.Body)
		}
	}
	send("first", bulk(1, 2, 3), 3)
	send("again", bulk(1, 2, 3), 0)
	send("cut anew", bulk(3, 4), 1)
	send("twice in one", bulk(5, 5), 1)
	send("in another index", strings.ReplaceAll(bulk(1, 5), `"x"`, `"y"`), 2)
	send("without ids", exact, 1)
	send("without ids, again", exact, 0)
	send("without ids, not to the millisecond", coarse, 1)
	send("without ids, not to the millisecond, again", coarse, 1)
	in.Events()
	in.Stop()
	door, in = open(t, dir, clock)
	send("as it was, after a restart", bulk(1, 2, 3), 0)
	send("without ids, after a restart", exact, 0)
	now = now.Add(20 * time.Minute)
	send("as it was, later", bulk(1, 2, 3), 0)
}

// TestAnIntakeThatIsFullRefusesAllWith503 is because an item's 429 is lost by some.
func TestAnIntakeThatIsFullRefusesAllWith503(t *testing.T) {
	door, _ := open(t, t.TempDir(), func(d *ingest.Deps) { d.Config.MaxBacklog = 1 })
	body := `{"index":{"_index":"x","_id":"1"}}` + "\n{\"message\":\"a\"}\n"
	for range 2 { // refused is not taken
		got := ingesttest.Send(door, "POST", "/_bulk", body, "User-Agent", "Filebeat/8.19.0")
		if got.Code != 503 || got.Header().Get("Retry-After") == "" || !strings.Contains(got.Body.String(), `"status":503`) {
			t.Errorf("%d %v %s", got.Code, got.Header(), got.Body)
		}
		marked(t, got)
	}
}

// TestASenderWithoutANameIsTurnedAwayByAnAnswerThatBreaksOff is what has rsyslog's module
// send again: an answer that comes whole is the last word to it, whatever the status.
func TestASenderWithoutANameIsTurnedAwayByAnAnswerThatBreaksOff(t *testing.T) {
	door, _ := open(t, t.TempDir(), func(d *ingest.Deps) { d.Config.MaxBacklog = 1 })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_bulk" {
			door.ServeHTTP(w, r)
			return
		}
		door.Refuse(w, r, http.StatusForbidden, "Forbidden")
	}))
	defer server.Close()
	send := func(agent, path, body string) (*http.Response, string, error) {
		t.Helper()
		r, err := http.NewRequest("POST", server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("User-Agent", agent) // none is sent where it is empty
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return resp, string(text), err
	}
	const good = `{"index":{"_index":"x"}}` + "\n{\"message\":\"a\"}\n"
	for agent, whole := range map[string]bool{"": false, "Go-http-client/1.1": true} {
		resp, text, err := send(agent, "/_bulk", good)
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || json.Valid([]byte(text)) != whole || (err == nil) != whole {
			t.Errorf("%q, full: %d %v %s %v", agent, resp.StatusCode, resp.Header, text, err)
		}
		resp, text, err = send(agent, "/forbidden", good)
		if resp.StatusCode != 403 || json.Valid([]byte(text)) != whole || (err == nil) != whole {
			t.Errorf("%q, forbidden: %d %v %s %v", agent, resp.StatusCode, resp.Header, text, err)
		}
	}
	if resp, text, err := send("", "/_bulk", "no action\n"); resp.StatusCode != 400 || !json.Valid([]byte(text)) || err != nil {
		t.Errorf("what is never taken: %d %s %v", resp.StatusCode, text, err)
	}
}

// TestSourcesAreReadWhereElasticsSendersHaveThem is what rules ask for first.
func TestSourcesAreReadWhereElasticsSendersHaveThem(t *testing.T) {
	door, in := open(t, t.TempDir())
	for _, doc := range []string{
		`{"message":"a","event":{"module":"nginx","dataset":"nginx.access"},"log":{"level":"error"}}`,
		`{"message":"b","event.dataset":"nginx.access","kubernetes":{"labels":{"app":"cart"}}}`,
		`{"message":"Failed password for root from 203.0.113.66 port 22 ssh2","ddsource":"sshd","host":{"name":"h","os":{"name":"debian"}},"agent":{"type":"filebeat"},"log":{"file":{"path":"/var/log/auth.log"}}}`,
		`{"message":"c","source":"sshd","service":{"name":"s"},"event":{"module":"system"}}`,
	} {
		ingesttest.Send(door, "POST", "/logs/_bulk?ddtags=env:test", `{"create":{}}`+"\n"+doc)
	}
	want := []string{"nginx nginx.access error", "nginx.access cart info", "sshd  info", "sshd s info"}
	if line := in.Events()[2]; !strings.Contains(line.JSON, `"ip":"203.0.113.66"`) || !strings.Contains(line.JSON, `"filebeat"`) {
		t.Errorf("a line that Filebeat sent was not read: %s", line.JSON)
	}
	for i, e := range in.Events() {
		if got := e.Source + " " + e.Service + " " + e.Status; got != want[i] || strings.Join(e.Tags, " ") != "env:test index:logs" {
			t.Errorf("%q %q, want %q", got, e.Tags, want[i])
		}
	}
}

// TestADocumentOfManyValuesIsCut is one that would take gigabytes as a tree.
func TestADocumentOfManyValuesIsCut(t *testing.T) {
	door, in := open(t, t.TempDir())
	many := `{"message":"a","event":[` + strings.Repeat("1,", 8<<20) + `1],"kubernetes":{}}`
	for _, body := range []string{`{"create":{}}` + "\n" + many, `{"update":{}}` + "\n" + `{"doc":` + many + `}`} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := ingesttest.Send(door, "POST", "/x/_bulk", body)
		runtime.ReadMemStats(&after)
		if got.Code != 200 || strings.Count(got.Body.String(), `"status":201`) != 1 {
			t.Errorf("%d %.200s", got.Code, got.Body)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 12*uint64(len(body)) {
			t.Errorf("%d MiB were allocated for %d", took>>20, len(body)>>20)
		}
	}
	if events := in.Events(); len(events) != 2 || !strings.Contains(events[0].JSON, `"cut"`) {
		t.Errorf("%d events", len(events))
	}
}

func TestOnlyVersionsAreVersions(t *testing.T) {
	for _, v := range []string{"8", "8.19", "v8.19.0", `8.19.0"`} {
		if _, err := New(nil, v); err == nil {
			t.Errorf("%s was taken", v)
		}
	}
}

// FuzzBulk reads any body: each action has an item, and events and names agree.
func FuzzBulk(f *testing.F) {
	f.Add([]byte(`{"create":{"_index":"x","_id":"1"}}` + "\n{\"message\":\"a\"}\n"))
	f.Add([]byte(`{"update":{}}` + "\n" + `{"doc":{"a":1}}` + "\n" + `{"delete":{"_id":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := &ingest.Decoder{Now: ingesttest.Now}
		b, err := readBulk(d, body, "x")
		if err != nil {
			return
		}
		stored := 0
		for _, it := range b.items {
			if it.fault == "" {
				stored++
			}
			if !json.Valid(it.appendTo(nil, &numbering{ingest.Receipt{Duplicate: true}, 0, 0})) {
				t.Errorf("the answer to %+v is no JSON", it)
			}
		}
		if stored != len(b.events) || stored != len(b.names) {
			t.Errorf("%d items, %d events, %d names", stored, len(b.events), len(b.names))
		}
		if d.Source != "" || d.Service != "" || d.Tags != nil {
			t.Errorf("the request's own words were changed: %+v", d)
		}
	})
}
