package content

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightjar/ingest"
	"nightjar/ingest/pipeline"
	"nightjar/ingest/times"
	"nightjar/schema"
	"nightjar/testenv"
)

var testNow = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// loaded are the pipelines that ship, and shipped are they in force: they are compiled
// once for all tests.
var (
	loaded  = sync.OnceValues(func() ([]*pipeline.Pipeline, error) { return pipeline.Load(Files, "pipelines") })
	shipped = sync.OnceValues(func() (*pipeline.Set, error) {
		pipelines, err := loaded()
		return pipeline.NewSet(pipelines, pipeline.Deps{Budget: -1}), err
	})
)

// decoder reads events of a source as the intake does.
func decoder(t testing.TB, source string) *ingest.Decoder {
	t.Helper()
	set, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	return &ingest.Decoder{Now: testNow, Source: source, Pipelines: set}
}

// show writes what a line became, for tables: attributes sorted by path.
func show(e schema.Event) string {
	var b strings.Builder
	for _, l := range e.Leaves {
		if strings.HasPrefix(l.Path, "nightjar.") {
			continue
		}
		fmt.Fprintf(&b, "%s=%s ", l.Path, l.Text())
	}
	return strings.TrimSpace(b.String())
}

func clean(s string) string { return strings.TrimSpace(strings.Replace(s, "  ", " ", 1)) }

func value(e *schema.Event, path string) string {
	if l := e.Lookup(path); len(l) == 1 {
		return l[0].Text()
	}
	return "?"
}

