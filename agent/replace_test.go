package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent/bpf"
	"nightjar/secl/policy"
)

func init() {
	// Opens FOLDER/n/even or FOLDER/n/odd, which are not there, for every n from 0 on until
	// there is a file FOLDER/end, and says how many that were.
	works["numbered"] = func(a []string) error {
		for n := 0; ; n++ {
			if fd, err := unix.Open(fmt.Sprintf("%s/%d/%s", a[0], n, []string{"even", "odd"}[n%2]), unix.O_RDONLY, 0); err == nil {
				return unix.Close(fd)
			}
			if n%4 != 0 {
				continue
			}
			time.Sleep(time.Millisecond)
			if unix.Access(a[0]+"/end", unix.F_OK) == nil {
				fmt.Println(n + 1)
				return nil
			}
		}
	}
}

func init() {
	works["move"] = func(a []string) error { return os.Rename(a[0], a[0]) }
}

// numberOf is the number in FOLDER/n/odd.
func numberOf(t *testing.T, path string) int {
	t.Helper()
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
	if err != nil {
		t.Errorf("the path is %q", path)
	}
	return n
}

// marked makes a file.
func marked(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "marked")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// replace brings rules into force.
func (w *watched) replace(rules string) {
	w.t.Helper()
	if err := w.agent.Replace(w.t.Context(), []*policy.Policy{policyOf(w.t, rules)}, nil); err != nil {
		w.t.Fatal(err)
	}
}

