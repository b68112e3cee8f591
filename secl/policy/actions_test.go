package policy

import (
	"fmt"
	"strings"
	"testing"

	"nightjar/secl"
	"nightjar/secl/event"
)

// loadOne loads a policy of one rule about executions with one action.
func loadOne(t *testing.T, action string, support *Support) (*Set, string) {
	t.Helper()
	p, problems := Read("P", []byte("rules:\n  - {id: r, expression: exec.uid == 1, actions: [{"+action+"}]}\n"))
	var told []string
	for _, p := range problems {
		told = append(told, p.Error())
	}
	set, err := Load([]*Policy{p}, Options{Model: event.Model(), World: event.World{}, Support: support})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range set.Problems {
		told = append(told, p.Error())
	}
	return set, strings.Join(told, "; ")
}

// TestWhatAnAgentCantDoIsRefused holds that no rule loads with an action that would then
// not be taken, and that it is said why; and that what is not about an agent (policies
// that are only read) is not held against it.
func TestWhatAnAgentCantDoIsRefused(t *testing.T) {
	agent := &Support{Events: event.Supported, Actions: []string{"set", "kill", "hash", "log", "coredump"}}
	for action, want := range map[string]string{
		"coredump: {process: true}":                           "",
		"coredump: {process: true, no_compression: true}":     "",
		"coredump: {process: true, dentry: true}":             "mount and dentry are not written down",
		"coredump: {mount: true}":                             "mount and dentry are not written down",
		"coredump: {}":                                        "one of process, mount and dentry",
		`network_filter: {filter: "port 53", policy: drop}`:   "no action network_filter; it has set, kill, hash, log, coredump",
		`disabled: true, network_filter: {filter: "port 53"}`: "",
		"hash: {}": "",
		"hash: {field: process.file, max_file_size: 1048576}":      "",
		"hash: {field: open.file}":                                 "is no file",
		"hash: {max_file_size: -1}":                                "max_file_size",
		"hash: {max_file_size: 2000000000}":                        "max_file_size",
		"log: {level: info}":                                       "",
		"log: {level: loud}":                                       "is no level; write one of trace, debug",
		"log: {message: hello}":                                    "level is missing",
		`log: {level: WARN, message: '"%{exec.file.path}" ran'}`:   "",
		"log: {level: info, message: '%{exec.file.nothing} ran'}":  "exec.file.nothing",
		"log: {level: info, message: '%{open.file.path} is read'}": "open events",
		"log: {level: info, message: '${nothing} is set'}":         "nothing",
		"kill: {signal: SIGNOTHING}":                               "is no signal",
	} {
		set, got := loadOne(t, action, agent)
		if want == "" && got != "" || !strings.Contains(got, want) || (want == "") != (len(set.Rules) == 1) {
			t.Errorf("%s: %d rules, problems %q, want %q", action, len(set.Rules), got, want)
		}
	}
	for _, action := range []string{`network_filter: {filter: "port 53"}`, "coredump: {process: true, dentry: true}"} {
		if set, got := loadOne(t, action, nil); got != "" || len(set.Rules) != 1 {
			t.Errorf("%s is held against nobody: %q", action, got)
		}
	}
}

// TestAFilterThatCantBeCarriedOutIsRefused holds that it is, with its place.
func TestAFilterThatCantBeCarriedOutIsRefused(t *testing.T) {
	agent := &Support{Events: event.Supported, Actions: event.SupportedActions}
	for action, want := range map[string]string{
		`network_filter: {filter: "tcp and not port 53", policy: drop, scope: cgroup}`: "",
		`network_filter: {filter: "udp", scope: process}`:                              "",
		`network_filter: {filter: "tcp and vlan 7"}`:                                   `filter: 9: "vlan" can't be carried out`,
		`network_filter: {filter: "host example.com"}`:                                 "names are not looked up",
		`network_filter: {filter: "tcp", policy: accept}`:                              `policy "accept" is not carried out`,
		`network_filter: {filter: ""}`:                                                 "filter",
	} {
		set, got := loadOne(t, action, agent)
		if want == "" && got != "" || !strings.Contains(got, want) || (want == "") != (len(set.Rules) == 1) {
			t.Errorf("%s: %d rules, problems %q, want %q", action, len(set.Rules), got, want)
		}
	}
}

// TestAMessageHasTheValuesOfTheEvent holds what a log action writes.
func TestAMessageHasTheValuesOfTheEvent(t *testing.T) {
	set, problems := loadOne(t, `log: {level: info, message: 'the program "%{exec.file.path}" (%{exec.pid}) was run by %{process.user}'}`, nil)
	if problems != "" {
		t.Fatal(problems)
	}
	e := &event.Event{Type: "exec", Process: &event.Process{PID: 7, User: "root"}}
	e.Process.File.SetPath("/usr/bin/id")
	got := secl.CompileValue(set.Rules[0].Actions[0].Message).Value(&secl.Context{Event: e})
	if want := `the program "/usr/bin/id" (7) was run by root`; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
