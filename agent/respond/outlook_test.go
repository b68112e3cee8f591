package respond

import (
	"strings"
	"testing"

	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// TestAnOutlookSaysWhatWillHappen holds what an author is told of each action before the
// rule is anywhere in force, and that it is what the agent then does: which kills the
// kernel makes is asked of the function that tells the kernel.
func TestAnOutlookSaysWhatWillHappen(t *testing.T) {
	for _, c := range []struct{ expression, action, want string }{
		{`exec.file.name == "xmrig"`, "kill: {signal: SIGKILL}", "by the kernel before the first instruction of a program that is xmrig; protected processes are spared, and the rule is stopped after 5 kills of one executable or in one container within 1m0s"},
		{`exec.file.name == "xmrig"`, `filter: exec.uid == 1, kill: {signal: SIGKILL}`, "only where exec.uid == 1: in a blocking policy, SIGKILL is sent to the process, by the agent a moment after the program has begun"},
		{`exec.file.name == "xmrig" && exec.uid == 1`, "kill: {signal: SIGTERM, scope: cgroup}", "SIGTERM is sent to every process of its cgroup, by the agent a moment after the program has begun"},
		{`open.file.path == "/etc/shadow"`, "kill: {signal: SIGKILL, disable_container_disarmer: true}", "a moment after the open was done; protected processes are spared, and the rule is stopped after 5 kills of one executable within"},
		{`open.file.path == "/etc/shadow"`, "kill: {signal: SIGKILL, disable_container_disarmer: true, disable_executable_disarmer: true}", "nothing stops the rule however much it kills"},
		{`exit.code == 1`, "kill: {signal: SIGKILL}", "too late: the process has ended"},
		{`open.file.path == "/etc/shadow"`, "disabled: true, kill: {signal: SIGKILL}", "nothing, it is disabled"},
		{`open.file.path == "/etc/shadow"`, "hash: {field: process.file, max_file_size: 4096}", "of process.file are put into the event, if it is not larger than 4096 bytes"},
		{`open.file.path == "/etc/shadow"`, "coredump: {process: true, no_compression: true}", "the memory of the process is written to the agent's state folder, uncompressed"},
		{`open.file.path == "/etc/shadow"`, "log: {level: warn}", "a line is written to the agent's log, level warn"},
		{`open.file.path == "/etc/shadow"`, "set: {name: x, value: 1, scope: process, ttl: 1h}", "the variable process.x is set for 1h0m0s"},
		{`open.file.path == "/etc/shadow"`, `network_filter: {filter: "port 53", scope: cgroup}`, `packets that match "port 53" of the cgroup are dropped`},
	} {
		p, problems := policy.Read("P", []byte("rules:\n  - {id: r, expression: '"+c.expression+"', actions: [{"+c.action+"}]}\n"))
		for _, p := range problems {
			t.Fatal(p)
		}
		set, err := policy.Load([]*policy.Policy{p}, policy.Options{Model: event.Model(), World: event.World{}})
		if err != nil || len(set.Problems) > 0 {
			t.Fatal(c.action, err, set.Problems)
		}
		rule, err := ruleset.New(set, event.World{}).Find("r")
		if err != nil {
			t.Fatal(err)
		}
		if got := Outlook(rule, rule.Actions[0]); !strings.Contains(got, c.want) {
			t.Errorf("%s, %s:\ngot  %s\nwant %s", c.expression, c.action, got, c.want)
		}
	}
}