// Policies that have the kernel filter differently are exchanged all the time under a
// stream of numbered events, of which some want the even ones, some the odd ones and some
// both: each event that is wanted before and after is matched once, and where one kind is
// wanted before and the other after, they follow each other.
func TestWhilePoliciesAreReplacedEveryEventIsEvaluatedOnce(t *testing.T) {
	folder := t.TempDir()
	at := ` && open.file.path =~ "` + folder + `/**"`
	sets := []string{ // types of events come and go
		`even: open.file.name == "even"` + at,
		`odd: open.file.name == "odd"` + at + "\nmode: chmod.file.name == \"no-such\"\nkeys: mprotect.req_protection & PROT_EXEC > 0 && process.file.name == \"no-such\"",
		`listed: open.file.name in ["even", "odd"]` + at,
		`even: open.file.name == "even"` + at,
		"pattern: open.file.path =~ \"" + folder + "/**\"\ngone: unlink.file.name == \"no-such\"\nlinks: rmdir.file.name == \"no-such\"",
		`odd: open.file.name == "odd"` + at + "\nflags: open.flags & O_CREAT > 0 && open.file.name == \"no-such\"\nask: dns.question.name == \"no-such\"",
	}
	type matched struct {
		number int
		rule   string
	}
	var matches []matched // of the goroutine that reads the ring, until it has ended
	w := watch(t, sets[0], func(_ *Config, w *watched) {
		w.keep = func(m *Match) bool {
			matches = append(matches, matched{numberOf(t, m.Event.File.Path), m.Rule.ID})
			return false
		}
	})
	c := work("numbered", folder)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	const times = 13
	for i := range times {
		w.replace(sets[(i+1)%len(sets)])
		time.Sleep(50 * time.Millisecond)
	}
	if err := os.WriteFile(folder+"/end", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var events int
	if _, err := fmt.Fscan(out, &events); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	w.stop()
	w.adds()
	by := map[string]int{}
	half := map[string]bool{"even": true, "odd": true}
	before := matched{number: -1, rule: "even"}
	for _, m := range append(matches, matched{events, "even"}) {
		by[m.rule]++
		// One that only the other wants may stand on either side of an exchange.
		missed := 0
		for i, rule := range []string{before.rule, m.rule} {
			if half[rule] && (i == 0 || rule != before.rule) {
				missed++
			}
		}
		if got := m.number - before.number - 1; got < 0 || got > missed {
			t.Errorf("after event %d (%s) came %d (%s); lost were %v", before.number, before.rule, m.number, m.rule, w.last.Lost)
		}
		before = m
	}
	for _, rule := range []string{"even", "odd", "listed", "pattern"} {
		if by[rule] < 10 {
			t.Errorf("rule %s was in force for %d events of %d exchanges", rule, by[rule], times)
		}
	}
	t.Logf("%d events, %d exchanges: %v", events, times, by)
}

func TestTypesOfEventsComeAndGoWithTheirRules(t *testing.T) {
	file := marked(t)
	w := watch(t, `open: open.file.path == "`+file+`"`)
	do(t, "move", file)
	w.replace(`rename: rename.file.path == "` + file + `"`)
	w.one("rename", do(t, "move", file))
	w.replace(`open: open.file.path == "` + file + `"`)
	pid := do(t, "move", file)
	w.one("open", do(t, "open", file))
	if len(w.of("rename", pid)) > 0 {
		t.Error("a rule that is not in force any more has matched")
	}
	if err := w.agent.between(t.Context(), func() {}); err != nil {
		t.Fatal(err)
	}
	for _, h := range w.agent.probe.Hooks() {
		if h.Name == "lsm_rename" {
			t.Errorf("hooks of renames are still there: %+v", h)
		}
	}
}

// The kernel holds a folder back, in which nothing can match; then rules come that match
// there.
func TestAFolderThatWasHeldBackIsSeenByOtherRules(t *testing.T) {
	dir := t.TempDir()
	for i := range 10 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("job", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := watch(t, `other: open.file.path =~ "`+dir+`-other/*"`)
	held := func() uint64 {
		c, err := w.agent.probe.Counts()
		if err != nil {
			t.Fatal(err)
		}
		return c[bpf.TypeOf("open")][bpf.Filtered]
	}
	before := held()
	for range 100 {
		do(t, "read-folder", dir)
		if held()-before > 1000 {
			break
		}
	}
	if held()-before <= 1000 {
		t.Fatal("the folder is not held back")
	}
	w.replace(`job: open.file.path =~ "` + dir + `/*"`)
	w.one("job", do(t, "open", filepath.Join(dir, "job3")))
}

// policyText is a policy of YAML.
func policyText(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, problems := policy.Read("test.policy", []byte(text))
	for _, problem := range problems {
		t.Fatal(problem)
	}
	return p
}

func TestVariablesKeepTheirValuesOverAReplacement(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"set", "ask"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := func(id string) string {
		return fmt.Sprintf(`version: 1.0.0
rules:
- id: set
  expression: open.file.path == "%[1]s/set"
  actions:
  - set: {name: was_set, value: true, scope: process}
  - set: {name: names, value: here, append: true}
- id: %[2]s
  expression: open.file.path == "%[1]s/ask" && "here" in ${names}
`, folder, id)
	}
	needEBPF(t)
	w := watch(t, "", func(c *Config, _ *watched) { c.Policies = []*policy.Policy{policyText(t, text("first"))} })
	if pid := do(t, "open", folder+"/ask"); len(w.of("first", pid)) > 0 {
		t.Error("the variable is set before anybody set it")
	}
	w.one("set", do(t, "open", folder+"/set"))
	if err := w.agent.Replace(t.Context(), []*policy.Policy{policyText(t, text("second"))}, nil); err != nil {
		t.Fatal(err)
	}
	w.one("second", do(t, "open", folder+"/ask"))
}

func TestPoliciesThatDoNotCheckAreRefusedWhole(t *testing.T) {
	file := marked(t)
	w := watch(t, `old: open.file.path == "`+file+`"`)
	wrong, problems := policy.Read("wrong.policy", []byte("version: 1.0.0\nrules:\n- id: good\n  expression: open.file.path == \""+file+"\"\n- id: bad\n  expression: open.file.nmae == \"x\"\n"))
	var refused *PoliciesError
	if err := w.agent.Replace(t.Context(), []*policy.Policy{wrong}, problems); !errors.As(err, &refused) || !strings.Contains(err.Error(), "nmae") {
		t.Errorf("got %v", err)
	}
	w.one("old", do(t, "open", file))
	if len(w.of("good", 0)) > 0 {
		t.Error("a rule of policies that were refused is in force")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.stop()
	if err := w.agent.Replace(ctx, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("of an agent that has ended: %v", err)
	}
}
