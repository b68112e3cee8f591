package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightjar/agent/rehearsal"
	"nightjar/schema"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
	"nightjar/secl/testcase"
)

// seclBacktest are the flags of the command.
type seclBacktest struct {
	policyFlags
	killFlags
	policies, ids, rules []string
	span                 spanFlags
}

func newSECLBacktest() *cobra.Command {
	var o seclBacktest
	c := &cobra.Command{
		Use:   "backtest {--policy FILE [RECORDING…] | --policy-id ID}",
		Short: "Show what rules would have matched in stored events, and what they would have killed",
		Long: `Asks a running engine for the stored events of agents that the rules of a policy
would have matched, and says for each rule how many there are, when and on which
hosts, and what the rule would have done about them. What stored events can't be
asked (variables, registers) is said for each rule.

For a rule that kills it says what it would have killed, had its policy been
blocking: how many processes, which executables, users and containers, which it
would have spared because they are protected, and when the agent would have stopped
it because it killed too much too fast. It decides as the agent does; --protect,
--kill-limit and --kill-window are the agent's.

With recordings (nightjar agent record), the rules are evaluated on their events
instead, as an agent would, and no engine is needed.`,
		Example: `  nightjar secl backtest --policy custom.policy --from -7d
  nightjar secl backtest --policy custom.policy --rule kill_miners --output json
  nightjar secl backtest --policy-id def-000-pol --from -7d
  nightjar secl backtest --policy custom.policy host.jsonl`,
		RunE: func(c *cobra.Command, recordings []string) error {
			files := len(o.policies)+len(o.defaults) > 0
			if files == (len(o.ids) > 0) || !files && len(recordings) > 0 {
				return &usageError{c.CommandPath(), errors.New("want --policy FILE, or, without recordings, --policy-id ID of the engine's policies")}
			}
			if err := o.killFlags.check(c); err != nil {
				return err
			}
			if len(recordings) > 0 {
				return o.play(c, recordings)
			}
			return o.run(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	o.policyFlags.add(c)
	o.killFlags.add(c)
	c.Flags().StringArrayVar(&o.policies, "policy", nil, "a policy whose rules are asked")
	c.Flags().StringArrayVar(&o.ids, "policy-id", nil, "instead: a policy of the engine, whose enabled rules are asked")
	c.Flags().StringArrayVar(&o.rules, "rule", nil, "the id of a rule (all of them, if none is named)")
	o.span.add(c, "(default: all time) ", "before then")
	return c
}

// run has the engine rehearse the policies.
func (o *seclBacktest) run(c *cobra.Command) error {
	span := map[string]string{}
	if err := o.span.into(c, span); err != nil {
		return err
	}
	var files []map[string]any
	for i, path := range append(append([]string{}, o.defaults...), o.policies...) {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files = append(files, map[string]any{"name": path, "text": string(text), "default": i < len(o.defaults)})
	}
	text, err := json.Marshal(struct {
		From    string           `json:"from,omitempty"`
		To      string           `json:"to,omitempty"`
		Files   []map[string]any `json:"policies,omitempty"`
		IDs     []string         `json:"policy_ids,omitempty"`
		Rules   []string         `json:"rules,omitempty"`
		Agent   string           `json:"agent_version,omitempty"`
		Protect []string         `json:"protect,omitempty"`
		Kills   int              `json:"kill_limit"`
		Window  int64            `json:"kill_window_ms"`
	}{span["from"], span["to"], files, o.ids, o.rules, o.agent, o.protect, o.limits.Kills, o.limits.Window.Milliseconds()})
	if err != nil {
		return err
	}
	cl, err := newClient(c)
	if err != nil {
		return err
	}
	var answer struct {
		Rules    []rehearsal.Found `json:"rules"`
		Problems []string          `json:"problems"`
	}
	if err := cl.do(c.Context(), http.MethodPost, "/api/nightjar/v1/agents/rehearsals", nil, text, &answer); err != nil {
		return err
	}
	for _, p := range answer.Problems {
		fmt.Fprintln(os.Stderr, p)
	}
	if len(answer.Rules) == 0 {
		return errNoSuchRules
	}
	return printWouldHave(c, answer.Rules)
}

// errNoSuchRules is a backtest of nothing.
var errNoSuchRules = errors.New("none of the rules is in the policies")

// play evaluates the rules on recordings.
func (o *seclBacktest) play(c *cobra.Command, recordings []string) error {
	set, problems, err := o.load(o.policies)
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p.Error())
	}
	from, to, err := o.span.bounds(c)
	if err != nil {
		return err
	}
	set.Rules = slices.DeleteFunc(set.Rules, func(r *policy.Rule) bool {
		return len(o.rules) > 0 && !slices.Contains(o.rules, r.ID) || r.Disabled
	})
	if len(set.Rules) == 0 {
		return errNoSuchRules
	}
	found := make([]rehearsal.Found, len(set.Rules))
	at := map[string]*rehearsal.Found{}
	for i, r := range set.Rules {
		found[i].Rule = r.ID
		at[r.ID] = &found[i]
	}
	rules, kills := ruleset.New(set, event.World{}), o.rehearse(set.Rules)
	for _, name := range recordings {
		if err := playFile(name, rules, func(r *ruleset.Rule, c *secl.Context) {
			e := c.Event.(*event.Event)
			if when := schema.Millis(e.Timestamp / int64(time.Millisecond)); when >= from && when < to {
				at[r.ID].Add(r.Rule, when, e.Hostname)
				kills.add(r, c)
			}
		}); err != nil {
			return err
		}
	}
	for i := range found {
		found[i].Tell(kills[found[i].Rule])
	}
	return printWouldHave(c, found)
}

func playFile(name string, rules *ruleset.Set, found func(*ruleset.Rule, *secl.Context)) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := testcase.Play(file, rules, func(r *ruleset.Rule, c *secl.Context, _ bool) { found(r, c) }); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func printWouldHave(c *cobra.Command, list []rehearsal.Found) error {
	header, rows := []string{"RULE", "EVENTS", "FIRST SEEN", "LAST SEEN", "HOSTS", "WOULD HAVE"}, [][]string{}
	for _, w := range list {
		if w.Not != "" {
			fmt.Fprintf(os.Stderr, "rule `%s` was not asked: %s\n", w.Rule, w.Not)
			if w.Events == 0 {
				continue
			}
		}
		if w.Partial != "" {
			fmt.Fprintf(os.Stderr, "rule `%s`: %s\n", w.Rule, w.Partial)
		}
		first, last := "", ""
		if w.Events > 0 {
			first, last = w.First.String(), w.Last.String()
		}
		rows = append(rows, []string{w.Rule, fmt.Sprint(w.Events), first, last, strings.Join(w.Hosts, ", "), strings.Join(w.Actions, ", ")})
	}
	return result{data: list, header: header, rows: rows, text: func(to io.Writer) error {
		if err := printTable(to, header, rows); err != nil {
			return err
		}
		for _, w := range list {
			if err := writeKills(to, &w); err != nil {
				return err
			}
		}
		return nil
	}}.print(c)
}
