package ruleset

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/testenv"
)

// load makes a rule set of the text of a policy.
func load(t testing.TB, text string) *Set {
	t.Helper()
	return loadIn(t, text, event.World{})
}

// loadIn makes one for a world of processes.
func loadIn(t testing.TB, text string, world event.World) *Set {
	t.Helper()
	p, problems := policy.Read("test", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	set, err := policy.Load([]*policy.Policy{p}, policy.Options{Model: event.Model(), World: world})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range set.Errors() {
		t.Fatal(p)
	}
	return New(set, world)
}

// policyOf writes a policy of ids and expressions.
func policyOf(pairs ...string) string {
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "  - id: %s\n    expression: |-\n      %s\n", pairs[i], pairs[i+1])
	}
	return b.String()
}

func matches(b *Bucket, c *secl.Context) []string {
	out := []string{}
	b.Evaluate(c, func(r *Rule, _ bool) { out = append(out, r.ID) })
	return out
}

// indexed are rules of every shape that an index finds, and of some that it can't.
var indexed = policyOf(
	"exact", `exec.file.path == "/usr/bin/sh"`,
	"list", `exec.file.name in ["sh", "ls", ~"ba*", ~"*zsh"]`,
	"glob", `exec.file.path in [~"/usr/*/sh", ~"/tmp/**"]`,
	"either", `exec.comm == "sh" || exec.args =~ "-c*"`,
	"both", `exec.comm =~ "*s*" && exec.uid == 0`,
	"zero", `exec.uid == 0 && exec.gid == 0`,
	"mask", `exec.file.mode & S_ISUID > 0`,
	"mask2", `exec.file.mode & S_ISUID != 0 && exec.comm != "x"`,
	"member", `exec.argv in ["-c", ~"a*", r"^z.*$"]`,
	"ancestor", `process.ancestors.comm in ["bash", "init"] && exec.uid >= 0`,
	"register", `process.ancestors[A].comm == "bash" && process.ancestors[A].pid == 1 && exec.uid >= 0`,
	"truth", `exec.file.in_upper_layer && exec.uid >= 0`,
	"untruth", `exec.is_thread == false && exec.comm == "sh"`,
	"something", `container.id != "" && exec.uid >= 0`,
	"nothing", `container.id == "" && exec.comm == "ls"`,
	"denied", `!(exec.comm != "sh" || exec.uid == 1)`,
	"denied2", `!(exec.comm == "sh" && exec.uid == 1)`,
	"regexp", `exec.comm in [r"^\[.*\]$"]`,
	"fields", `exec.comm == process.parent.comm`,
	"number", `exec.uid in [1, 2] || exec.gid == 3`,
	"age", `exec.created_at < 1s && exec.comm == "sh"`,
)

// TestTheIndexLosesNoMatch compares the rules that are found through the index
// with a plain evaluation of all of them, over drawn events.
func TestTheIndexLosesNoMatch(t *testing.T) {
	b := load(t, indexed).For("exec")
	if b.Indexed() < 14 {
		t.Errorf("only %d of %d rules are indexed", b.Indexed(), len(b.Rules))
	}
	holdsIndex(t, b, "exec", 12)
}

// TestTheIndexLosesNoMatchOfTheDefaultPolicy does the same with the rules that
// ship with the language's origin.
func TestTheIndexLosesNoMatchOfTheDefaultPolicy(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "conformance/secl_default.policy"))
	if err != nil {
		t.Fatal(err)
	}
	set := load(t, string(text))
	for kind, least := range map[string]int{"exec": 4, "open": 1} {
		t.Run(kind, func(t *testing.T) { holdsIndex(t, set.For(kind), kind, least) })
	}
}

