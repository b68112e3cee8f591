package respond

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// actorFunc is an actor that is one function.
type actorFunc func(done func(Report))

func (f actorFunc) Act(_ *ruleset.Rule, _ *policy.Action, _ *secl.Context, done func(Report)) {
	f(done)
}

func execEvent(p event.Process) *event.Event {
	e := &event.Event{Type: "exec", Timestamp: time.Now().UnixNano(), Process: &p}
	e.File = p.File
	return e
}

// TestAnErrorSkipsNoAction holds that each action is taken and reported, in the order of
// the rule, whatever became of those before it: an error, a panic, one that nobody takes,
// and one that takes a while.
func TestAnErrorSkipsNoAction(t *testing.T) {
	rules := rulesOf(t, policy.Blocking, rule("r", `exec.file.path == "/a"`,
		`{kill: {signal: SIGUSR1}}, {hash: {}}, {coredump: {process: true}}, {log: {level: info, message: m}}, {network_filter: {filter: "port 1"}}`))
	r := New(Config{})
	var later func(Report)
	r.Register("hash", actorFunc(func(done func(Report)) { done(Report{Type: "hash", Status: Failed, Error: "no such file"}) }))
	r.Register("coredump", actorFunc(func(func(Report)) { panic("a fault") }))
	r.Register("log", actorFunc(func(done func(Report)) { later = done }))
	p := event.Process{PID: 1 << 30, Key: 1}
	p.File.SetPath("/a")
	var taken *Taken
	match(rules, execEvent(p), func(rule *ruleset.Rule, c *secl.Context) { taken = r.Act(rule, c, Seen{Time: time.Now()}) })
	if taken.Done() || taken.Reports()[3].Status != Queued {
		t.Errorf("all is done: %+v", taken.Reports())
	}
	r.Tick(time.Now().Add(time.Minute)) // the dump will never say that it is done
	later(Report{Type: "log", Status: Performed, Detail: map[string]any{"line": "m"}})
	var got []string
	for _, one := range taken.Reports() {
		got = append(got, one.Type+" "+string(one.Status)+" "+one.Error)
	}
	want := "kill aborted the process is gone; hash error no such file; coredump error a fault; log performed ; network_filter error the agent has no action network_filter"
	if strings.Join(got, "; ") != want || !taken.Done() {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
	text, err := json.Marshal(taken.Reports()[3])
	if err != nil || string(text) != `{"type":"log","status":"performed","line":"m"}` {
		t.Errorf("%s, %v", text, err)
	}
	if n := r.Counts()["r"]; n != (Counts{Spared: 1, Failed: 3}) {
		t.Errorf("%+v are counted", n)
	}
}
