package respond

import (
	"slices"
	"testing"

	"nightjar/secl/policy"
)

// TestOnlyTheFileReducesARule holds which paths and names the kernel may decide for a
// rule: a further condition, a pattern, a denial or a register leaves the decision to the
// rule's match, and so does an action with a condition of its own.
func TestOnlyTheFileReducesARule(t *testing.T) {
	for text, want := range map[string][]string{
		`exec.file.path == "/a/b"`:                                                    {"/a/b"},
		`exec.file.path in ["/a/b", "/c"]`:                                            {"/a/b", "/c"},
		`process.file.path == "/a/b" && exec.file.name != ""`:                         {"/a/b"},
		`exec.file.path in ["/a", ~"/b/*"]`:                                           {"/a"},
		`exec.file.path in ["/a", "/b"] && exec.file.path != "/b"`:                    {"/a"},
		`exec.file.path == "/a" || exec.argv in ["x"]`:                                {"/a"},
		`exec.file.path == "/a" || (exec.file.path == "/b" && exec.uid == 0)`:         {"/a"},
		`exec.file.path == "/a/b" && exec.file.name == "b"`:                           {"/a/b"},
		`exec.file.path == "/a/b" && exec.file.name == "c"`:                           nil,
		`exec.file.name in ["xmrig", "minerd"]`:                                       {"xmrig", "minerd"},
		`exec.file.name == "xmrig" && exec.file.path != "/opt/xmrig"`:                 nil,
		`exec.file.name == "xmrig" && exec.file.path in ["/opt/xmrig", "/usr/xmrig"]`: {"/opt/xmrig", "/usr/xmrig"},
		`exec.file.name == "xmrig" && exec.uid != 0`:                                  nil,
		`exec.file.name == ~"xm*"`:                                                    nil,
		`exec.file.path == "/a" && exec.uid == 0`:                                     nil,
		`exec.file.path == "/a" && process.parent.file.path != "/b"`:                  nil,
		`exec.file.path == "/a" && process.ancestors.file.path != "/b"`:               nil,
		`exec.file.path == "/a" && process.ancestors[A].file.path != "/b"`:            nil,
		`exec.file.path != "/a"`:                                                      nil,
		`!(exec.file.path == "/a")`:                                                   nil,
		`exec.file.path not in ["/a"]`:                                                nil,
		`exec.file.path == ~"/a*"`:                                                    nil,
		`process.file.path == "/a" && exec.comm == "a"`:                               nil,
		`exec.file.path == "/a" && process.parent.pid != 1 || exec.file.path == "/a"`: {"/a"},
		`open.file.path == "/a"`:                                                      nil,
		`exec.file.path == "/a" && ${process.pid} == 7`:                               nil,
		`exec.file.path == "/a" && exec.container.id != ""`:                           nil,
		`exec.file.path == "/a" && exec.args_flags in ["x"]`:                          nil,
		`exec.file.path == "/a" && process.created_at > 5s`:                           nil,
	} {
		set := rulesOf(t, policy.Blocking, rule("r", text, kill))
		r, err := set.Find("r")
		if err != nil {
			t.Fatal(err)
		}
		if _, got := atExec(r); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for what, set := range map[string]string{
		"an action with a condition":     rule("r", `exec.file.path == "/a"`, `{kill: {signal: SIGKILL}, filter: "exec.uid == 0"}`),
		"a dump of the memory beside it": rule("r", `exec.file.path == "/a"`, `{kill: {signal: SIGKILL}}, {coredump: {process: true}}`),
		"no kill":                        rule("r", `exec.file.path == "/a"`, `{log: {level: info, message: m}}`),
	} {
		r, err := rulesOf(t, policy.Blocking, set).Find("r")
		if err != nil {
			t.Fatal(err)
		}
		if def, got := atExec(r); len(got) != 0 && def != nil {
			t.Errorf("%s: %q", what, got)
		}
	}
	r, _ := rulesOf(t, policy.Monitoring, rule("r", `exec.file.path == "/a"`, kill)).Find("r")
	if _, got := atExec(r); got != nil {
		t.Errorf("in a monitoring policy: %q", got)
	}
}