func holdsIndex(t *testing.T, b *Bucket, kind string, least int) {
	t.Helper()
	found := map[string]bool{}
	paths := []string{"", "/usr/bin/sh", "/usr/sbin/sh", "/tmp/x/y", "/etc/passwd", "/root/.ssh/id_rsa", "/usr/bin/curl", "/dev/shm/a", "/bin/bash"}
	words := []string{"", "sh", "bash", "ls", "zsh", "-c", "abc", "init", "[kworker]", "x", "zz", "curl", "-i", "java", "sshd", "git", "clone", "--recursive"}
	rapid.Check(t, func(t *rapid.T) {
		process := func() *event.Process {
			p := &event.Process{
				PID: rapid.Int64Range(0, 3).Draw(t, "pid"), UID: rapid.Int64Range(0, 3).Draw(t, "uid"), GID: rapid.Int64Range(0, 3).Draw(t, "gid"),
				Comm: rapid.SampledFrom(words).Draw(t, "comm"), IsThread: rapid.Bool().Draw(t, "thread"),
				CreatedAt: rapid.Int64Range(0, 2e9).Draw(t, "created"), TTY: rapid.SampledFrom([]string{"", "pts0"}).Draw(t, "tty"),
			}
			p.SetArgv(rapid.SliceOfN(rapid.SampledFrom(words), 0, 4).Draw(t, "argv"))
			p.File.SetPath(rapid.SampledFrom(paths).Draw(t, "path"))
			p.File.Mode = int64(rapid.SampledFrom([]int{0, 0o755, 0o4755}).Draw(t, "mode"))
			p.File.InUpperLayer = rapid.Bool().Draw(t, "upper")
			if rapid.IntRange(0, 5).Draw(t, "link") == 0 {
				p.SymlinkPath, p.SymlinkName = "/usr/bin/sh", "sh"
			}
			return p
		}
		e := &event.Event{Type: kind, Process: process(), Origin: "ebpf"}
		e.Process.Parent = process()
		e.Process.Parent.Parent = process()
		e.Container.ID = rapid.SampledFrom([]string{"", "c1"}).Draw(t, "container")
		e.File.SetPath(rapid.SampledFrom(paths).Draw(t, "file"))
		e.Open.Flags = int64(rapid.SampledFrom([]int{0, 1, 2, 64, 578}).Draw(t, "flags"))
		c := &secl.Context{Event: e, Now: 2e9}
		b.narrow(c)
		for i, r := range b.Rules {
			if !r.Matches(c) {
				continue
			}
			if found[r.ID] = true; b.candidates[i/64]&(1<<(i%64)) == 0 {
				t.Fatalf("rule %s matches, and the index does not find it: %s", r.ID, r.Text)
			}
		}
	})
	if len(found) < least {
		t.Errorf("only %d rules ever matched: the events tell little", len(found))
	}
}

// TestRulesAreEvaluatedInTheirOrderAndSeeWhatEarlierOnesSet holds the order of a
// bucket: contexts of executions, then default policies, then priorities.
func TestRulesAreEvaluatedInTheirOrderAndSeeWhatEarlierOnesSet(t *testing.T) {
	b := load(t, `
rules:
  - {id: low, expression: 'exec.comm == "sh" && "${seen}" == "yes"'}
  - {id: high, priority: 5, expression: exec.comm == "sh"}
  - id: context
    tags: {execution_context: "true"}
    expression: exec.comm == "sh"
    actions: [{set: {name: seen, value: "yes"}}]
`).For("exec")
	c := &secl.Context{Event: &event.Event{Type: "exec", Process: &event.Process{Comm: "sh"}}}
	if got, want := matches(b, c), []string{"context", "high", "low"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestALimitLetsOneMatchThroughInEveryInterval holds every and limiter_token.
func TestALimitLetsOneMatchThroughInEveryInterval(t *testing.T) {
	b := load(t, `
rules:
  - {id: limited, expression: exec.comm != "", every: 10s, limiter_token: [exec.comm]}
  - {id: silent, expression: exec.comm != "", silent: true}
`).For("exec")
	var told []string
	for _, step := range []struct {
		second int64
		comm   string
	}{{0, "a"}, {5, "a"}, {6, "b"}, {10, "a"}, {12, "b"}} {
		c := &secl.Context{Event: &event.Event{Type: "exec", Process: &event.Process{Comm: step.comm}}, Now: step.second * 1e9}
		b.Evaluate(c, func(r *Rule, report bool) {
			if report {
				told = append(told, fmt.Sprintf("%s:%s@%d", r.ID, step.comm, step.second))
			}
		})
	}
	if got, want := strings.Join(told, " "), "limited:a@0 limited:b@6 limited:a@10"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestEvaluatingABenignEventAllocatesNothing holds it for a whole rule set.
func TestEvaluatingABenignEventAllocatesNothing(t *testing.T) {
	b := load(t, indexed).For("exec")
	p := &event.Process{Comm: "true", UID: 9, GID: 9, IsThread: true, Parent: &event.Process{Comm: "su", PID: 7}}
	p.SetArgv([]string{"true", "--help"})
	p.File.SetPath("/bin/true")
	c := &secl.Context{Event: &event.Event{Type: "exec", Process: p}, Now: 1e12}
	found := 0
	count := func(r *Rule, _ bool) {
		if r.ID != "denied2" { // which matches nearly everything
			found++
		}
	}
	b.Evaluate(c, count)
	if n := testing.AllocsPerRun(100, func() { b.Evaluate(c, count) }); n != 0 || found != 0 {
		t.Errorf("%v allocations, %d matches", n, found)
	}
}

// TestAFolderIsDiscardedWhereNoRuleLooks holds discarders of whole folders.
func TestAFolderIsDiscardedWhereNoRuleLooks(t *testing.T) {
	b := load(t, `
rules:
  - {id: a, expression: 'open.file.path in [~"/etc/*", "/var/log/wtmp"]'}
  - {id: b, expression: 'open.file.path =~ "/usr/**" && open.flags & O_WRONLY > 0'}
`).For("open")
	for folder, want := range map[string]bool{"/tmp": true, "/etc": false, "/var": false, "/var/lib": true, "/usr/lib/x": false, "/home/a/b": true} {
		if got := b.DiscardsUnder("open.file.path", folder); got != want {
			t.Errorf("%s: got %t, want %t", folder, got, want)
		}
	}
}
