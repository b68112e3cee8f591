package rehearsal

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"nightjar/agent/respond"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// ran is an execution of a program, so many seconds after the beginning.
func ran(second float64, pid int64, path, container string) *event.Event {
	e := &event.Event{Type: "exec", Timestamp: begin.Add(time.Duration(second * float64(time.Second))).UnixNano()}
	e.Process = &event.Process{PID: pid, User: "www-data", Container: container, Key: uint64(pid)}
	e.Process.File.SetPath(path)
	return e
}

// TestARehearsalDecidesAsAnAgentDoes holds that for any events the reports of an agent's
// responder, in a monitoring policy, are what the rehearsal counts.
func TestARehearsalDecidesAsAnAgentDoes(t *testing.T) {
	p, problems := policy.Read("P", []byte("rules:\n  - {id: r, expression: exec.file.path != \"\", actions: [{kill: {signal: SIGKILL}}]}\n"))
	for _, p := range problems {
		t.Fatal(p)
	}
	set, err := policy.Load([]*policy.Policy{p}, policy.Options{Model: event.Model(), World: event.World{}})
	if err != nil {
		t.Fatal(err)
	}
	rule, err := ruleset.New(set, event.World{}).Find("r")
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{"/opt/a", "/opt/b", "/opt/c", "/opt/d", "/usr/sbin/sshd", "/usr/lib/systemd/systemd", "/tmp/sshd", "/opt/protected"}
	containers := []string{"", "", "c1", "c2", "c3", "c4"}
	seen := map[respond.Status]bool{}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		programs := paths[4*(seed%2):] // few enough for one of them to be too much
		extra := []string{"/opt/protected"}
		agent := respond.New(respond.Config{Protected: respond.ProtectedAnywhere(extra), Now: func() time.Time { return begin }})
		r := Of("r", Config{Protect: extra})
		want := map[respond.Status]uint64{}
		second := 0.0
		for range 200 {
			second += random.ExpFloat64() * 5
			const nobody = 1 << 30
			e := ran(second, nobody+random.Int64N(1000), programs[random.IntN(len(programs))], containers[random.IntN(len(containers))])
			taken := agent.Act(rule, &secl.Context{Event: e, Now: e.Timestamp}, respond.Seen{Time: time.Unix(0, e.Timestamp)})
			want[taken.Reports()[0].Status]++
			r.Add("h", rule.Actions[0].Kill, e)
		}
		got := r.Outcome()
		disarmed := want[respond.RuleDisarmed] + want[respond.RuleDismantled]
		if got.Asked != 200 || got.Killed != want[respond.WouldHavePerformed] || got.Protected != want[respond.Aborted] || got.Disarmed != disarmed {
			t.Errorf("seed %d: got %+v, the agent %v", seed, got, want)
		}
		trips := got.MoreTrips
		for _, trip := range got.Trips {
			trips += trip.Spared
		}
		if trips != got.Disarmed {
			t.Errorf("seed %d: the trips have %d of %d", seed, trips, got.Disarmed)
		}
		for status := range want {
			seen[status] = true
		}
	}
	if len(seen) != 4 {
		t.Errorf("only %v were met", seen)
	}
}

// TestAnOutcomeSaysWho holds what is told of a rule: whom it would have killed, who is
// protected, when the disarmer trips, and that hosts don't share one.
func TestAnOutcomeSaysWho(t *testing.T) {
	r := Of("r", Config{Denied: []string{"/usr/sbin/sshd"}})
	k := &policy.KillDef{Signal: "SIGKILL", Scope: "container"}
	for i := range 7 { // 5 in a minute
		r.Add("h1", k, ran(float64(i), 10, "/opt/miner", "c1"))
	}
	r.Add("h2", k, ran(3, 10, "/opt/miner", ""))
	r.Add("h1", k, ran(200, 10, "/opt/miner", "c1"))
	r.Add("h1", k, ran(201, 10, "/usr/sbin/sshd", ""))
	r.Add("h1", k, ran(202, 1, "/sbin/init", ""))
	got := fmt.Sprintf("%+v", r.Outcome())
	for _, want := range []string{
		"Asked:11 Killed:7 Protected:2 Disarmed:2 Deniable:1", "Executables:[{Name:/opt/miner Times:7}]", "Users:[{Name:www-data Times:7}]",
		"Containers:[{Name:c1 Times:6}]", "sshd is protected", "pid 1", "Host:h1 Status:rule_disarmed Type:executable Target:/opt/miner Spared:2", "Scope:container",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in %s", want, got)
		}
	}
}

// TestTheRestIsCounted holds that of what is too much to list nothing is missing from the
// sums.
func TestTheRestIsCounted(t *testing.T) {
	r := Of("r", Config{})
	const many = 100
	k := &policy.KillDef{Signal: "SIGKILL", NoExecutableDisarmer: true, NoContainerDisarmer: true}
	for i := range many {
		r.Add("h", k, ran(float64(i), 10, fmt.Sprintf("/opt/%d", i), ""))
	}
	r.Add("h", k, ran(many, 10, "/opt/7", ""))
	out, sum := r.Outcome(), uint64(0)
	for _, c := range out.Executables {
		sum += c.Times
	}
	if len(out.Executables) != mostListed+1 || out.Executables[0] != (Count{"/opt/7", 2}) || out.Executables[mostListed].Name != Others || sum != many+1 || out.Killed != sum {
		t.Errorf("%+v", out)
	}
	r = Of("r", Config{})
	for i := range many { // each host trips by itself
		for range 6 {
			r.Add(fmt.Sprint(i), &policy.KillDef{}, ran(float64(i), 10, "/opt/a", ""))
		}
	}
	if out := r.Outcome(); len(out.Trips) != mostTrips || out.MoreTrips != many-mostTrips || out.Disarmed != many {
		t.Errorf("%+v", out)
	}
}
