package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/agent/deny"
	"nightjar/agent/respond"
	"nightjar/engine"
	"nightjar/secl"
	"nightjar/secl/conformance"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

func newSECL() *cobra.Command {
	c := &cobra.Command{
		Use:   "secl",
		Short: "Check and try the rules of the agent",
		Long:  `The rules of the agent are written in SECL and come in policy files. These commands read them offline.`,
		Example: `  nightjar secl check custom.policy
  nightjar secl fields exec`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newSECLCheck(), newSECLLint(), newSECLTest(), newSECLExplain(), newSECLBacktest(), newSECLFields(), newSECLConformance())
	return c
}

// readPolicies reads policy files in the order in which they are merged: the
// first one is the default policy if it is said to be.
func readPolicies(paths []string, defaults []string) ([]*policy.Policy, []*policy.DefinitionError, error) {
	var out []*policy.Policy
	var problems []*policy.DefinitionError
	for i, path := range append(append([]string{}, defaults...), paths...) {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		p, more := policy.Read(path, text)
		problems = append(problems, more...)
		if p != nil {
			p.Default = i < len(defaults)
			out = append(out, p)
		}
	}
	return out, problems, nil
}

// policyFlags are the flags of commands that load policies.
type policyFlags struct {
	defaults []string
	agent    string
}

func (f *policyFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.defaults, "default", nil, "a policy that ships with the agent; custom ones override it")
	c.Flags().StringVar(&f.agent, "agent-version", "", "load what is for this version of the agent (everything, if empty)")
}

// load reads and merges policies.
func (f *policyFlags) load(paths []string) (*policy.Set, []*policy.DefinitionError, error) {
	policies, problems, err := readPolicies(paths, f.defaults)
	if err != nil {
		return nil, nil, err
	}
	set, err := policy.Load(policies, policy.Options{
		Model: event.Model(), World: event.World{}, AgentVersion: f.agent, KeepDisabled: true,
		Support: &policy.Support{Events: event.Supported, Actions: event.SupportedActions},
	})
	if err != nil {
		return nil, nil, err
	}
	return set, append(problems, set.Problems...), nil
}

// told is a problem as JSON.
type told struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Kind    string `json:"kind,omitempty"`
	ID      string `json:"id,omitempty"`
	Warning bool   `json:"warning,omitempty"`
	Message string `json:"message"`
	// In the expression, both from 1; 0 if the mistake is not in one.
	ExprLine   int `json:"expression_line,omitempty"`
	ExprColumn int `json:"expression_column,omitempty"`
}

func tell(p *policy.DefinitionError) told {
	t := told{File: p.Where.File, Line: p.Where.Line, Kind: p.Kind, ID: p.ID, Warning: p.Warning, Message: p.Err.Error()}
	var e *secl.Error
	if errors.As(p.Err, &e) {
		t.ExprLine, t.ExprColumn = e.Line, e.Column
	}
	return t
}