func TestSSHDLines(t *testing.T) {
	const login = "evt.category=authentication evt.name=ssh_login evt.outcome="
	for _, c := range []struct{ line, want string }{
		{"Accepted password for root from 1.2.3.4 port 22 ssh2",
			login + "success network.client.ip=1.2.3.4 network.client.port=22 ssh.method=password usr.id=root usr.name=root"},
		{"Accepted publickey for u from ::1 port 65535 ssh2: RSA SHA256:abc+/x",
			login + "success network.client.ip=::1 network.client.port=65535 ssh.key.fingerprint=SHA256:abc+/x ssh.key.type=RSA ssh.method=publickey usr.id=u usr.name=u"},
		{"Accepted publickey for u from 1.2.3.4 port 5 ssh2: RSA-CERT SHA256:a ID me (serial 0) CA RSA SHA256:b",
			login + "success network.client.ip=1.2.3.4 network.client.port=5 ssh.key.certificate=ID me (serial 0) CA RSA SHA256:b ssh.key.fingerprint=SHA256:a ssh.key.type=RSA-CERT ssh.method=publickey usr.id=u usr.name=u"},
		{"Accepted keyboard-interactive/pam for u from fe80::1%eth0 port 5 ssh2",
			login + "success network.client.ip=fe80::1%eth0 network.client.port=5 ssh.device=pam ssh.method=keyboard-interactive usr.id=u usr.name=u"},
		{"Failed none for invalid user a b from ::ffff:1.2.3.4 port 5 ssh2",
			login + "failure network.client.ip=1.2.3.4 network.client.port=5 ssh.invalid_user=true ssh.method=none usr.id=a b usr.name=a b"},
		{"Failed password for invalid user  from 1.2.3.4 port 5 ssh2",
			login + "failure network.client.ip=1.2.3.4 network.client.port=5 ssh.invalid_user=true ssh.method=password usr.id= usr.name="},
		{"Failed password for invalid user root from 6.6.6.6 port 22 ssh2 from 1.2.3.4 port 5 ssh2",
			login + "failure network.client.ip=1.2.3.4 network.client.port=5 ssh.invalid_user=true ssh.method=password usr.id=root from 6.6.6.6 port 22 ssh2 usr.name=root from 6.6.6.6 port 22 ssh2"},
		{"Failed password for invalid user x from 6.6.6.6 port 22 ssh2: RSA SHA256:a from 1.2.3.4 port 5 ssh2",
			login + "failure network.client.ip=1.2.3.4 network.client.port=5 ssh.invalid_user=true ssh.method=password usr.id=x from 6.6.6.6 port 22 ssh2: RSA SHA256:a usr.name=x from 6.6.6.6 port 22 ssh2: RSA SHA256:a"},
		{"message repeated 5 times: [ Failed password for root from 1.2.3.4 port 5 ssh2]",
			"evt.category=authentication evt.name=ssh_login evt.outcome=failure evt.repeat=5 network.client.ip=1.2.3.4 network.client.port=5 ssh.method=password usr.id=root usr.name=root"},
		{"Invalid user root from 6.6.6.6 from 1.2.3.4",
			"evt.category=authentication evt.name=ssh_invalid_user evt.outcome=failure network.client.ip=1.2.3.4 ssh.invalid_user=true usr.id=root from 6.6.6.6 usr.name=root from 6.6.6.6"},
		{"Invalid user  from 1.2.3.4 port 7",
			"evt.category=authentication evt.name=ssh_invalid_user evt.outcome=failure network.client.ip=1.2.3.4 network.client.port=7 ssh.invalid_user=true usr.id= usr.name="},
		{"Connection closed by invalid user a 6.6.6.6 port 1 1.2.3.4 port 5 [preauth]",
			"evt.category=session evt.name=ssh_connection_closed network.client.ip=1.2.3.4 network.client.port=5 ssh.invalid_user=true ssh.preauth=true usr.id=a 6.6.6.6 port 1 usr.name=a 6.6.6.6 port 1"},
		{"Connection reset by authenticating user root 1.2.3.4 port 5 [preauth]",
			"evt.category=session evt.name=ssh_connection_reset network.client.ip=1.2.3.4 network.client.port=5 ssh.preauth=true usr.id=root usr.name=root"},
		{"Connection closed by invalid user  1.2.3.4 port 5 [preauth]",
			"evt.category=session evt.name=ssh_connection_closed network.client.ip=1.2.3.4 network.client.port=5 ssh.invalid_user=true ssh.preauth=true usr.id= usr.name="},
		{"Received disconnect from 1.2.3.4 port 5:11: bye from 6.6.6.6 port 1:11: x [preauth]",
			"evt.category=session evt.name=ssh_disconnect network.client.ip=1.2.3.4 network.client.port=5 ssh.preauth=true"},
		{"Received disconnect from 1.2.3.4: 11: bye",
			"evt.category=session evt.name=ssh_disconnect network.client.ip=1.2.3.4"},
		{"Received disconnect from ::1 port 5:11: disconnected by user",
			"evt.category=session evt.name=ssh_disconnect network.client.ip=::1 network.client.port=5"},
		{"Disconnected from user root 1.2.3.4 port 5",
			"evt.category=session evt.name=ssh_disconnected network.client.ip=1.2.3.4 network.client.port=5 usr.id=root usr.name=root"},
		{"Disconnecting invalid user x 1.2.3.4 port 5: Too many authentication failures [preauth]",
			"evt.category=session evt.name=ssh_disconnecting network.client.ip=1.2.3.4 network.client.port=5 ssh.invalid_user=true ssh.preauth=true usr.id=x usr.name=x"},
		{"error: maximum authentication attempts exceeded for invalid user x from 1.2.3.4 port 5 ssh2 [preauth]",
			"evt.category=authentication evt.name=ssh_max_attempts evt.outcome=failure network.client.ip=1.2.3.4 network.client.port=5 ssh.invalid_user=true ssh.preauth=true usr.id=x usr.name=x"},
		{"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=1.2.3.4  user=a rhost=6.6.6.6",
			"evt.category=authentication evt.name=pam_authentication_failure evt.outcome=failure network.client.ip=1.2.3.4 usr.id=a rhost=6.6.6.6 usr.name=a rhost=6.6.6.6"},
		{"PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=host.example  user=root",
			"evt.category=authentication evt.name=pam_authentication_failure evt.outcome=failure evt.repeat=2 network.client.domain=host.example usr.id=root usr.name=root"},
		{"pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)",
			"evt.category=session evt.name=session_opened evt.outcome=success usr.id=root usr.name=root"},
		{"pam_unix(sshd:session): session closed for user root",
			"evt.category=session evt.name=session_closed usr.id=root usr.name=root"},
		{"reverse mapping checking getaddrinfo for evil [6.6.6.6] failed [1.2.3.4] failed - POSSIBLE BREAK-IN ATTEMPT!",
			"evt.category=session evt.name=ssh_reverse_mapping evt.outcome=failure network.client.ip=1.2.3.4"},
		{"Did not receive identification string from 1.2.3.4 port 5",
			"evt.category=session evt.name=ssh_no_identification evt.outcome=failure network.client.ip=1.2.3.4 network.client.port=5"},
		{"Bad protocol version identification 'x from 6.6.6.6 port 1' from 1.2.3.4 port 5",
			"evt.category=session evt.name=ssh_bad_protocol evt.outcome=failure network.client.ip=1.2.3.4 network.client.port=5"},
		{"User x from 1.2.3.4 not allowed because not listed in AllowUsers",
			"evt.category=authentication evt.name=ssh_user_not_allowed evt.outcome=failure network.client.ip=1.2.3.4 usr.id=x usr.name=x"},
		{"Starting session: shell on pts/0 for ubuntu from 1.2.3.4 port 5 id 0",
			"evt.category=session evt.name=ssh_session_started network.client.ip=1.2.3.4 network.client.port=5 usr.id=ubuntu usr.name=ubuntu"},
		{"something new", ""},
		{"Failed password for root from nowhere port 5 ssh2", login + "failure ssh.method=password"},
		{"Failed password for root from 1.2.3.4 port 99999 ssh2", login + "failure ssh.method=password"},
	} {
		d := decoder(t, "sshd")
		head := "Apr 27 13:06:56 box sshd[12]: "
		e := d.Raw(head + c.line)
		program, got := "process.name=sshd process.pid=12", show(e)
		if !strings.Contains(got, program) || clean(strings.Replace(got, program, "", 1)) != c.want || e.Message != head+c.line || e.Host != "box" {
			t.Errorf("%s\n got %s\nwant %s", c.line, got, c.want)
		}
		if bare := d.Raw(c.line); show(bare) != c.want {
			t.Errorf("%s\nwithout its head %s\nwant %s", c.line, show(bare), c.want)
		}
	}
}

