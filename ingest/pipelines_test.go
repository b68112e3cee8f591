package ingest

import (
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
	"nightjar/schema"
	"nightjar/wal"
)

// stamps is a pipeline for the events of one source: it takes the attribute `who` to
// usr.id, says that it failed at something, and redacts a word.
type stamps struct{ source string }

func (s stamps) Wants(e *schema.Event) bool { return e.Source == s.source }

func (s stamps) Run(r *record.Record) record.Applied {
	who, _ := record.ParsePath("who")
	id, _ := record.ParsePath("usr.id")
	if v := r.Get(who); v != nil {
		r.Set(id, r.Clone(v))
	}
	if at, text, ok := strings.Cut(r.Message, " "); ok && at == "2017-04-01T00:00:00Z" {
		r.At, r.Timed, r.Message = 1491004800000, true, text
	}
	r.Tags = append(r.Tags, "seen:yes", "seen:yes")
	return record.Applied{Names: []string{"stamps@3"}, Errors: []string{"lookup: no table"}, Redacted: func(s string) string { return strings.ReplaceAll(s, "hunter2", "…") }}
}

// TestPipelinesChangeEventsOnTheirWayIn has what pipelines made of an event, which
// they were, and the event as it came where the message does not say it.
func TestPipelinesChangeEventsOnTheirWayIn(t *testing.T) {
	const read = `"nightjar":{"pipelines":["stamps@3"],"pipeline_errors":["lookup: no table"]}`
	for _, c := range []struct{ in, message, attributes, original string }{
		{`{"ddsource":"s","message":"m","who":"alice"}`, "m", `{"who":"alice","usr":{"id":"alice"},` + read + `}`, `{"ddsource":"s","message":"m","who":"alice"}`},
		{`{"ddsource":"s","message":"m"}`, "m", `{` + read + `}`, ""},
		{`{"ddsource":"s","message":"2017-04-01T00:00:00Z m"}`, "m", `{` + read + `}`, `{"ddsource":"s","message":"2017-04-01T00:00:00Z m"}`},
		{`{"ddsource":"s","message":"m","pw":"hunter2"}`, "m", `{"pw":"hunter2",` + read + `}`, `{"ddsource":"s","message":"m","pw":"…"}`},
		{`{"ddsource":"other","message":"m","who":"alice"}`, "m", `{"who":"alice"}`, ""},
	} {
		d := Decoder{Now: testNow, Pipelines: stamps{"s"}}
		e := decoded(t, &d, c.in)
		if e.Message != c.message || e.JSON != c.attributes || e.Original != c.original {
			t.Errorf("%s:\n  got  %q %s %q\n  want %q %s %q", c.in, e.Message, e.JSON, e.Original, c.message, c.attributes, c.original)
		}
		if piped := e.Source == "s"; piped != slices.Equal(e.Tags, []string{"seen:yes"}) {
			t.Errorf("%s: tags %q", c.in, e.Tags)
		}
		if strings.Contains(c.in, "2017") && (e.At != 1491004800000 || d.Untimed != 0) {
			t.Errorf("%s: at %s, %d without a time", c.in, e.At, d.Untimed)
		}
	}
}

