package hec

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"nightjar/ingest"
	"nightjar/ingest/ingesttest"
)

// TestEventsAreReadAsTheirSendersMeanThem has a body of each sender.
func TestEventsAreReadAsTheirSendersMeanThem(t *testing.T) {
	for _, c := range []struct{ name, path, body, want string }{
		{"an event with all there is", "/event", `{"time":1700000000.25,"host":"web-7","source":"app","sourcetype":"_json","index":"main","event":{"log":"started","level":"warn"},"fields":{"env":"prod","n":7}}`,
			`1700000000250|app||web-7|warn|started|[index:main sourcetype:_json]|{"log":"started","level":"warn","env":"prod","n":7}`},
		{"two without anything between", "/event/1.0", `{"event":"a"}{"event":"b","time":"1700000000.5"}`,
			"now||||info|a|[]|{}\n1700000000500||||info|b|[]|{}"},
		{"two in lines, at the bare path", "", "{\"event\":\"a\"}\r\n{\"event\":\"b\"}\n", "now||||info|a|[]|{}\nnow||||info|b|[]|{}"},
		{"Docker", "/event/1.0", `{"event":{"line":"GET /","source":"stdout","tag":"3f2a"},"time":"1700000000.000001","host":"h"}`,
			`1700000000000|docker||h|info|GET /|[]|{"source":"stdout","tag":"3f2a"}`},
		{"Docker with JSON", "/event/1.0", `{"event":{"line":{"msg":"a","level":"error"},"source":"stdout","tag":"t"},"sourcetype":"nginx"}`,
			`now|nginx|nginx|` + `|error|a|[sourcetype:nginx]|{"msg":"a","level":"error","source":"stdout","tag":"t","nightjar":{"pipelines":["nginx@1"]}}`},
		{"a collector of OpenTelemetry", "/event", `{"event":"started","fields":{"otel.log.severity.text":"ERROR","otel.log.severity.number":17,"service.name":"cart","trace_id":"ab"}}`,
			`now||cart||error|started|[]|{"otel.log.severity.number":17,"service.name":"cart","trace_id":"ab","otel.log.severity.text":"ERROR"}`},
		{"a file's name is no source", "/event", `{"event":"a","source":"/var/log/auth.log","sourcetype":"sshd"}`,
			`now|sshd|||info|a|[sourcetype:sshd hec_source:/var/log/auth.log]|{"nightjar":{"pipelines":["sshd@1"]}}`},
		{"a line of a source that is known", "/event", `{"event":"Failed password for root from 203.0.113.66 port 22 ssh2","source":"sshd","fields":{"env":"prod"}}`, ""},
		{"what the envelope says counts first", "/event", `{"time":1700000000,"host":"h","source":"s","event":{"timestamp":1600000000000,"host":"other","source":"o","message":"m"},"fields":{"timestamp":1,"host":"f"}}`,
			`1700000000000|s||h|info|m|[]|{"source":"o","message":"m","timestamp":1,"host":"f"}`},
		{"an object with a line that is none of Docker's", "/event", `{"event":{"line":7,"source":"a",` + strings.Repeat(`"b":1,`, 20) + `"message":"m"}}`, `now|a|||info|m|[]|{"line":7,"source":"a","b":1,"message":"m"}`},
		{"an event of another kind", "/event", `{"event":[1,"a"]}{"event":7}{"event":true}`, "now||||info|[1,\"a\"]|[]|{}\nnow||||info|7|[]|{}\nnow||||info|true|[]|{}"},
		{"lines", "/raw?channel=c&host=h&index=i&source=/x&sourcetype=nginx", "a\nb\r\n\n", "now|nginx|nginx|h|info|a|[index:i sourcetype:nginx hec_source:/x]|{\"nightjar\":{\"pipelines\":[\"nginx@1\"]}}\nnow|nginx|nginx|h|info|b|[index:i sourcetype:nginx hec_source:/x]|{\"nightjar\":{\"pipelines\":[\"nginx@1\"]}}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := ingesttest.Start(t, t.TempDir())
			got := ingesttest.Send(New(in.Intake), "POST", Path+c.path, c.body)
			if got.Code != 200 || !strings.HasPrefix(got.Body.String(), `{"text":"Success","code":0`) {
				t.Fatalf("%d %s", got.Code, got.Body)
			}
			var lines []string
			for _, e := range in.Events() {
				at := fmt.Sprint(int64(e.At))
				if int64(e.At) == ingesttest.Now.UnixMilli() {
					at = "now"
				}
				lines = append(lines, fmt.Sprintf("%s|%s|%s|%s|%s|%s|%v|%s", at, e.Source, e.Service, e.Host, e.Status, e.Message, e.Tags, e.JSON))
			}
			if c.want == "" {
				if !strings.Contains(in.Events()[0].JSON, `"ip":"203.0.113.66"`) {
					t.Errorf("the line was not read: %s", lines)
				}
				return
			}
			if got := strings.Join(lines, "\n"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestRefusalsAreTheCollectors are those that senders know, by number.
func TestRefusalsAreTheCollectors(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	door := New(in.Intake)
	for _, c := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"POST", "/event", "", 400, `"code":5}`},
		{"POST", "/raw", " \n", 400, `"code":5}`},
		{"POST", "/event", `{"event":"a"}{"event":`, 400, `"code":6,"invalid-event-number":1`},
		{"POST", "/event", `[{"event":"a"}]`, 400, `"code":6,"invalid-event-number":0`},
		{"POST", "/event", `{"event":{"a":tru}}`, 400, `"code":6,"invalid-event-number":0`},
		{"POST", "/event", `{"event":"a"}{"time":1}`, 400, `"code":12,"invalid-event-number":1}`},
		{"POST", "/event", `{"event":null}`, 400, `"code":12,"invalid-event-number":0}`},
		{"POST", "/event", `{"event":" "}`, 400, `"code":13,"invalid-event-number":0}`},
		{"POST", "/event", `{"event":"\u0020\n"}`, 400, `"code":13,"invalid-event-number":0}`},
		{"POST", "/event", `{"event":{}}`, 400, `"code":13,"invalid-event-number":0}`},
		{"POST", "/event", `{"event":"a","fields":{` + strings.Repeat(`"a":1,`, 1<<20) + `"b":1}}`, 400, `"code":6,"invalid-event-number":0`},
		{"POST", "/ack", `{"acks":[1]}`, 400, `"code":10}`},
		{"POST", "/ack?channel=c", `{"acks":`, 400, `"code":6,`},
		{"POST", "/nothing", ``, 404, `"code":404`},
		{"GET", "/event", ``, 405, `"code":405`},
	} {
		got := ingesttest.Send(door, c.method, Path+c.path, c.body)
		if got.Code != c.status || !strings.Contains(got.Body.String(), c.answer) || !json.Valid(got.Body.Bytes()) {
			t.Errorf("%s %s %.200s: %d %s, want %d %s", c.method, c.path, c.body, got.Code, got.Body, c.status, c.answer)
		}
		if got.Header().Get("Retry-After") != "" {
			t.Errorf("%s: %v", c.body, got.Header())
		}
	}
	if n := len(in.Events()); n != 0 {
		t.Errorf("%d events were taken", n)
	}
	for _, c := range []struct {
		path, authorization string
		status              int
		answer              string
	}{
		{"/event", "", 401, `{"text":"Token is required","code":2}`}, {"/event", "Digest x", 401, `{"text":"Invalid authorization","code":3}`},
		{"/event", "Splunk x", 403, `{"text":"Invalid token","code":4}`}, {"/health/1.0", "Splunk x", 400, `{"text":"Invalid token","code":4}`},
	} {
		r, w := httptest.NewRequest("POST", Path+c.path, nil), httptest.NewRecorder()
		r.Header.Set("Authorization", c.authorization)
		status := map[bool]int{true: 403, false: 401}[strings.HasPrefix(c.authorization, "Splunk")]
		if door.Refuse(w, r, status, ""); w.Code != c.status || w.Body.String() != c.answer {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
	}
}

// TestHealthAndOptionsNeedNoToken is because Docker does not start otherwise.
func TestHealthAndOptionsNeedNoToken(t *testing.T) {
	door := New(ingesttest.Start(t, t.TempDir()).Intake)
	for _, c := range []struct {
		method, path, authorization string
		open                        bool
	}{
		{"OPTIONS", "/event/1.0", "", true}, {"HEAD", "/event", "", true}, {"GET", "/health", "", true}, {"GET", "/health/1.0", "", true},
		{"GET", "/health/1.0", "Splunk x", false}, {"POST", "/event", "", false}, {"POST", "/ack", "", false}, {"POST", "/health", "", false},
	} {
		r := httptest.NewRequest(c.method, Path+c.path, nil)
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		if got := door.Open(r); got != c.open {
			t.Errorf("%+v: open %t", c, got)
		}
	}
	if got := ingesttest.Send(door, "GET", Path+"/health/1.0", ""); got.Code != 200 || got.Body.String() != `{"text":"HEC is healthy","code":17}` {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := ingesttest.Send(door, "OPTIONS", Path+"/event/1.0", ""); got.Code != 200 {
		t.Errorf("%d", got.Code)
	}
}

// TestWhatAChannelSendsAgainIsTakenOnce, and is acknowledged by number.
func TestWhatAChannelSendsAgainIsTakenOnce(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	door := New(in.Intake)
	body := `{"time":1700000000.25,"event":"a"}{"time":1700000000,"event":"b"}`
	for range 2 {
		got := ingesttest.Send(door, "POST", Path+"/event", body, "X-Splunk-Request-Channel", "c1")
		if got.Body.String() != `{"text":"Success","code":0,"ackId":2}` {
			t.Errorf("%s", got.Body)
		}
	}
	if got := ingesttest.Send(door, "POST", Path+"/event?channel=c2", body); got.Body.String() != `{"text":"Success","code":0,"ackId":4}` {
		t.Errorf("%s", got.Body)
	}
	if n := len(in.Events()); n != 4 {
		t.Errorf("%d events, want 2 of each channel", n)
	}
	if got := ingesttest.Send(door, "POST", Path+"/ack?channel=c1", `{"acks":[2,4,5]}`); got.Body.String() != `{"acks":{"2":true,"4":true,"5":false}}`+"\n" {
		t.Errorf("%s", got.Body)
	}
}

func TestAFullIntakeIsBusy(t *testing.T) {
	door := New(ingesttest.Start(t, t.TempDir(), func(d *ingest.Deps) { d.Config.MaxBacklog = 1 }).Intake)
	got := ingesttest.Send(door, "POST", Path+"/event", `{"event":"a"}`)
	if got.Code != 503 || got.Header().Get("Retry-After") == "" || !strings.HasPrefix(got.Body.String(), `{"text":"Server is busy","code":9`) {
		t.Errorf("%d %v %s", got.Code, got.Header(), got.Body)
	}
}

// FuzzEvents reads any body: what is taken is as many events as there are objects.
func FuzzEvents(f *testing.F) {
	f.Add([]byte(`{"time":1,"event":{"line":"a","source":"stdout"},"fields":{"a":"b"}}{"event":"b"}`))
	f.Add([]byte(`{"event":[],"host":{},"fields":7,"otel.log.severity.text":"x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := &ingest.Decoder{Now: ingesttest.Now, Source: "s"}
		events, err := readEvents(d, body, nil)
		if d.Source != "s" || d.Tags != nil {
			t.Errorf("the request's own words were changed: %+v", d)
		}
		if err != nil {
			return
		}
		n := 0
		for dec := json.NewDecoder(strings.NewReader(string(body))); dec.More(); n++ {
			if err := dec.Decode(new(json.RawMessage)); err != nil {
				return // looser than JSON: Infinity, for one
			}
		}
		if n != len(events) {
			t.Errorf("%d events of %d objects in %q", len(events), n, body)
		}
	})
}
