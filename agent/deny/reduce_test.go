package deny

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
)

// rulesOf loads rules `id: expression`, a line each, that kill in a blocking policy.
func rulesOf(t testing.TB, lines string) []*policy.Rule {
	t.Helper()
	text := "version: 1.0.0\nrules:\n"
	for line := range strings.Lines(lines) {
		if id, expression, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			text += fmt.Sprintf("- id: %s\n  expression: %q\n  actions: [{kill: {signal: SIGKILL}}]\n", id, expression)
		}
	}
	return loaded(t, text)
}

func loaded(t testing.TB, text string) []*policy.Rule {
	t.Helper()
	p, problems := policy.Read("test.policy", []byte(text))
	p.Mode = policy.Blocking
	set, err := policy.Load([]*policy.Policy{p}, policy.Options{Model: event.Model(), World: event.World{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range append(problems, set.Problems...) {
		t.Fatal(problem)
	}
	return set.Rules
}

func TestARuleReducesToTheFilesThatItMatchesWhateverElseIsTrue(t *testing.T) {
	for expression, want := range map[string]string{
		`exec.file.path == "/a"`:                                         "/a",
		`exec.file.path in ["/a", "/b"]`:                                 "/a /b",
		`process.file.path == "/a" && exec.file.name == "a"`:             "/a",
		`exec.file.path == "/a" && exec.file.name == "b"`:                "",
		`exec.file.path == "/a" || process.uid == 0`:                     "/a",
		`exec.file.path in ["/a", "/b"] && exec.file.path != "/b"`:       "/a",
		`!(exec.file.path != "/a")`:                                      "/a",
		`exec.file.path == "/a" && process.uid == 0`:                     "",
		`exec.file.path == "/a" && exec.args == "x"`:                     "",
		`exec.file.path == "/a" && process.ancestors.file.name == "x"`:   "",
		`exec.file.path =~ "/a/*"`:                                       "",
		`exec.file.path == "/a" && process.parent.file.path != "/usr/b"`: "",
		`exec.file.name == "a"`:                                          "",
		`open.file.path == "/etc/x"`:                                     "/etc/x",
		`open.file.path == "/etc/x" && open.flags & O_WRONLY > 0`:        "",
		`open.file.path == "/etc/x" && process.file.name != "passwd"`:    "",
		`open.file.path in ["/x", ~"/y/*"]`:                              "/x",
	} {
		r := rulesOf(t, "r: "+expression)[0]
		got, why := reduceToFiles(r, Operation(r.Event()))
		if strings.Join(got, " ") != want {
			t.Errorf("%s reduces to %q (%s), want %q", expression, got, why, want)
		}
		if len(got) == 0 && why == "" {
			t.Errorf("%s reduces to nothing, and nobody says why", expression)
		}
	}
}

func TestOnlyRulesThatForbidAreDenied(t *testing.T) {
	const head = "version: 1.0.0\nrules:\n- id: r\n  expression: exec.file.path == \"/a\"\n  actions: "
	for actions, want := range map[string]string{
		"[{kill: {signal: SIGKILL}}]":                              "",
		"[{kill: {signal: SIGUSR1}}]":                              "its action kill",
		"[{kill: {signal: SIGKILL}, filter: process.uid == 0}]":    "its action kill",
		"[{kill: {signal: SIGKILL}}, {coredump: {process: true}}]": "coredump needs",
		"[{hash: {}}]": "no action kill",
		"[{hash: {}}, {kill: {signal: SIGTERM, scope: container}}]": "",
	} {
		r := loaded(t, head+actions+"\n")[0]
		if why := wanted(r); why == "" != (want == "") || !strings.Contains(why, want) {
			t.Errorf("%s: %q, want %q", actions, why, want)
		}
		r.Mode = policy.Monitoring
		if wanted(r) == "" {
			t.Errorf("%s: a policy that only monitors denies", actions)
		}
	}
}

func TestARuleReducesToAddressesAndPorts(t *testing.T) {
	for expression, want := range map[string]string{
		`connect.addr.ip == 10.0.0.1`:                                             "10.0.0.1/32",
		`connect.addr.ip == 10.0.0.1 && connect.addr.port == 443`:                 "10.0.0.1/32:443",
		`connect.addr.port == 4444`:                                               "0.0.0.0/0:4444 ::/0:4444",
		`connect.addr.port in [1, 2, 4]`:                                          "0.0.0.0/0:1-2 0.0.0.0/0:4 ::/0:1-2 ::/0:4",
		`connect.addr.ip in [10.0.0.0/8] && connect.addr.ip not in [10.1.0.0/16]`: "10.0.0.0/8",
		`connect.addr.port > 65000 && connect.addr.family == AF_INET`:             "0.0.0.0/0:65001-65535",
		`connect.addr.ip == 10.0.0.1 && connect.protocol == IP_PROTO_TCP`:         "10.0.0.1/32 tcp",
		`connect.addr.ip == 10.0.0.1 && process.uid == 0`:                         "",
		`connect.addr.port & 1 == 1`:                                              "",
		`connect.addr.ip == 10.0.0.1 && connect.retval == 0`:                      "",
	} {
		var got []string
		for _, entries := range reduceToNets(rulesOf(t, "r: "+expression), event.Model()) {
			for _, e := range entries {
				got = append(got, e.Net.String())
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s reduces to %q, want %q", expression, got, want)
		}
	}
}

// TestTheTableOfNetworksSaysWhatTheRulesSay looks random connections up as the kernel
// does, by the smallest network, and compares with the rules themselves.
func TestTheTableOfNetworksSaysWhatTheRulesSay(t *testing.T) {
	rules := rulesOf(t, `
		a: connect.addr.ip in [10.0.0.0/8, 10.1.2.0/24] && connect.addr.port != 443
		b: connect.addr.ip in [10.1.0.0/16, 10.1.2.3] && connect.addr.port < 1024
		c: connect.addr.ip not in [10.0.0.0/7, ::1] && connect.addr.port >= 65530
		d: connect.addr.ip == 10.1.2.3 || connect.protocol == IP_PROTO_UDP && connect.addr.port == 53
		e: connect.addr.ip in [2001:db8::/32] && connect.addr.ip not in [2001:db8:1::/48]
	`)
	table := reduceToNets(rules, event.Model())
	random := rand.New(rand.NewPCG(1, 2))
	addresses := []string{"10.0.0.0", "10.1.2.3", "10.1.2.4", "10.1.3.1", "10.255.0.1", "11.0.0.1", "9.9.9.9", "127.0.0.1", "::1", "2001:db8::1", "2001:db8:1::1", "fe80::1", "255.255.255.255"}
	ports := []uint16{0, 53, 443, 442, 444, 1023, 1024, 65529, 65530, 65535}
	matched := 0
	for range 5000 {
		at, port := netip.MustParseAddr(addresses[random.IntN(len(addresses))]), ports[random.IntN(len(ports))]
		number, p := int64(6), TCP
		if random.IntN(2) == 0 {
			number, p = 17, UDP
		}
		var want []string
		for _, r := range rules {
			e := &event.Event{Type: "connect", Process: &event.Process{}}
			e.Connect.IP, e.Connect.Port, e.Connect.Protocol = netip.PrefixFrom(at, at.BitLen()), int64(port), number
			if secl.Compile(r.Rule).Match(&secl.Context{Event: e}) {
				want = append(want, r.ID)
			}
		}
		if got := lookUp(table, at, port, p); !slices.Equal(got, want) {
			t.Fatalf("%s:%d protocol %d is denied by %v, want %v", at, port, number, got, want)
		}
		if len(want) > 0 {
			matched++
		}
	}
	if matched < 1000 {
		t.Errorf("of 5000 connections %d matched: the test shows little", matched)
	}
}

func lookUp(table map[netip.Prefix][]Entry, at netip.Addr, port uint16, p Protocols) []string {
	var best *netip.Prefix
	for prefix := range maps.Keys(table) {
		if prefix.Contains(at) && (best == nil || prefix.Bits() > best.Bits()) {
			best = &prefix
		}
	}
	for _, e := range table[*best] {
		if port >= e.Net.Low && port <= e.Net.High && e.Net.Protocols&p != 0 {
			return e.Rules
		}
	}
	return nil
}
