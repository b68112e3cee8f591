package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/schema"
	"nightjar/testenv"
)

func decoded(t testing.TB, d *Decoder, text string) schema.Event {
	t.Helper()
	events, err := d.JSON([]byte(text))
	if err != nil || len(events) != 1 {
		t.Fatalf("%s: %d events, %v", text, len(events), err)
	}
	return events[0]
}

// TestReservedFieldsAreReadFromTheNamesThatSendersUse wants the first name that
// says something, and every attribute as it was.
func TestReservedFieldsAreReadFromTheNamesThatSendersUse(t *testing.T) {
	const at = "2023-11-14T22:13:20.000Z"
	for _, c := range []struct{ in, want string }{
		{`{"timestamp":1700000000000,"date":5,"message":"m"}`, at + `||||info|m|{"date":5}`},
		{`{"timestamp":"soon","date":"2023-11-14T22:13:20Z"}`, at + `||||info||{"timestamp":"soon"}`},
		{`{"@timestamp":"2023-11-14T22:13:20.000Z","eventTime":"2020-01-01T00:00:00Z"}`, at + `||||info||{"@timestamp":"2023-11-14T22:13:20.000Z","eventTime":"2020-01-01T00:00:00Z"}`},
		{`{"_timestamp":1700000000}`, at + `||||info||{"_timestamp":1700000000}`},
		{`{"Timestamp":1700000000000}`, at + `||||info||{"Timestamp":1700000000000}`},
		{`{"published_date":"2023-11-14T22:13:20Z","time":"x"}`, at + `||||info||{"published_date":"2023-11-14T22:13:20Z","time":"x"}`},
		{`{"time":"12:30","ts":1700000000.0}`, at + `||||info||{"time":"12:30","ts":1700000000}`},
		{`{"TimeCreated":{"SystemTime":"2023-11-14T22:13:20Z"},"Computer":"pc","level":4,"Message":"M"}`, at + `|||pc|info|M|{"TimeCreated":{"SystemTime":"2023-11-14T22:13:20Z"},"Computer":"pc","level":4,"Message":"M"}`},
		{`{"UtcTime":"2023-11-14 22:13:20.000","Hostname":"H"}`, at + `|||H|info||{"UtcTime":"2023-11-14 22:13:20.000","Hostname":"H"}`},
		{`{"requestReceivedTimestamp":"2023-11-14T22:13:20.000000Z","level":"Metadata"}`, at + `||||info||{"requestReceivedTimestamp":"2023-11-14T22:13:20.000000Z","level":"Metadata"}`},
		{`{"EventTime":"2023-11-14 22:13:20","severity":"WARNING","MESSAGE":"J"}`, at + `||||warn|J|{"EventTime":"2023-11-14 22:13:20","severity":"WARNING","MESSAGE":"J"}`},
		{`{"time":1700000000,"level":50,"msg":"pino","hostname":"h"}`, at + `|||h|error|pino|{"time":1700000000,"level":50,"msg":"pino"}`},
		{`{"ts":1700000000,"syslog":{"hostname":"sh","appname":"sa","severity":3}}`, at + `||sa|sh|error||{"ts":1700000000,"syslog":{"hostname":"sh","appname":"sa","severity":3}}`},
		{`{"ts":1700000000,"syslog.hostname":"sh","dd.service":"ds","syslog.severity":"notice"}`, at + `||ds|sh|notice||{"ts":1700000000,"syslog.hostname":"sh","dd.service":"ds","syslog.severity":"notice"}`},
		{`{"ts":1700000000,"dd":{"service":"ds"},"host":{"name":"hn"},"log":"l"}`, at + `||ds|hn|info|l|{"ts":1700000000,"dd":{"service":"ds"},"log":"l","host":{"name":"hn"}}`},
		{`{"ts":1700000000,"service":"","service.name":"sn","body":"b"}`, at + `||sn||info|b|{"ts":1700000000,"service.name":"sn","body":"b"}`},
		{`{"ts":1700000000,"status":"ERROR","level":"info"}`, at + `||||error||{"ts":1700000000,"level":"info"}`},
		{`{"ts":1700000000,"status":200,"level":"error"}`, at + `||||error||{"ts":1700000000,"level":"error","status":200}`},
		{`{"ts":1700000000,"status":"Active"}`, at + `||||Active||{"ts":1700000000}`},
		{`{"ts":1700000000,"status":"Warning"}`, at + `||||warn||{"ts":1700000000,"status":"Warning"}`},
		{`{"ts":1700000000,"attributes":{"level":"error","host":"x","message":"y"}}`, at + `||||info||{"ts":1700000000,"level":"error","host":"x","message":"y"}`},
		// An event of Windows as its XML has it.
		{`{"Event":{"System":{"Level":2,"TimeCreated":{"#attributes":{"SystemTime":"2023-11-14T22:13:20.000000Z"}},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"pc"},"EventData":{"a":1}}}`,
			at + `|windows.events|Sysmon|pc|error||{"Event":{"System":{"Level":2,"TimeCreated":{"#attributes":{"SystemTime":"2023-11-14T22:13:20.000000Z"}},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"pc"},"EventData":{"a":1}},"nightjar":{"source_guessed":true}}`},
		{`{"ddsource":"w","service":"s","host":"h","level":"warn","ts":1700000000,"Event":{"System":{"Level":2,"TimeCreated":"2020-01-01T00:00:00Z","Channel":"Security","Computer":"pc"}}}`,
			at + `|w|s|h|warn||{"level":"warn","ts":1700000000,"Event":{"System":{"Level":2,"TimeCreated":"2020-01-01T00:00:00Z","Channel":"Security","Computer":"pc"}}}`},
		// Zeek's hosts, services and dates are not the event's.
		{`{"_path":"http","ts":1700000000.0,"uid":"C1","id.orig_h":"192.0.2.1","trans_depth":1,"host":"example.com"}`,
			at + `|zeek|http||info||{"_path":"http","ts":1700000000,"uid":"C1","id.orig_h":"192.0.2.1","trans_depth":1,"host":"example.com","nightjar":{"source_guessed":true}}`},
		{`{"ts":1700000000.0,"uid":"C1","id.orig_h":"192.0.2.1","proto":"tcp","service":"ssl","host":"sensor"}`,
			at + `|zeek||sensor|info||{"ts":1700000000,"uid":"C1","id.orig_h":"192.0.2.1","proto":"tcp","service":"ssl","nightjar":{"source_guessed":true}}`},
		{`{"ddsource":"zeek","ts":1700000000.0,"uid":"C1","id":{"orig_h":"192.0.2.1"},"trans_depth":1,"date":"Mon, 1 Jan 2001 00:00:00 GMT"}`,
			at + `|zeek|||info||{"ts":1700000000,"uid":"C1","id":{"orig_h":"192.0.2.1"},"trans_depth":1,"date":"Mon, 1 Jan 2001 00:00:00 GMT"}`},
		{`{"timestamp":"2023-11-14T22:13:20.000000+0000","flow_id":1,"event_type":"alert","src_ip":"192.0.2.1","host":"sensor","alert":{"signature":"S","severity":1}}`,
			at + `|suricata|alert|sensor|info|S|{"flow_id":1,"event_type":"alert","src_ip":"192.0.2.1","alert":{"signature":"S","severity":1},"nightjar":{"source_guessed":true}}`},
		{`{"ts":1700000000,"level":2,"Event":"login"}`, at + `||||critical||{"ts":1700000000,"level":2,"Event":"login"}`},
		// A message that is a JSON object is unfolded, and stays what it was.
		{`{"ddsource":"cloudtrail","status":"error","message":"{\"eventName\": \"ConsoleLogin\", \"eventTime\": \"2023-11-14T22:13:20Z\"}"}`,
			at + `|cloudtrail|||error|{"eventName": "ConsoleLogin", "eventTime": "2023-11-14T22:13:20Z"}|{"eventName":"ConsoleLogin","eventTime":"2023-11-14T22:13:20Z"}`},
		{`{"timestamp":1700000000000,"a":1,"message":" {\"a\":2,\"b\":3,\"host\":\"h\",\"level\":\"err\",\"time\":5} "}`,
			at + `|||h|error| {"a":2,"b":3,"host":"h","level":"err","time":5} |{"b":3,"host":"h","level":"err","time":5,"a":1}`},
		{`{"ts":1700000000,"message":"{broken} {"}`, at + `||||info|{broken} {|{"ts":1700000000}`},
		{`{"ts":1700000000,"message":"{\"a\":1} {\"b\":2}"}`, at + `||||info|{"a":1} {"b":2}|{"ts":1700000000}`},
	} {
		d := Decoder{Now: testNow}
		e := decoded(t, &d, c.in)
		if got := fmt.Sprintf("%s|%s|%s|%s|%s|%s|%s", e.At, e.Source, e.Service, e.Host, e.Status, e.Message, e.JSON); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

// TestStatusWordsAndNumbers has those of syslog, Windows, loggers and people.
func TestStatusWordsAndNumbers(t *testing.T) {
	for sent, want := range map[string]string{
		`"EMERG"`: "emergency", `0`: "emergency", `"1"`: "alert", `"Critical"`: "critical", `"crit"`: "critical", `"err"`: "error", `"E"`: "error", `"SEVERE"`: "error",
		`4`: "warn", `"Warning"`: "warn", `5`: "notice", `"Information"`: "info", `" INFO "`: "info", `7`: "debug", `"trace"`: "debug", `"Verbose"`: "debug", `"fatal"`: "emergency",
		`10`: "debug", `30`: "info", `40`: "warn", `60`: "emergency", `"Audit Failure"`: "warn", `"ok"`: "ok", `"failed"`: "failed", `404`: "404", `-1`: "-1", `true`: "true", `null`: "info", `""`: "info",
	} {
		d := Decoder{Now: testNow}
		if e := decoded(t, &d, `{"status":`+sent+`}`); e.Status != want {
			t.Errorf("%s is %s, want %s", sent, e.Status, want)
		}
	}
	for sent, want := range map[string]string{"0": "info", "1": "critical", "2": "error", "3": "warn", "4": "info", "5": "debug"} {
		d := Decoder{Now: testNow}
		if e := decoded(t, &d, `{"EventID":4625,"level":`+sent+`}`); e.Status != want {
			t.Errorf("level %s of Windows is %s, want %s", sent, e.Status, want)
		}
	}
}

// TestOfflineAnEventArrivesAtItsTime has no clock to stand in for one.
func TestOfflineAnEventArrivesAtItsTime(t *testing.T) {
	for _, c := range []struct {
		in   string
		at   schema.Millis
		json string
	}{
		{`{"timestamp":1700000000000}`, 1700000000000, `{}`},
		{`{"timestamp":4000000000000}`, 4000000000000, `{}`},
		{`{"timestamp":1000}`, 1000, `{"nightjar":{"original_timestamp":1000,"timestamp_problem":"before the year 2000"}}`},
		{`{"timestamp":"soon"}`, NoTime, `{"nightjar":{"original_timestamp":"soon","timestamp_problem":"unreadable"}}`},
		{`{"message":"m"}`, NoTime, `{}`},
	} {
		d := Decoder{Now: testNow, Offline: true}
		if e := decoded(t, &d, c.in); e.At != c.at || e.JSON != c.json {
			t.Errorf("%s: %d %s, want %d %s", c.in, e.At, e.JSON, c.at, c.json)
		}
	}
}

// TestSmallInputsThatWentWrong are the events of ../shared/faults that the intake
// reads.
func TestSmallInputsThatWentWrong(t *testing.T) {
	lines := func(folder string) []string {
		t.Helper()
		text, err := os.ReadFile(testenv.Shared(t, filepath.Join("faults", folder, "events.ndjson")))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
	for i, line := range lines("07-usual-timestamps-not-read") {
		want := schema.Millis(1700000000000)
		if strings.Contains(line, "2016-12-31") {
			want = 1483228800000
		}
		d := Decoder{Now: testNow, Offline: true}
		if e := decoded(t, &d, line); e.At != want {
			t.Errorf("line %d: %s is at %d", i+1, line, e.At)
		}
	}
	for i, line := range lines("16-json-line-and-its-time") {
		d := Decoder{Now: testNow, Offline: true}
		e := decoded(t, &d, line)
		if e.At != 1700000000000 || e.Status != "error" || value(&e, "eventName") != "ConsoleLogin" || value(&e, "u") != "bob" {
			t.Errorf("line %d: %s is at %d, %s, %s", i+1, line, e.At, e.Status, e.JSON)
		}
	}
}

// FuzzEvent wants attributes that read back, and the same event a second time.
func FuzzEvent(f *testing.F) {
	for _, s := range []string{
		`{"message":"{\"a\":{\"b\":[1,\"x\"]},\"time\":1}","tags":{"a":1},"status":"err"}`, `{"timestamp":{"$date":"2023-11-14T22:13:20Z"},"host":{"name":1},"syslog":{"severity":"3"}}`,
		`{"ddtags":["a:b",{"c":1}],"nightjar":{"cut":1},"timestamp":"x","date":[1]}`, `{"message":{"message":{"message":"m"}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		read := func() []schema.Event {
			d := Decoder{Now: testNow}
			events, err := d.JSON(text)
			if err != nil {
				return nil
			}
			return events
		}
		events := read()
		for _, e := range events {
			a, err := schema.ParseAttributes(e.JSON)
			if err != nil || len(a.Leaves) != len(e.Leaves) || a.JSON != e.JSON {
				t.Fatalf("%q: attributes %s read back as %s: %v", text, e.JSON, a.JSON, err)
			}
			for _, s := range []string{e.Source, e.Service, e.Host, e.Status} {
				if strings.HasPrefix(s, `{"`) && strings.HasSuffix(s, "}") && !strings.Contains(string(text), `\`) {
					t.Fatalf("%q: an object in a reserved field: %s", text, s)
				}
			}
		}
		if again := read(); fmt.Sprint(again) != fmt.Sprint(events) {
			t.Fatalf("%q is read in two ways", text)
		}
	})
}

func TestDistinctTagsKeepTheirOrder(t *testing.T) {
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprint("t", i%700))
	}
	got := distinctTags([]string{"t3", "a"}, many, []string{"a", "t699", "last"})
	if len(got) != 702 || got[0] != "t3" || got[1] != "a" || got[2] != "t0" || got[701] != "last" {
		t.Errorf("%d tags: %.60v", len(got), got)
	}
}