// TestALineMeansTheSameHoweverItComes is posted, read from a file, and posted with what
// a shipper puts beside it.
func TestALineMeansTheSameHoweverItComes(t *testing.T) {
	const line = "Apr 27 13:06:56 h sshd[1]: Invalid user x from ::1"
	want := decoder(t, "sshd").Raw(line)
	const read = "evt.category=authentication evt.name=ssh_invalid_user evt.outcome=failure network.client.ip=::1 process.name=sshd process.pid=1 ssh.invalid_user=true usr.id=x usr.name=x"
	if show(want) != read || want.At.String() != "2026-04-27T13:06:56.000Z" || want.Host != "h" {
		t.Errorf("read: %s %s %s", want.At, want.Host, show(want))
	}
	for _, c := range []struct{ posted, more string }{
		{`{"ddsource":"sshd","message":"` + line + `"}`, ""},
		{`{"ddsource":"sshd","message":"` + line + `","x":1}`, " x=1"},
		{`{"message":"` + line + `"}`, ""}, // its head names the program
	} {
		events, err := decoder(t, "").JSON([]byte(c.posted))
		if err != nil {
			t.Fatal(err)
		}
		if e := events[0]; show(e) != read+c.more || e.At != want.At || e.Host != "h" || e.Source != "sshd" {
			t.Errorf("%s: %s %s %s %s", c.posted, e.Source, e.At, e.Host, show(e))
		}
	}
}