func newSECLCheck() *cobra.Command {
	var flags policyFlags
	c := &cobra.Command{
		Use:   "check FILE…",
		Short: "Check policies: every mistake, with its place",
		Long: `Reads policies, merges them in their order and checks every macro, rule, filter
and action. What is wrong is printed with its place, and the exit code is 1: an
action that the agent can't take is wrong. What loads but can never fire with this
agent is printed to standard error, and so is what will happen because of each
action of a rule (nightjar agent check --policy says what this host's kernel denies).`,
		Example: `  nightjar secl check custom.policy
  nightjar secl check --default default.policy custom.policy --output json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			set, problems, err := flags.load(args)
			if err != nil {
				return err
			}
			return printCheck(c, set, problems)
		},
	}
	addOutput(c, textFormats...)
	flags.add(c)
	return c
}

// neverFires is a rule that loads and can't fire.
type neverFires struct {
	ID     string   `json:"id"`
	Reason []string `json:"reasons"`
}

func printCheck(c *cobra.Command, set *policy.Set, problems []*policy.DefinitionError) error {
	mistakes := 0
	list, never := []told{}, []neverFires{}
	for _, p := range problems {
		if list = append(list, tell(p)); !p.Warning {
			mistakes++
		}
	}
	for _, r := range set.Rules {
		if len(r.Never) > 0 {
			never = append(never, neverFires{r.ID, r.Never})
		}
	}
	willDo := outlookOf(set)
	checked := result{data: map[string]any{
		"rules": len(set.Rules), "macros": len(set.Env.Macros), "problems": list, "never_fire": never, "actions": willDo,
	}}
	checked.text = func(w io.Writer) error {
		for _, p := range problems {
			fmt.Fprintln(w, p.Error())
		}
		for _, n := range never {
			fmt.Fprintf(os.Stderr, "rule `%s` never fires: %s\n", n.ID, strings.Join(n.Reason, "; "))
		}
		writeOutlook(os.Stderr, willDo)
		_, err := fmt.Fprintf(os.Stderr, "%d rules and %d macros are good; %d mistakes; %d rules never fire with this agent\n",
			len(set.Rules), len(set.Env.Macros), mistakes, len(never))
		return err
	}
	if err := checked.print(c); err != nil {
		return err
	}
	if mistakes > 0 {
		return fmt.Errorf("%d mistakes", mistakes)
	}
	return nil
}

// actionOutlook is what an action of a rule will do.
type actionOutlook struct {
	Rule   string `json:"rule"`
	Action string `json:"action"`
	Will   string `json:"will"`
}

// outlookOf says of every action of the rules what will happen; rules that never match are
// left out.
func outlookOf(set *policy.Set) []actionOutlook {
	out := []actionOutlook{}
	rules := ruleset.New(set, event.World{})
	for _, r := range set.Rules {
		compiled, err := rules.Find(r.ID)
		if err != nil || r.Disabled || len(r.Never) > 0 {
			continue
		}
		for _, a := range r.Actions {
			will := respond.Outlook(compiled, a)
			if files := deny.Foreseen(r); a.Kill != nil && len(files) > 0 {
				will += fmt.Sprintf("; where a host can, the %s of %s is denied instead, before it happens", r.Event(), strings.Join(files, ", "))
			}
			out = append(out, actionOutlook{Rule: r.ID, Action: a.Kind(), Will: will})
		}
	}
	return out
}

func writeOutlook(to io.Writer, list []actionOutlook) {
	for _, o := range list {
		fmt.Fprintln(to, printable(fmt.Sprintf("rule `%s`, %s: %s", o.Rule, o.Action, o.Will)))
	}
}

func newSECLFields() *cobra.Command {
	c := &cobra.Command{
		Use:   "fields [EVENT]",
		Short: "List the fields of events, their types and constants",
		Long: `Lists every type of events and every field with its type, or those of one type
of events. With --constants it lists the constants and their values.`,
		Example: `  nightjar secl fields exec
  nightjar secl fields --constants`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if constants, _ := c.Flags().GetBool("constants"); constants {
				return printConstants(c)
			}
			only := ""
			if len(args) == 1 {
				if only = args[0]; event.Model().Event(only) == nil {
					return &usageError{c.CommandPath(), fmt.Errorf("no events have the type %q", only)}
				}
			}
			return printFields(c, only)
		},
	}
	addOutput(c, tableFormats...)
	c.Flags().Bool("constants", false, "list constants")
	return c
}

func printFields(c *cobra.Command, only string) error {
	header := []string{"EVENT", "FIELD", "TYPE", "CONSTANTS", "ABOUT"}
	var rows [][]string
	type line struct {
		Event     string `json:"event,omitempty"`
		Field     string `json:"field"`
		Type      string `json:"type"`
		Iterator  string `json:"iterator,omitempty"`
		Constants string `json:"constants,omitempty"`
		About     string `json:"about,omitempty"`
		Never     string `json:"never,omitempty"`
	}
	lines := []line{}
	for _, f := range event.Model().Fields() {
		if only != "" && f.Event != "" && f.Event != only {
			continue
		}
		of, about := f.Event, f.Doc
		if of == "" {
			of = "*"
		}
		if f.Never != "" {
			about = f.Never
		}
		l := line{Event: f.Event, Field: f.Name, Type: f.Type().String(), Iterator: "", Constants: f.Constants, About: f.Doc, Never: f.Never}
		if f.Iterator != nil {
			l.Iterator = f.Iterator.Name
		}
		lines = append(lines, l)
		rows = append(rows, []string{of, f.Name, f.Type().String(), f.Constants, about})
	}
	return result{data: lines, header: header, rows: rows}.print(c)
}

func printConstants(c *cobra.Command) error {
	var rows [][]string
	type line struct {
		Family string `json:"family"`
		Name   string `json:"name"`
		Value  any    `json:"value"`
	}
	lines := []line{}
	for _, k := range event.Model().Constants() {
		lines = append(lines, line{Family: k.Family, Name: k.Name, Value: k.Value.Any()})
		rows = append(rows, []string{k.Family, k.Name, k.Value.String()})
	}
	return result{data: lines, header: []string{"FAMILY", "CONSTANT", "VALUE"}, rows: rows}.print(c)
}

func newSECLConformance() *cobra.Command {
	c := &cobra.Command{
		Use:   "conformance FILE",
		Short: "Evaluate a file of cases of the language",
		Long: `Evaluates cases of the language, whose models are described in the same file, and
prints one JSON object for each: its id, what was got, and whether it is equal to
what was expected. The exit code is 1 if any is not.`,
		Example: "  nightjar secl conformance cases.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			results, err := conformance.Run(text, engine.Now().UnixNano())
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			different := 0
			for _, r := range results {
				if !r.Equal {
					different++
				}
			}
			out := bufio.NewWriter(os.Stdout)
			err = result{data: results}.write(out, outputOf(c))
			if err := errors.Join(err, out.Flush()); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "%d of %d cases are as expected\n", len(results)-different, len(results))
			if different > 0 {
				return fmt.Errorf("%d cases are not as expected", different)
			}
			return nil
		},
	}
	addOutput(c, asLines, asJSON)
	return c
}
