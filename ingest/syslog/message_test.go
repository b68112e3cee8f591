package syslog

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"nightjar/ingest"
	"nightjar/ingest/ingesttest"
	"nightjar/schema"
)

var testNow = time.Date(2031, 4, 6, 0, 0, 0, 0, time.UTC)

var testPeer = sender{address: "192.0.2.7"}

func eventOf(line string) (schema.Event, string) {
	return newReader().event(&ingest.Decoder{Now: testNow, Fallback: defaultSource}, line, testPeer, "")
}

// show is an event on a line: what the head gave, then the attributes.
func show(e *schema.Event) string {
	return fmt.Sprintf("%s|%s|%s|%s|%s|%s %s", e.At, e.Source, e.Service, e.Host, e.Status, e.Message, e.Attributes.JSON)
}

func TestHeadsAreReadInAllTheirForms(t *testing.T) {
	const at, peer = "2031-04-05T06:07:08.000Z", `"peer":"192.0.2.7"`
	notice := func(members string) string {
		return `{"syslog":{` + members + peer + `,"priority":13,"facility":"user","severity":5}}`
	}
	for _, c := range []struct{ line, want string }{
		{`<165>1 2031-04-05T06:07:08.123456Z web-7 app 41 ID7 [ex@32473 k="v\"x" b="\\\]"][empty] started`,
			`2031-04-05T06:07:08.123Z|syslog|app|web-7|notice|started {"syslog":{"appname":"app","procid":"41","msgid":"ID7",` + peer + `,"structured_data":{"empty":true,"ex@32473":{"b":"\\]","k":"v\u0022x"}},"priority":165,"facility":"local4","severity":5}}`},
		{`<13>1 2031-04-05T06:07:08.123456789Z web-7 app - - - nanoseconds`, `2031-04-05T06:07:08.123Z|syslog|app|web-7|notice|nanoseconds ` + notice(`"appname":"app",`)},
		{`<13>1 - - - - - - ` + "\ufeffmsg", "2031-04-06T00:00:00.000Z|syslog||192.0.2.7|notice|msg " + notice("")},
		{`<13>1 2031-04-05T06:07:08Z web-7 app - - -  rsyslog`, at + "|syslog|app|web-7|notice|rsyslog " + notice(`"appname":"app",`)},
		{`<11>Apr  5 06:07:08 web-7 app[41]: started`, at + `|syslog|app|web-7|error|started {"syslog":{"appname":"app","procid":"41",` + peer + `,"priority":11,"facility":"user","severity":3}}`},
		{`<13>Apr 5 06:07:08 web-7 app: one digit`, at + "|syslog|app|web-7|notice|one digit " + notice(`"appname":"app",`)},
		{`<13>Apr  5 06:07:08 2031 web-7 app: a year`, at + "|syslog|app|web-7|notice|a year " + notice(`"appname":"app",`)},
		{`<13>Dec 31 23:00:00 web-7 app: last year`, "2030-12-31T23:00:00.000Z|syslog|app|web-7|notice|last year " + notice(`"appname":"app",`)},
		{`<13>2031-04-05T08:07:08.5+02:00 web-7 app[1]: ISO`, "2031-04-05T06:07:08.500Z|syslog|app|web-7|notice|ISO " + notice(`"appname":"app","procid":"1",`)},
		{`<13>Apr  5 06:07:08 app: no host`, at + "|syslog|app|192.0.2.7|notice|no host " + notice(`"appname":"app",`)},
		{`<13>Apr  5 06:07:08 web-7 no program here`, at + "|syslog||web-7|notice|no program here " + notice("")},
		{`<13>just a text`, "2031-04-06T00:00:00.000Z|syslog||192.0.2.7|notice|just a text " + notice("")},
		{`Apr  5 06:07:08 web-7 app: no priority`, at + `|syslog|app|web-7|notice|no priority {"syslog":{"appname":"app",` + peer + `,"facility":"user","severity":5}}`},
		{`<189>87: *Apr  5 06:07:08.123: %SYS-5-CONFIG_I: Configured`, `2031-04-05T06:07:08.123Z|syslog||192.0.2.7|notice|%SYS-5-CONFIG_I: Configured {"syslog":{"msgid":"SYS-5-CONFIG_I","sequence":"87",` + peer + `,"priority":189,"facility":"local7","severity":5}}`},
		{`<189>87: r1: Apr  5 06:07:08 UTC: %LINK-3-UPDOWN: x`, at + `|syslog||r1|notice|%LINK-3-UPDOWN: x {"syslog":{"msgid":"LINK-3-UPDOWN","sequence":"87",` + peer + `,"priority":189,"facility":"local7","severity":5}}`},
		{`<189>: 2031 Apr  5 06:07:08 UTC: %ETHPORT-5-IF_DOWN: x`, at + `|syslog||192.0.2.7|notice|%ETHPORT-5-IF_DOWN: x {"syslog":{"msgid":"ETHPORT-5-IF_DOWN",` + peer + `,"priority":189,"facility":"local7","severity":5}}`},
		{`<166>Apr 05 2031 06:07:08 fw-1 : %ASA-6-302013: Built`, at + `|cisco.asa||fw-1|info|%ASA-6-302013: Built {"syslog":{"msgid":"ASA-6-302013",` + peer + `,"priority":166,"facility":"local4","severity":6},"nightjar":{"source_guessed":true}}`},
		{`<166>Apr 05 2031 06:07:08: %ASA-6-302013: Built`, at + `|cisco.asa||192.0.2.7|info|%ASA-6-302013: Built {"syslog":{"msgid":"ASA-6-302013",` + peer + `,"priority":166,"facility":"local4","severity":6},"nightjar":{"source_guessed":true}}`},
		{`<134>Apr 05 2031 06:07:08 fw-1 CEF:0|Acme|Sensor|1|4|Found|6|src=192.0.2.9`, at + `|cef||fw-1|info|CEF:0|Acme|Sensor|1|4|Found|6|src=192.0.2.9 {"syslog":{` + peer + `,"priority":134,"facility":"local0","severity":6},"nightjar":{"source_guessed":true}}`},
		{`<13>Apr  5 06:07:08 web-7 app: @cee: {"usr":{"id":"eve"}}`, at + `|syslog|app|web-7|notice|@cee: {"usr":{"id":"eve"}} {"usr":{"id":"eve"},` + strings.TrimPrefix(notice(`"appname":"app",`), "{")},
	} {
		e, problem := eventOf(c.line)
		if got := show(&e); got != c.want || problem != "" {
			t.Errorf("%s: %s\n got %s\nwant %s", c.line, problem, got, c.want)
		}
	}
}