func TestSyslogTimes(t *testing.T) {
	berlin, err := times.ParseZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line string
		year int
		zone *time.Location
		want string
	}{
		{"Apr 30 13:06:56 h sshd[1]: x", 0, nil, "2026-04-30T13:06:56.000Z"},
		{"May  2 11:59:00 h sshd[1]: x", 0, nil, "2026-05-02T11:59:00.000Z"},
		{"May  2 12:01:00 h sshd[1]: x", 0, nil, "2025-05-02T12:01:00.000Z"},
		{"Dec 31 23:59:59 h sshd[1]: x", 0, nil, "2025-12-31T23:59:59.000Z"},
		{"Feb 29 00:00:00 h sshd[1]: x", 0, nil, "2024-02-29T00:00:00.000Z"},
		{"Mar 27 13:06:56 h sshd[1]: x", 2017, nil, "2017-03-27T13:06:56.000Z"},
		{"Mar 27 13:06:56 h sshd[1]: x", 2017, berlin, "2017-03-27T11:06:56.000Z"},
		{"Feb 29 00:00:00 h sshd[1]: x", 2017, nil, "2026-05-01T12:00:00.000Z"},
		{"2020-03-27T13:06:56.123456+02:00 h sshd[1]: x", 2017, berlin, "2020-03-27T11:06:56.123Z"},
		{"2020-03-27T13:06:56 h sshd[1]: x", 0, berlin, "2020-03-27T12:06:56.000Z"},
		{"<38>1 2020-03-27T13:06:56.5Z h sshd 1 - [a@1 b=\"]\\\"\"] x", 0, nil, "2020-03-27T13:06:56.500Z"},
		{"<38>Mar 27 13:06:56 h sshd[1]: x", 2017, nil, "2017-03-27T13:06:56.000Z"},
		{"no time", 0, nil, "2026-05-01T12:00:00.000Z"},
	} {
		d := decoder(t, "sshd")
		d.Year, d.Zone = c.year, c.zone
		e := d.Raw(c.line)
		if e.At.String() != c.want {
			t.Errorf("%s (%d, %v) is at %s, want %s", c.line, c.year, c.zone, e.At, c.want)
		}
		if c.line != "no time" && (e.Host != "h" || show(e) != "process.name=sshd process.pid=1") {
			t.Errorf("%s: host %q, %s", c.line, e.Host, show(e))
		}
	}
}

