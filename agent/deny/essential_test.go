package deny

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"nightjar/secl/policy"
)

// TestWhatALoginNeedsIsNotDenied holds that a careless rule does not lock everybody out
// who could mend it; its author can ask for it all the same.
func TestWhatALoginNeedsIsNotDenied(t *testing.T) {
	for expression, want := range map[string]string{
		`exec.file.path in ["/usr/bin/bash", "/bin/sh", "/tmp/bash", "/usr/bin/xmrig"]`: "/tmp/bash /usr/bin/xmrig",
		`open.file.path in ["/etc/passwd", "/etc/passwd2", "/dev/null"]`:                "/etc/passwd2",
		`open.file.path == "/usr/lib/x86_64-linux-gnu/libc.so.6"`:                       "",
		`open.file.path == "/lib64/ld-linux-x86-64.so.2"`:                               "",
		`open.file.path == "/etc/shadow"`:                                               "/etc/shadow",
		`exec.file.path == "/usr/bin/sudo"`:                                             "",
	} {
		for more, all := range map[string]bool{"": false, ", disable_executable_disarmer: true": true} {
			rules := loaded(t, "version: 1.0.0\nrules:\n- id: r\n  expression: '"+expression+"'\n  actions: [{kill: {signal: SIGKILL"+more+"}}]\n")
			got := strings.Join(Foreseen(rules[0]), " ")
			if !all && got != want {
				t.Errorf("%s: %q is denied, want %q", expression, got, want)
			}
			if all && len(got) <= len(want) && got != "/etc/shadow" {
				t.Errorf("%s: %q is denied, though its author wants all", expression, got)
			}
		}
	}
}

// TestAProtectedProgramThatIsReplacedIsNotDenied holds that an update of a protected
// program, which gives it another inode, does not keep it from running for a moment.
func TestAProtectedProgramThatIsReplacedIsNotDenied(t *testing.T) {
	at := program(t, "guarded")
	g := guard(t, "r: exec.file.path == \""+at+"\"", func(o *Options) {
		o.Protected = func() []string { return []string{at} }
		o.Protects = func(path string) bool { return path == at }
	})
	for range 2 {
		if out, err := work("run", at).Output(); err != nil || strings.TrimSpace(string(out)) != "done ran" {
			t.Errorf("%q, %v", out, err)
		}
		text, err := os.ReadFile(at)
		if err == nil {
			err = os.WriteFile(at+".new", text, 0o755)
		}
		if err == nil {
			err = os.Rename(at+".new", at)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Replace(rulesOf(t, "r: exec.file.path == \""+at+"\"")); err != nil { // which looks it up
			t.Fatal(err)
		}
	}
	if o := g.Outlook(); len(o) != 1 || o[0].By != "" || o[0].Mode != policy.Blocking || !strings.Contains(o[0].Text(), "it is a protected program") {
		t.Errorf("%+v", o)
	}
}

// TestAFilterNeverCutsTheAgentOff holds which control groups have the agent's among
// them.
func TestAFilterNeverCutsTheAgentOff(t *testing.T) {
	for _, c := range []struct {
		group, own string
		want       bool
	}{{"/a", "/a", true}, {"/a", "/a/b", true}, {"/a", "/ab", false}, {"/a/b", "/a", false}, {"/a", "/", false}} {
		if got := encloses(c.group, c.own); got != c.want {
			t.Errorf("%s has %s: %v", c.group, c.own, got)
		}
	}
}

// TestAFilterIsOfTheProcessThatWasMeant holds that a pid that another process has by now
// gives no filter of that one's control group.
func TestAFilterIsOfTheProcessThatWasMeant(t *testing.T) {
	needEBPF(t)
	k := startTalker(t, childGroup(t), 0)
	o := k.drop("udp port 4444", true)
	const second = 1_000_000_000
	o.Start -= second
	var d Dropper
	defer d.Close()
	for _, group := range []bool{true, false} {
		o.Group = group
		if err := d.Add(o); !errors.Is(err, ErrGone) || len(d.List()) != 0 {
			t.Errorf("%v, %+v", err, d.List())
		}
	}
}

// TestControlGroupsThatAreGoneLeaveRoom holds that filters of containers that have ended
// do not keep others out.
func TestControlGroupsThatAreGoneLeaveRoom(t *testing.T) {
	needEBPF(t)
	d := Dropper{active: map[dropKey]*activeDrop{}}
	defer d.Close()
	for i := range maxDrops {
		d.active[dropKey{group: fmt.Sprint("/gone-", i)}] = &activeDrop{objects: &ebpf.Collection{}}
	}
	k := startTalker(t, childGroup(t), 0)
	if err := d.Add(k.drop("udp port 4444", true)); err != nil || len(d.List()) != 1 {
		t.Errorf("%v, %d filters", err, len(d.List()))
	}
}
