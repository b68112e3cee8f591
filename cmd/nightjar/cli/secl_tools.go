package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/engine"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/lint"
	"nightjar/secl/policy"
	"nightjar/secl/testcase"
)

func newSECLLint() *cobra.Command {
	var flags policyFlags
	c := &cobra.Command{
		Use:   "lint FILE…",
		Short: "Find what is legal in a policy and hardly meant",
		Long: `Finds texts with a star that are no patterns and never match, && beside ||
without parentheses (with the reading taken), rules because of which the kernel
has to send every event, conditions that can't hold or add nothing, and members
that stand in a list twice. The exit code is 1 if there is any. What will happen
because of each action of a rule is told on standard error.`,
		Example: `  nightjar secl lint custom.policy
  nightjar secl lint --output json custom.policy`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			set, problems, err := flags.load(args)
			if err != nil {
				return err
			}
			for _, p := range problems {
				fmt.Fprintln(os.Stderr, p.Error())
			}
			findings := lint.Lint(set, event.DearFilters)
			writeOutlook(os.Stderr, outlookOf(set))
			return printFindings(c, findings)
		},
	}
	addOutput(c, textFormats...)
	flags.add(c)
	return c
}

func printFindings(c *cobra.Command, findings []lint.Finding) error {
	type line struct {
		File    string     `json:"file"`
		Line    int        `json:"line"`
		Kind    string     `json:"kind"`
		ID      string     `json:"id"`
		Check   lint.Check `json:"check"`
		Message string     `json:"message"`
		ExprAt  [2]int     `json:"expression_place"`
	}
	lines := []line{}
	for _, f := range findings {
		lines = append(lines, line{File: f.Where.File, Line: f.Where.Line, Kind: f.Kind, ID: f.ID, Check: f.Check, Message: f.Message, ExprAt: [2]int{f.Line, f.Column}})
	}
	found := result{data: lines, text: func(w io.Writer) error {
		for _, f := range findings {
			fmt.Fprintln(w, f)
		}
		return nil
	}}
	if err := found.print(c); err != nil {
		return err
	}
	if len(findings) > 0 {
		return fmt.Errorf("%d findings", len(findings))
	}
	return nil
}

func newSECLTest() *cobra.Command {
	c := &cobra.Command{
		Use:   "test FILE…",
		Short: "Run tests of policies: events, and the rules that are to match",
		Long: `Runs files of tests, in YAML or JSON. A test is a list of steps, each with an
event and the ids of the rules that match it, or a recording (events: {file: …},
as nightjar agent record writes it) and how often each rule matches in it;
variables live from step to step.
The format is described in secl/README.md. The exit code is 1 if any test fails.`,
		Example: "  nightjar secl test rules_test.yaml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			all, tests := []testcase.Failure{}, 0
			for _, path := range args {
				failures, n, err := runTests(path)
				if err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				all, tests = append(all, failures...), tests+n
			}
			return printTests(c, all, tests)
		},
	}
	addOutput(c, textFormats...)
	return c
}

// runTests runs one file of tests. The policies it names lie beside it.
func runTests(path string) ([]testcase.Failure, int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	file, err := testcase.Read(text)
	if err != nil {
		return nil, 0, err
	}
	beside := func(names []string) []string {
		out := make([]string, len(names))
		for i, name := range names {
			if out[i] = name; !filepath.IsAbs(name) {
				out[i] = filepath.Join(filepath.Dir(path), name)
			}
		}
		return out
	}
	policies, problems, err := readPolicies(beside(file.Policies), beside(file.Defaults))
	if err != nil {
		return nil, 0, err
	}
	for _, p := range problems {
		return nil, 0, p
	}
	failures, err := file.Run(policies, func(name string) (io.ReadCloser, error) { return os.Open(beside([]string{name})[0]) })
	return failures, len(file.Tests), err
}

