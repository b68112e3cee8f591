package cli

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// asProgram is the variable with which the binary of the tests is the program.
const asProgram = "NIGHTJAR_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Main("dev"))
	}
	os.Exit(m.Run())
}

// eachCommand calls use with every command of the tree that people are shown.
func eachCommand(c *cobra.Command, use func(c *cobra.Command, path []string)) {
	var walk func(c *cobra.Command, path []string)
	walk = func(c *cobra.Command, path []string) {
		use(c, path)
		for _, sub := range c.Commands() {
			if sub.Name() != "help" && !sub.Hidden { // those are the program's own
				walk(sub, append(slices.Clone(path), sub.Name()))
			}
		}
	}
	walk(c, nil)
}

// TestEveryCommandKeepsTheCustoms runs every command of the tree in the ways that
// must be alike: help on standard output with an example, and exit 2 with a word
// about help for a flag or an output format that there is not.
func TestEveryCommandKeepsTheCustoms(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (stdout, stderr string, code int) {
		cmd := exec.Command(self, args...)
		cmd.Env = append(os.Environ(), asProgram+"=1")
		cmd.Dir = t.TempDir()
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return out.String(), errs.String(), cmd.ProcessState.ExitCode()
	}
	seen := 0
	eachCommand(newRoot(), func(c *cobra.Command, args []string) {
		seen++
		name := strings.TrimSpace("nightjar " + strings.Join(args, " "))
		stdout, stderr, code := run(append(args, "--help")...)
		if code != exitOK || stderr != "" || !strings.Contains(stdout, "Usage:") || !strings.Contains(stdout, "Examples:\n") || !strings.Contains(c.Example, name) {
			t.Errorf("%s --help: exit %d\n%s%s", name, code, stdout, stderr)
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: its short help is %q", name, c.Short)
		}
		for line := range strings.Lines(c.Example) {
			if line = strings.TrimSpace(line); len(args) > 0 && !c.HasSubCommands() && !strings.Contains(line, strings.Join(args, " ")) && !exampleOfAnother(line) {
				t.Errorf("%s: the example %q is of another command", name, line)
			}
		}
		wrong := [][]string{{"--no-such-flag"}}
		if c.Flags().Lookup("output") != nil {
			wrong = append(wrong, []string{"--output", "no-such-format"})
		}
		if c.HasSubCommands() {
			wrong = append(wrong, []string{"no-such-command"})
		}
		for _, w := range wrong {
			stdout, stderr, code := run(append(args, w...)...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, "--help") || !strings.HasPrefix(stderr, "nightjar: ") {
				t.Errorf("%s %v: exit %d, want %d\n%s%s", name, w, code, exitUsage, stdout, stderr)
			}
		}
	})
	if seen < 50 {
		t.Errorf("walked %d commands, want all of them", seen)
	}
}

// exampleOfAnother reports whether a line of an example shows what goes before or
// after the command.
func exampleOfAnother(line string) bool {
	return strings.HasPrefix(line, "nightjar up") || strings.Contains(line, " history ") || strings.HasPrefix(line, "NIGHTJAR_")
}

// TestFlagsOfOneNameMeanOneThing: a flag has one meaning and one form, whichever
// command takes it.
func TestFlagsOfOneNameMeanOneThing(t *testing.T) {
	types := map[string]string{}
	eachCommand(newRoot(), func(c *cobra.Command, path []string) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Hidden {
				return
			}
			where := strings.Join(path, " ")
			switch {
			case f.Name == "format" || f.Name == "json" || f.Name == "csv" && where != "anomaly score":
				t.Errorf("%s: --%s; the format of output is --output", where, f.Name)
			case f.Name == "from" || f.Name == "since" || f.Name == "until" || f.Name == "at":
				if f.Name == "since" || !strings.Contains(f.Usage, "-7d") {
					t.Errorf("%s: --%s %q is not read as every other time", where, f.Name, f.Usage)
				}
			case f.Name == "signal-output":
			case f.Name == "output" && !strings.Contains(f.Usage, "json"):
				t.Errorf("%s: --output %q has no json", where, f.Usage)
			}
			if before, known := types[f.Name]; known && before != f.Value.Type() && !slices.Contains([]string{"rule", "wait", "events"}, f.Name) {
				t.Errorf("%s: --%s is a %s, elsewhere a %s", where, f.Name, f.Value.Type(), before)
			}
			types[f.Name] = f.Value.Type()
		})
	})
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	for _, c := range append(newRoot().Commands(), newSignals().Commands()...) {
		if c.Short == "" || c.Example == "" {
			t.Errorf("%s: has no help or no example", c.CommandPath())
		}
	}
}
