package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/testenv"
)

// seclRules ask in every way that stored events can be asked in.
var seclRules = []string{
	`exec.file.path == "/usr/bin/sh"`, `exec.file.path != "/usr/bin/sh"`, `exec.file.path in [~"/usr/**", "/tmp/a%b_c"]`,
	`exec.file.path not in [~"/usr/*", ~"/tmp/*/x"]`, `exec.file.path =~ "/**/x"`, `exec.file.path == ""`, `exec.file.name =~ "*s*h"`,
	`exec.comm == "sh" && exec.args =~ "*-c*" || exec.uid == 0`, `exec.argv in ["-c", ~"a*"]`, `"-c" in exec.argv`, `exec.argv == ""`,
	`exec.argv[0] == "-c"`, `exec.comm == r"^s.$"`, `exec.args in [r"a.c", r"(?i)SH"]`, `exec.comm == process.parent.comm`,
	`exec.uid > 1 && exec.uid <= 1000`, `exec.uid & 1 == 1`, `(exec.uid | 4) - 1 > exec.gid`, `^exec.uid < - 5`, `exec.uid in [0, 7]`, `exec.uid not in [0, 7]`,
	`exec.created_at < 10s && exec.uid >= 0`, `exec.created_at > 1h && exec.uid >= 0`, `exec.file.in_upper_layer`, `exec.file.in_upper_layer == false && exec.uid >= 0`,
	`!(exec.is_thread) && exec.comm != "x"`, `(exec.uid == 0) == exec.is_thread`,
	`process.ancestors.comm == "bash" && exec.uid >= 0`, `process.ancestors.comm != "bash" && exec.uid >= 0`, `process.ancestors.pid in [1, 2] && exec.uid >= 0`,
	`process.ancestors.pid > 2 && exec.uid >= 0`, `process.ancestors.comm in exec.argv`, `exec.comm in process.ancestors.argv`,
	`process.ancestors.file.path =~ "/usr/*/sh" && exec.uid >= 0`, `process.ancestors.comm == "" && exec.uid >= 0`,
	`"%{exec.comm}:%{exec.uid}" == "sh:0"`, `exec.args == "%{exec.argv0} x"`, `exec.comm in ["%{process.parent.comm}", "init"]`,
	`container.id != "" && exec.uid >= 0`, `event.origin == "ebpf" && exec.uid >= 0`, `true && exec.uid >= 0`, `exec.uid == 0 && exec.gid == 0 || exec.comm == "sh"`,
	`connect.addr.ip in [10.0.0.0/8, 2001:db8::/32]`, `connect.addr.ip == 192.168.1.1`, `connect.addr.ip not in 0.0.0.0/0`, `connect.addr.ip in ::/0`,
	`connect.addr.port == 443 && connect.retval == EPERM`, `connect.addr.hostname in ["Example.com", ~"*.ORG"]`,
	`dns.question.name == "EXAMPLE.com"`, `dns.question.name =~ "*.example.*"`, `dns.question.type in [ A, AAAA ]`,
	`open.flags & (O_CREAT | O_TRUNC) > 0`, `open.file.path =~ "/etc/*" && process.uid != 0`, `open.file.extension in [".so", ".ko"]`, `open.retval < 0`,
}

