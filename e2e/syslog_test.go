package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// syslogAddress is where the engine takes syslog in over a protocol.
func (p *process) syslogAddress(protocol string) string {
	p.t.Helper()
	address := announced(p.output.String(), "syslog over "+strings.ToUpper(protocol)+"  ")
	if address == "" {
		p.t.Fatalf("no syslog over %s:\n%s", protocol, p.output)
	}
	return address
}

// say writes to a door of syslog.
func (p *process) say(protocol, text string) {
	p.t.Helper()
	conn, err := net.Dial(protocol, p.syslogAddress(protocol))
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

// TestALineOverSyslogIsSeenByRules sends one sshd line through each door and to the
// API; all are the same to a rule, and the status says what came.
func TestALineOverSyslogIsSeenByRules(t *testing.T) {
	t.Parallel()
	p := startEngine(t, "--syslog-udp", "127.0.0.1:0", "--syslog-tcp", "127.0.0.1:0", "--syslog-tz", "+02:00")
	at := time.Now().Add(-time.Minute).UTC().Truncate(time.Second)
	line := func(zone *time.Location) string {
		return "<38>" + at.In(zone).Format("Jan _2 15:04:05") + " web-7 sshd[41]: Failed password for invalid user eve from 203.0.113.9 port 2222 ssh2"
	}
	body, err := json.Marshal(map[string]string{"ddsource": "sshd", "message": line(time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	p.call(http.MethodPost, "/api/v2/logs", body, nil)
	zoned := line(time.FixedZone("", int((2 * time.Hour).Seconds())))
	p.say("udp", zoned)
	p.say("tcp", zoned+"\n"+fmt.Sprint(len(zoned), " ", zoned)+"broken")
	same := fmt.Sprintf("source = 'sshd' AND host = 'web-7' AND timestamp = fromUnixTimestamp64Milli(%d) AND attributes.network.client.ip = '203.0.113.9' AND attributes.evt.outcome = 'failure'", at.UnixMilli())
	p.await("all four stored", func() bool { return p.count("SELECT count() FROM events WHERE "+same) == 4 })
	if n := p.count("SELECT count() FROM events WHERE attributes.syslog.facility = 'auth' AND attributes.syslog.procid = '41' AND service = 'sshd'"); n != 3 {
		out, _, _ := p.run("sql", "SELECT service, attributes FROM events", "--output", "jsonl")
		t.Errorf("%d events have what syslog says of them: %s", n, out)
	}
	p.await("the broken one stored", func() bool {
		return p.count("SELECT count() FROM events WHERE message = 'broken' AND attributes.syslog.problem != ''") == 1
	})
	p.await("all counted", func() bool { return p.metric(`nightjar_syslog_messages_total{protocol="tcp"}`) == 3 })
	out, stderr, code := p.run("status", "--output", "json")
	var status struct {
		Syslog []struct {
			Protocol string
			Messages json.Number
			Damaged  map[string]json.Number
		}
	}
	if err := json.Unmarshal([]byte(out), &status); err != nil || code != exitOK {
		t.Fatal(err, stderr)
	}
	if s := status.Syslog; len(s) != 2 || s[0].Protocol != "udp" || s[0].Messages != "1" || s[1].Messages != "3" || s[1].Damaged["unreadable"] != "1" {
		t.Errorf("%+v", s)
	}
	if !strings.Contains(stderr, "1 messages came damaged and are kept: search @syslog.problem:* (unreadable)") {
		t.Errorf("no warning in %q", stderr)
	}
}

// TestWhatSyslogSentBeforeATermIsKept stops the engine right after the last message.
func TestWhatSyslogSentBeforeATermIsKept(t *testing.T) {
	t.Parallel()
	p := startEngine(t, "--syslog-udp", "127.0.0.1:0", "--syslog-tcp", "127.0.0.1:0")
	var lines strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&lines, "<13>1 - web-7 app - - - tcp %d\n", i)
	}
	conn, err := net.Dial("tcp", p.syslogAddress("tcp"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range 100 {
		p.say("udp", fmt.Sprintf("<13>1 - web-7 app - - - udp %d", i))
	}
	if _, err := conn.Write([]byte(lines.String())); err != nil {
		t.Fatal(err)
	}
	p.terminate()
	p.start()
	p.caughtUp()
	if n := p.count("SELECT uniqExact(message) FROM events WHERE service = 'app'"); n != 5100 {
		t.Errorf("%d messages of 5100", n)
	}
	if n := p.count("SELECT count() FROM events WHERE service = 'app'"); n != 5100 {
		t.Errorf("%d events of 5100", n)
	}
}
