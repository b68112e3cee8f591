package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/content"
	"nightjar/content/demo"
	"nightjar/engine"
)

// demoExample is something that an agent sees, and the rule that makes a signal of
// it.
type demoExample struct {
	rule    string // in content
	program string // the name under which this program is started; or the path of another one
	args    []string
}

// demoExamples are harmless: nothing but the names and arguments is of an attack.
var demoExamples = []demoExample{
	{rule: "rules/agent-shell-from-web-server.json", program: "php", args: []string{demoProgram, "sh", "-c", "true"}},
	{rule: "rules/agent-cryptominer.json", program: "kworker", args: []string{demoProgram, "", "-o", "stratum+tcp://pool.invalid:3333", "--donate-level=1"}},
	{rule: "rules/agent-password-changed.json", program: "/usr/bin/passwd", args: []string{"--help"}},
}

// errNotWatched is of a host whose events no agent sees. Why was said.
var errNotWatched = errors.New("no agent watches this host")

// runAgentDemo does what an attacker would, as far as an agent sees it, and shows
// the signals.
func runAgentDemo(ctx context.Context, e engine.Running) error {
	if !e.AwaitAgent(ctx, demoWait) {
		return errNotWatched
	}
	cl := clientOf(e)
	dir, err := os.MkdirTemp(e.DataDir, "demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var rules []string
	for _, x := range demoExamples {
		if _, err := os.Stat(x.program); filepath.IsAbs(x.program) && err != nil {
			continue
		}
		rule, err := createBundled(ctx, cl, x.rule)
		if err != nil {
			return err
		}
		rules = append(rules, rule.ID)
		if err := x.run(ctx, dir); err != nil {
			return fmt.Errorf("set off %s: %w", x.rule, err)
		}
	}
	fmt.Fprintf(os.Stderr, "\nAn agent watches this host. A copy of this program, called php, has just started a\nshell; another one had the arguments of a cryptominer. Waiting for the signals …\n\n")
	var found []json.RawMessage
	for _, id := range rules {
		signal, err := awaitSignal(ctx, cl, "@nightjar.rule_id:"+id+" -"+demo.Tag) // the demo's day has such ones, too
		if err != nil {
			return err
		}
		found = append(found, signal)
	}
	return showSignals(found)
}

// bundledRule is a rule that ships, as it was created.
type bundledRule struct{ ID, Name string }

// createBundled is a rule that ships: the one of its name, else it is created.
func createBundled(ctx context.Context, cl *client, file string) (created bundledRule, err error) {
	text, err := content.Files.ReadFile(file)
	if err != nil {
		return created, err
	}
	if err := json.Unmarshal(text, &created); err != nil {
		return created, fmt.Errorf("bundled rule %s: %w", file, err)
	}
	there, err := listRules(ctx, cl, "")
	if err != nil {
		return created, err
	}
	for _, r := range there {
		if r.name == created.Name {
			return bundledRule{ID: r.id, Name: r.name}, nil
		}
	}
	err = cl.do(ctx, http.MethodPost, "/api/v2/security_monitoring/rules", nil, text, &created)
	return created, err
}

// run starts the example's program in dir.
func (x demoExample) run(ctx context.Context, dir string) error {
	path := x.program
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, x.program)
		if err := copyProgram(path); err != nil {
			return err
		}
	}
	out, err := exec.CommandContext(ctx, path, x.args...).CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return err
}

// copyProgram makes this program known under another path: a link where that is on
// the same file system.
func copyProgram(to string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if os.Link(self, to) == nil {
		return nil
	}
	in, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// demoProgram is the command that the demo's programs run.
const demoProgram = "demo-program"

// newDemoProgram starts what its first argument names with the others, or nothing.
func newDemoProgram() *cobra.Command {
	return &cobra.Command{
		Use: demoProgram + " PROGRAM ARGUMENTS…", Short: "Start a program, or with an empty name none", Example: "  nightjar " + demoProgram + " sh -c true",
		Hidden: true, DisableFlagParsing: true, Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] == "" {
				return nil
			}
			return exec.CommandContext(c.Context(), args[0], args[1:]...).Run()
		},
	}
}