func printTests(c *cobra.Command, failures []testcase.Failure, tests int) error {
	told := result{data: failures, text: func(w io.Writer) error {
		for _, f := range failures {
			fmt.Fprintf(w, "%s, step %d: %s\n", f.Test, f.Step, f.Message)
		}
		return nil
	}}
	if err := told.print(c); err != nil {
		return err
	}
	failed := map[string]bool{}
	for _, f := range failures {
		failed[f.Test] = true
	}
	fmt.Fprintf(os.Stderr, "%d of %d tests pass\n", tests-len(failed), tests)
	if len(failed) > 0 {
		return fmt.Errorf("%d tests fail", len(failed))
	}
	return nil
}

func newSECLExplain() *cobra.Command {
	var flags policyFlags
	var policies []string
	c := &cobra.Command{
		Use:   "explain RULE EVENT",
		Short: "Show why a rule does or does not match an event",
		Long: `Evaluates every part of a rule over an event and shows the value that it had.
RULE is the id of a rule of the policies, or a condition. EVENT is a file with one
event in JSON: its type, and fields by their names.`,
		Example: `  nightjar secl explain --policy custom.policy shell_in_container event.json
  nightjar secl explain 'exec.file.name == "sh" && container.id != ""' event.json`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			set, _, err := flags.load(policies)
			if err != nil {
				return err
			}
			rule, err := ruleOf(set, args[0])
			if err != nil {
				return err
			}
			text, err := os.ReadFile(args[1])
			if err != nil {
				return err
			}
			now := engine.Now().UnixNano()
			e, err := event.Decode(text, now)
			if err != nil {
				return fmt.Errorf("%s: %w", args[1], err)
			}
			if rule.Event() != "" && rule.Event() != e.Type {
				return fmt.Errorf("the rule is about %s events, and this is one of type %s", rule.Event(), e.Type)
			}
			return printExplanation(c, secl.Explain(rule, &secl.Context{Event: e, Now: now}))
		},
	}
	addOutput(c, textFormats...)
	flags.add(c)
	c.Flags().StringArrayVar(&policies, "policy", nil, "a policy to find the rule in")
	return c
}

// ruleOf finds a rule by its id, or reads a condition.
func ruleOf(set *policy.Set, text string) (*secl.Rule, error) {
	for _, r := range set.Rules {
		if r.ID == text {
			return r.Rule, nil
		}
	}
	rule, err := secl.Check(text, set.Env)
	if err == nil {
		return rule, nil
	}
	if !strings.ContainsAny(text, " =") {
		return nil, fmt.Errorf("no rule has the id %q", text)
	}
	return nil, errors.New("the condition is wrong:\n" + err.Error())
}

func printExplanation(c *cobra.Command, why secl.Explanation) error {
	type line struct {
		Depth int    `json:"depth"`
		Text  string `json:"text"`
		Macro string `json:"macro,omitempty"`
		Type  string `json:"type"`
		Value any    `json:"value"`
	}
	steps := []line{}
	for _, s := range why.Steps {
		steps = append(steps, line{Depth: s.Depth, Text: s.Text, Macro: s.Macro, Type: s.Type.String(), Value: secl.Printable(s.Value)})
	}
	out := map[string]any{"match": why.Match, "steps": steps}
	if why.Element >= 0 {
		out["element"] = why.Element
	}
	return result{data: out, text: func(w io.Writer) error { return writeExplanation(w, why) }}.print(c)
}

func writeExplanation(w io.Writer, why secl.Explanation) error {
	rows := make([][]string, len(why.Steps))
	for i, s := range why.Steps {
		rows[i] = []string{fmt.Sprint(secl.Printable(s.Value)), strings.Repeat("  ", s.Depth) + strings.Join(strings.Fields(s.Text), " ")}
	}
	fmt.Fprintf(w, "match: %t\n", why.Match)
	if why.Element >= 0 {
		fmt.Fprintf(w, "element: %d\n", why.Element)
	}
	return printTable(w, []string{"VALUE", "PART"}, rows)
}