// drawnEvents are events of the agent, and as what they are stored.
func drawnEvents(t testing.TB, n int) ([]*event.Event, []schema.Event) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 9))
	one := func(from ...string) string { return from[r.IntN(len(from))] }
	word := func() string {
		return one("", "sh", "bash", "-c", "abc", "a\nc", "init", "Sh", "é", "x", "%", `a\c`, "'", "*")
	}
	path := func() string {
		return one("", "/usr/bin/sh", "/usr/x", "/x", "/tmp/a%b_c", "/tmp/y/x", "/etc/passwd", "/usr/lib/a.so", "/a\n/x", "/USR/bin/sh")
	}
	process := func() *event.Process {
		p := &event.Process{PID: int64(r.IntN(4)), UID: []int64{0, 1, 7, 1000, 4294967295}[r.IntN(5)], GID: int64(r.IntN(3)), Comm: word(), IsThread: r.IntN(2) == 0}
		argv := []string{word()}
		for range r.IntN(4) {
			argv = append(argv, word())
		}
		p.SetArgv(argv)
		p.File.SetPath(path())
		p.File.InUpperLayer = r.IntN(2) == 0
		return p
	}
	var events []*event.Event
	var stored []schema.Event
	for i := range n {
		at := schema.Millis(1_700_000_000_000 + int64(i)*1000)
		e := &event.Event{Type: one("exec", "exec", "exec", "connect", "dns", "open"), Process: process(), Origin: one("ebpf", "")}
		e.Process.CreatedAt = (int64(at) - []int64{0, 5000, 20_000, 7_200_000}[r.IntN(4)]) * 1e6
		for p, deep := e.Process, r.IntN(4); deep > 0; deep-- {
			p.Parent = process()
			p = p.Parent
		}
		e.Container.ID = one("", "c1")
		e.Retval = []int64{0, -1, -2}[r.IntN(3)]
		switch e.Type {
		case "connect":
			if ip := one("", "10.1.2.3", "192.168.1.1", "2001:db8::1", "::1", "8.8.8.8"); ip != "" {
				a := netip.MustParseAddr(ip)
				e.Connect.IP = netip.PrefixFrom(a, a.BitLen())
			}
			e.Connect.Port = []int64{0, 443}[r.IntN(2)]
			if r.IntN(2) == 0 {
				e.Connect.Hostnames = []string{one("example.com", "a.org"), one("EXAMPLE.COM", "b.net")}
			}
		case "dns":
			e.DNS.Name, e.DNS.Type = one("", "example.com", "Www.Example.org", "x"), int64(r.IntN(30))
		case "open":
			e.File.SetPath(path())
			e.Open.Flags = int64(r.IntN(2048))
		}
		events = append(events, e)
		text, err := json.Marshal(event.Attributes(&secl.Context{Event: e}))
		if err != nil {
			t.Fatal(err)
		}
		attributes, err := schema.ParseAttributes(string(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		stored = append(stored, schema.Event{At: at, Seen: at, Source: event.Source, Attributes: attributes})
	}
	return events, stored
}

// TestTheAgentAndTheDatabaseReadARuleAlike stores events of the agent, asks the
// database for those that each rule matches, and compares with what the agent's
// evaluator says of the same events: rules that ask in every way, and those of the
// public default policy that stored events can be asked.
func TestTheAgentAndTheDatabaseReadARuleAlike(t *testing.T) {
	events, stored := drawnEvents(t, 600)
	other := schema.Event{At: 1, Seen: 1, Source: "sshd", Attributes: stored[0].Attributes}
	w := searchtest.NewWorld(t, append(stored, other))
	matches := 0
	for _, text := range seclRules {
		rule, err := secl.Check(text, &secl.Env{Model: event.Model()})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		matches += holdsAlike(t, w, rule, events)
	}
	if matches < 1000 {
		t.Errorf("only %d matches: the rules tell little", matches)
	}
	t.Run("shared", func(t *testing.T) { holdsDefaultPolicyAlike(t, w, events) })
}

func holdsDefaultPolicyAlike(t *testing.T, w *searchtest.World, events []*event.Event) {
	text, err := os.ReadFile(testenv.Shared(t, "conformance/secl_default.policy"))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := policy.Read("default.policy", text)
	set, err := policy.Load([]*policy.Policy{p}, policy.Options{Model: event.Model(), World: event.World{}})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, r := range set.Rules {
		if _, err := Where(r.Rule, &search.Params{}); err != nil {
			if !strings.Contains(err.Error(), "stored") {
				t.Errorf("%s: %v", r.ID, err)
			}
			continue
		}
		asked++
		holdsAlike(t, w, r.Rule, events)
	}
	if asked < 100 {
		t.Errorf("only %d rules of the default policy can be asked", asked)
	}
}

// holdsAlike compares the readers on one rule, and returns how many events match.
func holdsAlike(t *testing.T, w *searchtest.World, rule *secl.Rule, events []*event.Event) int {
	t.Helper()
	program := secl.Compile(rule)
	want := map[uint64]bool{}
	for i, e := range events {
		c := &secl.Context{Event: e, Now: int64(w.Events[i].At) * 1e6}
		if e.Type == rule.Event() && program.Match(c) {
			want[uint64(i+1)] = true
		}
	}
	params := &search.Params{Shapes: w.Again.Shapes}
	sql, err := Where(rule, params)
	if err != nil {
		t.Errorf("%s: %v", rule.Text, err)
		return 0
	}
	ctx := ch.Context(context.Background(), ch.WithParameters(ch.Parameters(params.Map())), ch.WithSettings(ch.Settings(search.StatementSettings)))
	rows, err := w.Conn.Query(ctx, "SELECT seq FROM events WHERE "+sql)
	if err != nil {
		t.Errorf("%s: %v\n%s", rule.Text, err, sql)
		return 0
	}
	defer rows.Close()
	got := map[uint64]bool{}
	for rows.Next() {
		var seq uint64
		if err := rows.Scan(&seq); err != nil {
			t.Fatal(err)
		}
		got[seq] = true
	}
	if err := rows.Err(); err != nil {
		t.Errorf("%s: %v\n%s", rule.Text, err, sql)
	}
	for seq := range w.Events {
		if n := uint64(seq + 1); got[n] != want[n] {
			detail := ""
			if seq < len(events) {
				text, _ := json.Marshal(event.Attributes(&secl.Context{Event: events[seq]}))
				detail = string(text)
			}
			t.Errorf("%s: the database says %t, the agent %t of %s", rule.Text, got[n], want[n], detail)
			break
		}
	}
	return len(want)
}

// TestARuleThatStoredEventsCannotBeAskedSaysWhy names what is missing.
func TestARuleThatStoredEventsCannotBeAskedSaysWhy(t *testing.T) {
	names := &secl.Env{Model: event.Model(), Vars: map[string]*secl.Var{"x": {Name: "x", Read: func(*secl.Context) string { return "" }}}}
	for text, want := range map[string]string{
		`exec.comm == ${x}`: "${x}",
		`process.ancestors[A].comm == "a" && exec.uid == 1`: "register",
		`process.ancestors.tid == 1 && exec.uid == 1`:       "process.ancestors.tid is not stored",
		`dns.question.name.root_domain == "example.com"`:    "is not stored",
		`process.uid == 1`: "one type",
	} {
		rule, err := secl.Check(text, names)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if _, err := Where(rule, &search.Params{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something about %s", text, err, want)
		}
	}
}

// TestSQLOfARuleDoesNotDependOnItsTexts holds that what a rule's author wrote
// travels as a parameter.
func TestSQLOfARuleDoesNotDependOnItsTexts(t *testing.T) {
	const form = `exec.file.path in [~"/%s/*", "/%s"] && exec.comm == "%s" && exec.args =~ "*%s*"`
	var sqls []string
	for _, s := range []string{"a", `') OR 1=1 --`, "{p0:String}", "\n"} {
		rule, err := secl.Check(fmt.Sprintf(form, s, s, s, s), &secl.Env{Model: event.Model()})
		if err != nil {
			t.Fatal(err)
		}
		sql, err := Where(rule, &search.Params{})
		if err != nil {
			t.Fatal(err)
		}
		sqls = append(sqls, sql)
	}
	for _, sql := range sqls[1:] {
		if sql != sqls[0] {
			t.Errorf("the SQL is\n%s\nand with another text\n%s", sqls[0], sql)
		}
	}
}
