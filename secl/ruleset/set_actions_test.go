package ruleset

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
)

// family are processes of a test: 1 has the children 2 and 3, 2 has 4.
func family() map[int64]*event.Process {
	all := map[int64]*event.Process{}
	for pid, parent := range []int64{1: 0, 2: 1, 3: 1, 4: 2} {
		if pid > 0 {
			all[int64(pid)] = &event.Process{PID: int64(pid), Key: uint64(pid), Parent: all[parent], Comm: fmt.Sprintf("p%d", pid)}
		}
	}
	return all
}

// TestSetActionsDoWhatPoliciesSay holds, sentence by sentence, what set actions and
// variables mean: what a variable is after a story of events.
func TestSetActionsDoWhatPoliciesSay(t *testing.T) {
	type step struct {
		second  float64
		pid     int64
		signals int64  // to whom the event is a signal; 0: it is an exec
		want    string // of the variable v, seen by the process, after the event
	}
	for _, c := range []struct {
		name, rules, variable string
		steps                 []step
	}{
		{"actions run in order, and later ones see what earlier ones set",
			`{id: r, expression: exec.pid > 0, actions: [{set: {name: a, value: 3}}, {set: {name: v, expression: "${a} + 1", default_value: 0}}]}`, "v", []step{{0, 1, 0, "4"}}},
		{"an action has a filter of its own",
			`{id: r, expression: exec.pid > 0, actions: [{filter: exec.comm == "p2", set: {name: v, value: 1}}]}`, "v", []step{{0, 1, 0, "0"}, {0, 2, 0, "1"}}},
		{"what was never set is the default value",
			`{id: r, expression: exec.comm == "p9", actions: [{set: {name: v, value: "x", default_value: "none"}}]}`, "v", []step{{0, 1, 0, "none"}}},
		{"an expression counts from the default value",
			`{id: r, expression: exec.pid > 0, actions: [{set: {name: v, expression: "${process.v} + 1", default_value: 10, scope: process}}]}`, "process.v",
			[]step{{0, 1, 0, "11"}, {1, 1, 0, "12"}, {2, 2, 0, "11"}}},
		{"appending adds what is not there, the oldest go beyond the size",
			`{id: r, expression: exec.pid > 0, actions: [{set: {name: v, field: exec.comm, append: true, size: 2}}]}`, "v",
			[]step{{0, 1, 0, "[p1]"}, {1, 2, 0, "[p1 p2]"}, {2, 1, 0, "[p2 p1]"}, {3, 3, 0, "[p1 p3]"}}},
		{"each member of a list has its time, which appending it again renews",
			`{id: r, expression: exec.pid > 0, actions: [{set: {name: v, field: exec.comm, append: true, ttl: 10s}}]}`, "v",
			[]step{{0, 1, 0, "[p1]"}, {5, 2, 0, "[p1 p2]"}, {6, 1, 0, "[p2 p1]"}, {15.5, 3, 0, "[p1 p3]"}}},
		{"without append a value is overwritten, and its time begins anew",
			`{id: r, expression: "exec.pid in [1, 2]", actions: [{set: {name: v, field: exec.comm, ttl: 10000000000}}]}`, "v",
			[]step{{0, 1, 0, "p1"}, {8, 2, 0, "p2"}, {17, 3, 0, "p2"}, {18, 3, 0, ""}}},
		{"a list that is set without append is replaced",
			`{id: r, expression: exec.pid > 0, actions: [{set: {name: v, field: exec.argv, default_value: [none]}}]}`, "v",
			[]step{{0, 1, 0, "[1 x]"}, {1, 2, 0, "[2 x]"}}},
		{"a process has values of its own",
			`{id: r, expression: exec.pid == 1, actions: [{set: {name: v, value: 1, scope: process}}]}`, "process.v", []step{{0, 1, 0, "1"}, {0, 2, 0, "0"}}},
		{"children see what is inherited, until they have their own",
			`{id: r, expression: "exec.pid in [1, 2]", actions: [{set: {name: v, field: exec.pid, scope: process, inherited: true}}]}`, "process.v",
			[]step{{0, 1, 0, "1"}, {1, 4, 0, "1"}, {2, 2, 0, "2"}, {3, 4, 0, "2"}, {4, 3, 0, "1"}}},
		{"without a container nothing is set",
			`{id: r, expression: exec.pid > 0, actions: [{set: {name: v, value: 1, scope: container}}]}`, "container.v", []step{{0, 1, 0, "0"}}},
		{"scope_field says whose variable it is; filter and expression are evaluated there",
			`{id: mark, expression: exec.pid == 3, actions: [{set: {name: v, value: 5, scope: process}}]},
			 {id: r, expression: signal.type > 0, actions: [{filter: "${process.v} == 5", set: {name: v, expression: "${process.v} + 1", default_value: 0, scope: process, scope_field: signal.target.pid}}]}`, "process.v",
			[]step{{0, 3, 0, "5"}, {1, 1, 3, "0"}, {2, 3, 77, "6"}, {3, 1, 2, "0"}, {4, 2, 77, "0"}}},
		{"a process that scope_field does not find is nobody",
			`{id: r, expression: signal.type > 0, actions: [{set: {name: v, value: 1, scope: process, scope_field: signal.target.pid}}]}`, "process.v", []step{{0, 1, 77, "0"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := family()
			rules := loadIn(t, "rules: ["+c.rules+"]\n", event.World{ByPID: func(pid int64) *event.Process { return all[pid] }})
			for i, s := range c.steps {
				p := all[s.pid]
				p.Argv = []string{fmt.Sprint(s.pid), "x"}
				e := &event.Event{Type: "exec", Process: p}
				if s.signals > 0 {
					e = &event.Event{Type: "signal", Process: p, Signal: event.Signal{Type: 9, PID: s.signals}, Target: &event.Process{PID: s.signals}}
				}
				ctx := &secl.Context{Event: e, Now: int64(s.second * 1e9)}
				if b := rules.For(e.Type); b != nil {
					b.Evaluate(ctx, func(*Rule, bool) {})
				}
				if got := fmt.Sprint(secl.Printable(rules.Vars.Get(c.variable).Value(ctx))); got != s.want {
					t.Errorf("step %d: ${%s} is %s, want %s", i+1, c.variable, got, s.want)
				}
			}
		})
	}
}

// TestSetActionsThatMeanNothingAreRefused holds what of them is a mistake.
func TestSetActionsThatMeanNothingAreRefused(t *testing.T) {
	for action, want := range map[string]string{
		`{name: pid, value: 1, scope: process}`:                                     "has the name of a field",
		`{name: O_CREAT, value: 1}`:                                                 "has the name of a constant",
		`{name: a, value: 1, field: exec.uid}`:                                      "one of value, field and expression",
		`{name: a}`:                                                                 "one of value, field and expression",
		`{name: a, expression: "1 + 1"}`:                                            "default_value is needed",
		`{name: a, expression: "1 + 1", default_value: "x"}`:                        "incompatible types",
		`{name: a, value: "x", default_value: 1}`:                                   "different types",
		`{name: a, field: exec.argv}`:                                               "cardinality mismatch",
		`{name: a, value: [true, false]}`:                                           "list of bools",
		`{name: a, value: [1, x]}`:                                                  "different types",
		`{name: a, field: open.file.path}`:                                          "open events",
		`{name: a, value: 1, inherited: true}`:                                      "scope process",
		`{name: a, value: 1, inherited: true, scope: container}`:                    "scope process",
		`{name: a, value: 1, scope_field: process.pid}`:                             "scope process",
		`{name: a, value: 1, scope: process, scope_field: process.comm}`:            "is no id of a process",
		`{name: a, value: 1, size: -1}`:                                             "size is negative",
		`{name: a, value: 1}}, {set: {name: a, value: x}`:                           "conflicting types",
		`{name: a, value: 1, scope: host}`:                                          "want one of process, container, cgroup",
		`{name: a, value: 1, ttl: soon}`:                                            "is no duration",
		`{name: a, field: process.comm, append: true, scope: cgroup, ttl: 1h}`:      "",
		`{name: a, field: exec.argv, append: true, size: 10, private: true}`:        "",
		`{name: a, value: 1}}, {set: {name: a, value: 1, scope: container}`:         "",
		`{name: a, field: process.parent.pid, scope: process, inherited: true}`:     "",
		`{name: a, expression: '"%{exec.comm}"', default_value: [x], append: true}`: "",
	} {
		var told []string
		p, problems := policy.Read("P", []byte("rules:\n  - {id: r, expression: exec.pid > 0, actions: [{set: "+action+"}]}\n"))
		for _, p := range problems {
			told = append(told, p.Error())
		}
		set, err := policy.Load([]*policy.Policy{p}, policy.Options{Model: event.Model(), World: event.World{}})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range set.Problems {
			told = append(told, p.Error())
		}
		got := strings.Join(told, "; ")
		if want == "" && got != "" || !strings.Contains(got, want) || want != "" && got == "" {
			t.Errorf("%s: %q, want %q", action, got, want)
		}
	}
}

// TestAnAddressIsANetwork holds that variables set from addresses can be compared with
// networks.
func TestAnAddressIsANetwork(t *testing.T) {
	rules := loadIn(t, `
rules:
  - {id: seen, expression: connect.addr.port == 1, actions: [{set: {name: v, field: connect.addr.ip, append: true}}]}
  - {id: again, expression: 'connect.addr.port == 2 && connect.addr.ip in ${v}'}
`, event.World{})
	connect := func(address string, port int64) string {
		e := &event.Event{Type: "connect", Process: &event.Process{}, Connect: event.Socket{Endpoint: event.Endpoint{IP: netip.MustParsePrefix(address), Port: port}}}
		var out []string
		rules.For("connect").Evaluate(&secl.Context{Event: e}, func(r *Rule, _ bool) { out = append(out, r.ID) })
		return strings.Join(out, " ")
	}
	if got := connect("192.0.2.7/32", 1) + "; " + connect("192.0.2.7/32", 2) + "; " + connect("192.0.2.8/32", 2); got != "seen; again; " {
		t.Errorf("got %q", got)
	}
}