func authLog(t testing.TB) []schema.Event {
	t.Helper()
	b, err := os.ReadFile(testenv.Shared(t, "data/auth/elastic_examples_auth.log"))
	if err != nil {
		t.Fatal(err)
	}
	d := decoder(t, "sshd")
	d.Year = 2017
	events, err := d.Lines(b)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// TestRealAuthLog compares what comes out of the attributes with what an
// independent script found in the log.
func TestRealAuthLog(t *testing.T) {
	var want struct {
		TotalLines int `json:"total_lines"`
		Events     map[string]int
		Accepted   int
		Users      int `json:"accepted_users"`
		Failed     []struct {
			IP      string `json:"src_ip"`
			Lines   int    `json:"failed_lines"`
			First   time.Time
			Last    time.Time
			Max     map[string]int `json:"max_in_window"`
			MaxUser map[string]int `json:"max_distinct_users_in_window"`
			Users   int            `json:"distinct_users"`
		} `json:"failed_by_ip"`
		FirstSeen []struct {
			Line     int
			Time     time.Time `json:"timestamp"`
			User     string
			IP       string `json:"src_ip"`
			FirstFor bool   `json:"first_ip_for_user"`
			New      bool   `json:"ip_new_globally"`
		} `json:"first_seen_user_ip"`
	}
	b, err := os.ReadFile(testenv.Shared(t, "data/auth/elastic_examples_auth.expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	events := authLog(t)
	if len(events) != want.TotalLines {
		t.Fatalf("%d events, want %d", len(events), want.TotalLines)
	}
	failed := map[string][]schema.Event{}
	failures, accepted, users := 0, 0, map[string]bool{}
	pairs := map[[2]string]bool{}
	seenUser, seenIP := map[string]bool{}, map[string]bool{}
	firstSeen := 0
	for i, e := range events {
		if strings.Contains(e.Message, "Failed password") || strings.Contains(e.Message, "Failed publickey") {
			ip := value(&e, "network.client.ip")
			failed[ip] = append(failed[ip], e)
			failures++
			if value(&e, "evt.outcome") != "failure" || value(&e, "evt.name") != "ssh_login" {
				t.Errorf("%s\n%s", e.Message, show(e))
			}
		} else if value(&e, "evt.name") == "ssh_login" && value(&e, "evt.outcome") == "failure" {
			t.Errorf("is no failed login: %s", e.Message)
		}
		if value(&e, "evt.name") != "ssh_login" || value(&e, "evt.outcome") != "success" {
			continue
		}
		accepted++
		user, ip := value(&e, "usr.name"), value(&e, "network.client.ip")
		users[user] = true
		if pair := [2]string{user, ip}; !pairs[pair] {
			pairs[pair] = true
			w := want.FirstSeen[firstSeen]
			firstSeen++
			if w.Line != i+1 || w.User != user || w.IP != ip || schema.MillisOf(w.Time) != e.At || w.FirstFor == seenUser[user] || w.New == seenIP[ip] {
				t.Errorf("first seen: line %d %s %s %s, want %+v", i+1, user, ip, e.At, w)
			}
		}
		seenUser[user], seenIP[ip] = true, true
	}
	if failures != want.Events["failed_password"] || accepted != want.Accepted || len(users) != want.Users || firstSeen != len(want.FirstSeen) || len(failed) != len(want.Failed) {
		t.Errorf("failures %d, accepted %d, users %d, first seen %d, addresses %d", failures, accepted, len(users), firstSeen, len(failed))
	}
	for _, w := range want.Failed {
		got := failed[w.IP]
		slices.SortStableFunc(got, func(a, b schema.Event) int { return int(a.At - b.At) })
		if len(got) != w.Lines || got[0].At != schema.MillisOf(w.First) || got[len(got)-1].At != schema.MillisOf(w.Last) {
			t.Errorf("%s: %d failed, want %d", w.IP, len(got), w.Lines)
			continue
		}
		distinct := map[string]bool{}
		for _, e := range got {
			distinct[value(&e, "usr.name")] = true
		}
		if len(distinct) != w.Users {
			t.Errorf("%s: %d users, want %d", w.IP, len(distinct), w.Users)
		}
		for window, most := range w.Max {
			d, err := time.ParseDuration(window)
			if err != nil {
				t.Fatal(err)
			}
			if n, u := slide(got, d); n != most || u != w.MaxUser[window] && w.MaxUser[window] != 0 {
				t.Errorf("%s: %d failed and %d users in %s, want %d and %d", w.IP, n, u, window, most, w.MaxUser[window])
			}
		}
	}
}

// TestIISIsReadByTheFieldsThatItsDirectiveNames sends a log with fields of one's own choice.
func TestIISIsReadByTheFieldsThatItsDirectiveNames(t *testing.T) {
	d := decoder(t, "")
	events, err := d.Lines([]byte("#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Fields: date time c-ip cs-method cs-uri-stem sc-status\r\n" +
		"2026-03-01 10:00:00 192.0.2.7 GET /a 404\r\n#Fields: time date sc-status c-ip cs-method cs-uri-stem\r\n10:00:01 2026-03-01 200 192.0.2.8 POST /b\r\n"))
	if err != nil || len(events) != 2 {
		t.Fatal(events, err)
	}
	for i, want := range []string{"2026-03-01T10:00:00.000Z iis 192.0.2.7 GET /a 404", "2026-03-01T10:00:01.000Z iis 192.0.2.8 POST /b 200"} {
		e := &events[i]
		if got := strings.Join([]string{e.At.String(), e.Source, value(e, "network.client.ip"), value(e, "http.method"), value(e, "http.url"), value(e, "http.status_code")}, " "); got != want {
			t.Errorf("got %s, want %s: %s", got, want, e.JSON)
		}
	}
}

// authLine is a line of the log as an independent script read it.
type authLine struct {
	Line      int
	Timestamp time.Time
	Host      string
	Program   string
	PID       *int64
	Message   string
	Event     string
	Method    string
	User      *string
	IP        string `json:"src_ip"`
	Port      int64  `json:"src_port"`
	Invalid   bool   `json:"invalid_user"`
	Repeat    int64
}

// fields are what our event has to have of it.
func (l *authLine) fields() map[string]string {
	out := map[string]string{"process.name": l.Program}
	if l.PID != nil {
		out["process.pid"] = fmt.Sprint(*l.PID)
	}
	names := map[string][2]string{"accepted": {"ssh_login", "success"}, "failed_password": {"ssh_login", "failure"}, "invalid_user": {"ssh_invalid_user", "failure"},
		"disconnect": {"ssh_disconnect", "?"}, "connection_closed": {"ssh_connection_closed", "?"}}
	if l.Event == "" {
		return out
	}
	out["evt.name"], out["evt.outcome"] = names[l.Event][0], names[l.Event][1]
	out["network.client.ip"] = l.IP
	if l.User != nil {
		out["usr.name"], out["usr.id"] = *l.User, *l.User
	}
	for path, v := range map[string]string{"ssh.method": l.Method, "network.client.port": number(l.Port), "evt.repeat": number(l.Repeat)} {
		if v != "" {
			out[path] = v
		}
	}
	if l.Invalid || l.Event == "invalid_user" {
		out["ssh.invalid_user"] = "true"
	}
	return out
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// TestRealAuthLogLineByLine compares every field of every line.
func TestRealAuthLogLineByLine(t *testing.T) {
	b, err := os.ReadFile(testenv.Shared(t, "data/auth/elastic_examples_auth.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	events := authLog(t)
	lines, compared := 0, 0
	for _, text := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		var l authLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		e := &events[l.Line-1]
		lines++
		if e.At != schema.MillisOf(l.Timestamp) || e.Host != l.Host || !strings.HasSuffix(e.Message, l.Message) {
			t.Errorf("line %d: %s %s %s", l.Line, e.At, e.Host, e.Message)
		}
		for path, want := range l.fields() {
			compared++
			if got := value(e, path); got != want {
				t.Errorf("line %d: %s is %s, want %s: %s", l.Line, path, got, want, e.Message)
			}
		}
	}
	if lines != 7121 || compared < 20_000 {
		t.Errorf("%d lines, %d fields", lines, compared)
	}
}

func slide(events []schema.Event, w time.Duration) (most, users int) {
	for i := range events {
		n, names := 0, map[string]bool{}
		for j := range events {
			if events[j].At <= events[i].At && events[j].At > events[i].At.Add(-w) {
				n++
				names[value(&events[j], "usr.name")] = true
			}
		}
		most, users = max(most, n), max(users, len(names))
	}
	return most, users
}

// BenchmarkSSHD reads real lines with and without the pipelines that ship. What a pipeline
// costs an event is the difference of cpu-ns/event.
func BenchmarkSSHD(b *testing.B) {
	f, err := os.Open(testenv.Shared(b, "data/auth/elastic_examples_auth.log"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var lines []string
	size := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, s.Text())
		size += len(s.Text()) + 1
	}
	for _, c := range []struct {
		name      string
		pipelines bool
	}{{"line", false}, {"pipelines", true}} {
		b.Run(c.name, func(b *testing.B) {
			d := decoder(b, "sshd")
			d.Year = 2017
			if !c.pipelines {
				d.Pipelines = nil
			}
			b.SetBytes(int64(size / len(lines)))
			b.ReportAllocs()
			before := cpu()
			n := 0
			for ; b.Loop(); n++ {
				d.Raw(lines[n%len(lines)])
			}
			b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(n), "cpu-ns/event")
		})
	}
}