// TestWhatIsRedactedIsInNoForm has a secret in the escapes and foldings that JSON may have:
// it is neither in the message nor in the event as it came.
func TestWhatIsRedactedIsInNoForm(t *testing.T) {
	for _, in := range []string{
		`{"ddsource":"s","message":"m","pw":"hunter2"}`,
		`{"ddsource":"s","message":"m","pw":"hunter\u0032"}`,
		`{"ddsource":"s","message":"m","\u0068unter2":["x",{"y":"a \u0068unter2 b"}]}`,
		`{"ddsource":"s","message":"{\"pw\":\"hunter\\u0032\"}"}`,
		`{"ddsource":"s","message":"m","body":"{\"pw\":\"{\\\"x\\\":\\\"hunter\\\\u0032\\\"}\"}"}`,
	} {
		d := Decoder{Now: testNow, Pipelines: stamps{"s"}}
		e := decoded(t, &d, in)
		said := e.Message + e.Original
		for range 4 { // as a reader would unfold it
			said = strings.NewReplacer(`\\`, `\`).Replace(said)
			said = strings.NewReplacer(`\u0032`, "2", `\u0068`, "h").Replace(said)
		}
		if strings.Contains(said, "hunter2") || e.Original == "" {
			t.Errorf("%s:\n  message  %s\n  original %s", in, e.Message, e.Original)
		}
	}
	for _, text := range []string{"", "{", "plain", `{"a": 1.50, "b": [true, null, "x"]}`} {
		if got := redacted(text, func(s string) string { return s }); got != text {
			t.Errorf("%s, in which nothing is redacted, became %s", text, got)
		}
	}
}

// FuzzRedacted: what is redacted stays JSON, and is redacted.
func FuzzRedacted(f *testing.F) {
	f.Add(`{"a":"hunter2","b":["{\"c\":\"hunter\\u0032\"}",1e5]}`)
	f.Fuzz(func(t *testing.T, text string) {
		without := func(s string) string { return strings.ReplaceAll(s, "hunter2", "x") }
		out := redactedStrings(text, without, 0)
		if fastjson.Validate(text) == nil && fastjson.Validate(out) != nil {
			t.Errorf("%q became %q, which is no JSON", text, out)
		}
	})
}

// TestWhatSendersSayOfHowAnEventWasReadIsDropped: it would else be taken for what this
// intake did, and attributes would be lost when the event is read again.
func TestWhatSendersSayOfHowAnEventWasReadIsDropped(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":1,"nightjar":{"pipelines":["x@1"],"source_guessed":true,"pipeline_errors":[],"rule_id":"r"}}`: `{"a":1,"nightjar":{"rule_id":"r"}}`,
		`{"a":1,"nightjar":{"pipelines":["x@1"]}}`:                                                          `{"a":1}`,
		`{"a":1,"attributes":{"nightjar":{"pipelines":["x@1"]}}}`:                                           `{"a":1}`,
		`{"a":1,"nightjar":"text"}`:                                                                         `{"a":1,"nightjar":"text"}`,
	} {
		d := Decoder{Now: testNow}
		e := decoded(t, &d, in)
		if e.JSON != want {
			t.Errorf("%s became %s, want %s", in, e.JSON, want)
		}
		again, err := (&Decoder{}).Reread(&e)
		if err != nil || again.JSON != e.JSON {
			t.Errorf("%s: read again it is %s, %v", in, again.JSON, err)
		}
	}
}

// TestAnEventThatIsReadAgainHappensWhenItDid, also where its own time does not count.
func TestAnEventThatIsReadAgainHappensWhenItDid(t *testing.T) {
	seen := schema.MillisOf(testNow)
	for _, text := range []string{
		`{"ddsource":"s","message":"m","timestamp":"2999-01-01T00:00:00Z"}`, `{"ddsource":"s","message":"m","timestamp":1000}`,
		`{"ddsource":"s","message":"m","timestamp":"2999-01-01T00:00:00Z","a":1}`, `{"ddsource":"s","message":"m"}`,
	} {
		for _, pipelines := range []Pipelines{nil, stamps{"s"}} {
			d := Decoder{Now: testNow, Pipelines: pipelines}
			e := decoded(t, &d, text)
			settleTime(&e, seen, maxAhead)
			again, err := (&Decoder{Pipelines: pipelines}).Reread(&e)
			if err != nil || again.At != e.At || again.JSON != e.JSON || again.Seen != e.Seen {
				t.Errorf("%s (pipelines: %v): stored at %s with %s, read again at %s with %s, %v", text, pipelines != nil, e.At, e.JSON, again.At, again.JSON, err)
			}
		}
	}
}

// TestTheOriginalOutlivesTheLog has it in the log's records, and reads those of before.
func TestTheOriginalOutlivesTheLog(t *testing.T) {
	d := Decoder{Now: testNow, Pipelines: stamps{"s"}}
	e := decoded(t, &d, `{"ddsource":"s","message":"m","who":"alice"}`)
	buf := encodeBatch(Batch{ID: "id", Events: []schema.Event{e}}, schema.MillisOf(testNow))
	events, err := decodeBatch(wal.Record{First: 7, Count: 1, Payload: buf.b})
	if err != nil {
		t.Fatal(err)
	}
	back := events[0]
	if back.Original != e.Original || back.JSON != e.JSON {
		t.Errorf("got %q %s, want %q %s", back.Original, back.JSON, e.Original, e.JSON)
	}
	// A record of version 1 is one of version 2 without that one text at its end.
	before := append([]byte{withoutOriginal}, buf.b[1:len(buf.b)-2-len("seen:yes")-1-len(e.Original)]...)
	before = append(before, buf.b[len(buf.b)-2-len("seen:yes"):]...)
	events, err = decodeBatch(wal.Record{First: 7, Count: 1, Payload: before})
	if err != nil || events[0].Original != "" || events[0].JSON != e.JSON || len(events[0].Tags) != 1 {
		t.Errorf("of version 1: %+v, %v", events, err)
	}
}

// TestSourcesAreGuessedFromShapes has an object or a line of each source that can be
// told, and others that only look a little like one.
func TestSourcesAreGuessedFromShapes(t *testing.T) {
	for _, c := range []struct{ want, in string }{
		{"cloudtrail", `{"eventVersion":"1.08","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1"}`},
		{"cloudtrail", `{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail","detail":{"eventVersion":"1.08"}}`},
		{"guardduty", `{"source":"aws.guardduty","detail-type":"GuardDuty Finding","detail":{}}`},
		{"guardduty", `{"schemaVersion":"2.0","accountId":"1","type":"Recon:EC2/Portscan","service":{"detectorId":"d"}}`},
		{"kubernetes.audit", `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","stage":"ResponseComplete","verb":"get","requestURI":"/api"}`},
		{"okta", `{"eventType":"user.session.start","legacyEventType":"core.user_auth.login_success","actor":{},"published":"2026-01-01T00:00:00Z"}`},
		{"github", `{"_document_id":"x","action":"repo.create","actor":"octo"}`},
		{"gcp", `{"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog"},"logName":"projects/p/logs/x"}`},
		{"gsuite", `{"kind":"admin#reports#activity","id":{},"actor":{}}`},
		{"azure.activedirectory", `{"operationName":"Sign-in activity","category":"SignInLogs","properties":{}}`},
		{"azure", `{"operationName":"Microsoft.Compute/write","resourceId":"/subscriptions/x","correlationId":"c","category":"Administrative"}`},
		{"azure.containerservice", `{"operationName":"Read","resourceId":"/SUBSCRIPTIONS/x/RESOURCEGROUPS/g/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/c","category":"kube-audit","properties":{}}`},
		{"gcp.k8s.cluster", `{"protoPayload":{},"logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity","resource":{"type":"k8s_cluster"}}`},
		{"gcp.gcs.bucket", `{"insertId":"i","logName":"projects/p/logs/x","resource":{"type":"gcs_bucket"}}`},
		{"gcp", `{"message":{"data":"eyJsb2dOYW1lIjoieCJ9","messageId":"1"},"subscription":"projects/p/subscriptions/s"}`},
		{"", `{"message":{"data":"eyJ4IjoxfQ==","messageId":"1"},"subscription":"projects/p/subscriptions/s"}`},
		{"cloudtrail", `{"EventId":"e","EventName":"n","CloudTrailEvent":"{}"}`},
		{"", `{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","awsRegion":"us-east-1"}`},
		{"okta", `{"source":"aws.partner/okta.com/x/logs","detail-type":"SystemLog","detail":{}}`},
		{"gitlab", `{"author_id":1,"entity_id":2,"entity_type":"Project","entity_path":"a/b"}`},
		{"verified-access", `{"activity":"Access Denied","class_name":"Access Activity","http_request":{}}`},
		{"vpc", `{"srcaddr":"192.0.2.7","dstaddr":"192.0.2.8"}`},
		{"microsoft-365", `{"RecordType":15,"Operation":"UserLoggedIn","Workload":"AzureActiveDirectory","CreationTime":"2026-01-01T00:00:00"}`},
		{"falco", `{"output":"o","priority":"Warning","rule":"r","source":"syscall","output_fields":{}}`},
		{"tetragon", `{"process_exec":{"process":{}},"node_name":"n","time":"2026-01-01T00:00:00Z"}`},
		{"osquery", `{"name":"q","hostIdentifier":"h","calendarTime":"x","unixTime":1,"columns":{}}`},
		{"windows.events", `{"Channel":"Security","EventID":4624,"Computer":"c"}`},
		{"windows.events", `{"winlog":{"channel":"Security","event_id":4624}}`},
		{"windows.events", `{"event_id":{"id":4624,"qualifiers":0},"channel":"Security","computer":"c"}`},
		{"", `{"kind":"Event","verb":"sing"}`},
		{"", `{"eventVersion":"1"}`},
		{"app", `{"source":"app","eventVersion":"1.08","eventSource":"x","eventName":"y","awsRegion":"z"}`},
		{"mine", `{"ddsource":"mine","process_exec":{},"time":1700000000}`},
		{"sshd", "Mar 27 13:06:56 host sshd[1291]: Connection closed by 192.0.2.7 port 4242"},
		{"sshd", "<38>Mar 27 13:06:56 host sshd-session[1291]: Connection closed by 192.0.2.7 port 4242"},
		{"sudo", "2026-03-27T13:06:56.123+02:00 host sudo: alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls"},
		{"cron", "Mar 27 13:06:56 host CRON[7]: (root) CMD (true)"},
		{"nginx", `192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8"`},
		{"nginx", `2026/01/01 12:00:00 [error] 123#123: *1 open() failed`},
		{"cef", `CEF:0|Vendor|Product|1|100|name|5|src=192.0.2.7`},
		{"cef", `<13>Mar 27 13:06:56 fw CEF:0|Vendor|Product|1|100|name|5|src=192.0.2.7`},
		{"leef", `LEEF:2.0|Vendor|Product|1|id|^|src=192.0.2.7`},
		{"cisco.asa", `<166>Mar 27 2026 13:06:56 fw : %ASA-6-302013: Built inbound TCP connection 1`},
		{"pan.firewall", `1,2026/01/01 00:00:00,001801000000,TRAFFIC,end,2561`},
		{"fortinet.fortigate", `date=2026-01-01 time=00:00:00 devname="f" logid="0000000013" type="traffic" subtype="forward"`},
		{"vpc", `2 123456789012 eni-0a1b2c3d4e5f6a7b8 192.0.2.7 192.0.2.8 49152 22 6 10 840 1700000000 1700000060 ACCEPT OK`},
		{"elb", `https 2026-01-05T09:30:12.345678Z app/shop/0123456789abcdef 203.0.113.7:40512 10.0.2.8:8080 0.001 0.250 0.000 200 200 512 1024`},
		{"elb", `tls 2.0 2026-01-05T09:32:00 net/edge/0123456789abcdef 0123456789abcdef 192.0.2.33:51341 10.0.3.4:443 5 2 98 246 -`},
		{"elb", `2026-01-05T09:33:00.500000Z old-shop 203.0.113.8:2817 10.0.0.9:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://old.example.com:80/ HTTP/1.1" "curl/8.5.0" - -`},
		{"auditd", `type=SYSCALL msg=audit(1700000000.123:4): arch=c000003e syscall=59 success=yes`},
		{"windows.events", `<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System/></Event>`},
		{"", "a line of nothing"},
		{"", "Error: something[1] happened"},
		{"", "2026-01-01 12:00:00 INFO started"},
	} {
		d := Decoder{Now: testNow}
		var e schema.Event
		if strings.HasPrefix(c.in, "{") {
			e = decoded(t, &d, c.in)
		} else {
			events, err := d.Lines([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			e = events[0]
			wrapped := decoded(t, &d, `{"message":`+string(schema.QuoteJSON(c.in))+`}`)
			if wrapped.Source != e.Source {
				t.Errorf("%s: %q as a line, %q as a message", c.in, e.Source, wrapped.Source)
			}
		}
		guessed := strings.Contains(e.JSON, `"source_guessed":true`)
		if said := c.want == "app" || c.want == "mine" || c.want == ""; e.Source != c.want || guessed == said {
			t.Errorf("%s: source %q, want %q; guessed %v", c.in, e.Source, c.want, guessed)
		}
	}
}

// FuzzLines: no line breaks the guesses.
func FuzzLineSource(f *testing.F) {
	for _, s := range []string{"", "[", "CEF:0|", "1 - - [", "2 1 eni-", "<1>", "%ASA-", "date=", "a[1]:", "1,2026/01/01 00:00:00,,TRAFFIC,", "2026/01/01 12:00:00 [", "http 2026-01-01T"} {
		f.Add(s)
	}
	d := Decoder{Now: testNow}
	f.Fuzz(func(_ *testing.T, line string) { d.sourceOfLine(line) })
}

// TestEventsInAWrappingAreEventsOfTheirOwn has bodies as clouds send them.
func TestEventsInAWrappingAreEventsOfTheirOwn(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int
	}{
		{`{"Records":[{"a":1},{"a":2}]}`, 2},
		{` [ {"Records":[ {"a":1} , {"a":2} ]} , {"b":1} ]`, 3},
		{`{"Records":[{"a":1}]}{"Records":[{"a":2}]}`, 2},
		{`{"Records":[1,2]}`, 1},
		{`{"Records":[]}`, 1},
		{`{"Records":[{"a":1}],"more":1}`, 1},
		{`{"Records":[{"a":1},2]}`, 1},
		{`{"records":[{"time":"2026-01-05T09:30:12Z","category":"x"},{"category":"y"}]}`, 2},
		{`{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[{"id":"1","timestamp":1,"message":"a"},{"id":"2","timestamp":2,"message":"b"}]}`, 2},
		{`{"messageType":"CONTROL_MESSAGE","logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE"}]}`, 1},
		{`{"eventType":"com.okta.event_hook","eventId":"e","data":{"events":[{"uuid":"1"},{"uuid":"2"}]},"contentType":"application/json"}`, 2},
		{`{"eventType":"user.session.start","data":{"events":[{"uuid":"1"},{"uuid":"2"}]}}`, 1},
		{`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"verb":"get"},{"verb":"list"}]}`, 2},
		{`{"kind":"Event","items":[{"verb":"get"},{"verb":"list"}]}`, 1},
	} {
		d := Decoder{Now: testNow}
		events, err := d.JSON([]byte(c.in))
		if err != nil || len(events) != c.want {
			t.Errorf("%s: %d events, %v; want %d", c.in, len(events), err, c.want)
		}
	}
	d := Decoder{Now: testNow}
	events, err := d.JSON([]byte(`{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"flow","logStream":"eni","logEvents":[{"id":"1","timestamp":1767605400000,"message":"2 111122223333 eni-0123456789abcdef0 - - - - - - - 1767605400 1767605460 - NODATA"},{}]}`))
	if err != nil || len(events) != 2 {
		t.Fatal(events, err)
	}
	if e := events[0]; e.Source != "vpc" || e.At != 1767605400000 || !strings.Contains(e.JSON, `"aws":{"awslogs":{"logGroup":"flow","logStream":"eni","owner":"111122223333"}}`) {
		t.Errorf("%+v", e)
	}
}

// TestAFlowLogOfLinesIsReadByItsFirst has one with fields in an order of its own.
func TestAFlowLogOfLinesIsReadByItsFirst(t *testing.T) {
	d := Decoder{Now: testNow}
	events, err := d.Lines([]byte("dstaddr srcaddr action log-status\r\n10.0.0.9 203.0.113.7 REJECT OK\r\nstray\n"))
	if err != nil || len(events) != 2 {
		t.Fatal(events, err)
	}
	if e := events[0]; e.Source != "vpc" || e.Message != "10.0.0.9 203.0.113.7 REJECT OK" || !strings.Contains(e.JSON, `"srcaddr":"203.0.113.7"`) {
		t.Errorf("%+v", e)
	}
	if e := events[1]; e.Source != "" || e.Message != "stray" {
		t.Errorf("%+v", e)
	}
}

// FuzzWrapped: what is cut out of a wrapping are objects, within it.
func FuzzWrapped(f *testing.F) {
	for _, s := range []string{`{"Records":[{}]}`, `{"messageType":"DATA_MESSAGE","logEvents":[{"a":1}]}`, `{"eventType":"com.okta.event_hook","data":{"events":[{}`, `{"kind":"EventList","items":[{"]":"}"},]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w, ok := wrapped(body, 0)
		if ok && (len(w.places) == 0 || w.end > len(body)) {
			t.Errorf("%+v of %d bytes", w, len(body))
		}
		for _, p := range w.places {
			if body[p] != '{' || p >= w.end {
				t.Errorf("place %d of %+v", p, w)
			}
		}
		_, _ = (&Decoder{Now: testNow}).JSON(body)
	})
}