// TestALineOfSSHDMeansTheSameOverSyslog holds that rules about sshd need not know
// how its lines came.
func TestALineOfSSHDMeansTheSameOverSyslog(t *testing.T) {
	const said = "Failed password for invalid user eve from 203.0.113.9 port 2222 ssh2"
	for _, line := range []string{
		"<38>Apr  5 06:07:08 web-7 sshd[41]: " + said,
		"<38>2031-04-05T06:07:08Z web-7 sshd[41]: " + said,
		"<38>1 2031-04-05T06:07:08Z web-7 sshd 41 - - " + said,
		"<38>1 2031-04-05T06:07:08.123456789Z web-7 sshd-session 41 - [a b=\"c\"] " + said,
	} {
		pipelines := ingesttest.Shipped(t)
		raw, err := (&ingest.Decoder{Now: testNow, Source: "sshd", Pipelines: pipelines}).Lines([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		e, problem := newReader().event(&ingest.Decoder{Now: testNow, Fallback: defaultSource, Pipelines: pipelines}, line, testPeer, "")
		head := strings.Index(e.Attributes.JSON, `"process":`)
		if head < 0 || !strings.HasPrefix(e.Attributes.JSON, `{"syslog":`) || "{"+e.Attributes.JSON[head:] != raw[0].Attributes.JSON || !strings.Contains(raw[0].Attributes.JSON, `"ip":"203.0.113.9"`) {
			t.Errorf("%s\nsyslog %s\n   raw %s", line, e.Attributes.JSON, raw[0].Attributes.JSON)
		}
		if e.Source != "sshd" || e.Host != "web-7" || e.At != raw[0].At || e.Message != said || e.Status != "info" || problem != "" {
			t.Errorf("%s: %s %s", line, show(&e), problem)
		}
	}
}

// TestNothingOfABrokenHeadIsLost holds that a message whose head is wrong is kept,
// in full, with what is wrong.
func TestNothingOfABrokenHeadIsLost(t *testing.T) {
	for line, message := range map[string]string{
		"hello":                                  "hello",
		"<999>Apr  5 06:07:08 web-7 app: x":      "<999>Apr  5 06:07:08 web-7 app: x",
		"<13":                                    "<13",
		`<13>1 - h a - - [a k="v] not closed`:    `[a k="v] not closed`,
		`<13>1 - h a - - no data`:                `no data`,
		`<13>1 - h a - - [a k="1"][a k="2"] two`: `[a k="1"][a k="2"] two`,
	} {
		e, problem := eventOf(line)
		if e.Message != message || problem != unreadable || !strings.Contains(e.Attributes.JSON, `"problem":"unreadable: `) {
			t.Errorf("%s: %s %s", line, show(&e), problem)
		}
	}
	e, _ := eventOf(`<13>1 - h a - - [o ip="1" ip="2"] x`)
	if !strings.Contains(e.Attributes.JSON, `"structured_data_text":"[o ip=\u00221\u0022 ip=\u00222\u0022]"`) {
		t.Errorf("a parameter that comes twice: %s", e.Attributes.JSON)
	}
}

// TestATimeThatCannotBeReadIsToldAndTheRestOfTheHeadIsRead is counted for the source, too.
func TestATimeThatCannotBeReadIsToldAndTheRestOfTheHeadIsRead(t *testing.T) {
	d := &ingest.Decoder{Now: testNow, Fallback: defaultSource}
	e, problem := newReader().event(d, "<13>1 2031-13-45T99:99:99Z web-7 app 41 - - started", testPeer, "")
	const want = `2031-04-06T00:00:00.000Z|syslog|app|web-7|notice|started {"nightjar":{"original_timestamp":"2031-13-45T99:99:99Z","timestamp_problem":"unreadable"},"syslog":{"appname":"app","procid":"41","peer":"192.0.2.7","priority":13,"facility":"user","severity":5}}`
	if got := show(&e); got != want || problem != "" || d.BadTimes[defaultSource] != 1 {
		t.Errorf("%s, counted %v\n got %s\nwant %s", problem, d.BadTimes, got, want)
	}
	for _, line := range []string{"<13>1 99 bottles of beer - on the wall", "<13>1 2031-13-45 is no date"} {
		if e, _ := eventOf(line); e.Message != line[4:] {
			t.Errorf("%s became %s", line, show(&e))
		}
	}
}

// FuzzHeads holds that the text of a message is in its event, that the event is
// valid, and that one message does not change what the next one means.
func FuzzHeads(f *testing.F) {
	for _, s := range []string{
		`<165>1 2031-04-05T06:07:08Z web-7 app 41 ID7 [ex@32473 k="v\"x"] started`, "<13>Apr  5 06:07:08 web-7 app[41]: x", "<189>87: *Apr  5 06:07:08: %SYS-5-X: y",
		"<0>x", "1 - - - - - -", "<13>1 - - - - - [a b=\"", "<13>%A-1-B:", "Apr  5 06:07:08", "<13>Feb 30 06:07:08 a b: c",
	} {
		f.Add(s, "<13>Apr  5 06:07:08 web-7 app[41]: x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		r := newReader()
		read := func(line string) string {
			e, _ := r.event(&ingest.Decoder{Now: testNow, Fallback: defaultSource}, line, testPeer, "")
			if !utf8.ValidString(e.Message) || !utf8.ValidString(e.Attributes.JSON) {
				t.Errorf("%q: not valid", line)
			}
			if utf8.ValidString(line) && !strings.Contains(line, e.Message) && len(line) < ingest.MaxEventBytes {
				t.Errorf("%q: the message %q is not in it", line, e.Message)
			}
			if line != "" && e.Message == "" {
				t.Errorf("%q: no message", line)
			}
			return show(&e)
		}
		first := read(a)
		read(b)
		if diff := cmp.Diff(first, read(a)); diff != "" {
			t.Error(diff)
		}
	})
}
