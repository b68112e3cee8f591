package cli

import (
	"context"
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
	"nightjar/compiler/search"
	"nightjar/schema"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
	"nightjar/secl/sql"
	"nightjar/secl/testcase"
)

// seclBacktest are the flags of the command.
type seclBacktest struct {
	policyFlags
	killFlags
	policies, rules []string
	span            spanFlags
}

func newSECLBacktest() *cobra.Command {
	var o seclBacktest
	c := &cobra.Command{
		Use:   "backtest --policy FILE [RECORDING…]",
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
  nightjar secl backtest --policy custom.policy host.jsonl`,
		RunE: func(c *cobra.Command, recordings []string) error {
			if len(o.policies)+len(o.defaults) == 0 {
				return &usageError{c.CommandPath(), errors.New("--policy is needed")}
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
	c.Flags().StringArrayVar(&o.rules, "rule", nil, "the id of a rule (all of them, if none is named)")
	o.span.add(c, "(default: all time) ", "before then")
	return c
}

// wouldHave is what a rule would have found and done.
type wouldHave struct {
	Rule    string        `json:"rule"`
	Events  uint64        `json:"events"`
	First   schema.Millis `json:"first_seen,omitempty"`
	Last    schema.Millis `json:"last_seen,omitempty"`
	Hosts   []string      `json:"hosts,omitempty"`
	Actions []string      `json:"would_have,omitempty"`
	// Kills are what the rule would have killed; nil: it kills nothing.
	Kills *rehearsal.Outcome `json:"kills,omitempty"`
	Not   string             `json:"not_asked,omitempty"` // why the rule was not asked, or not what it would have killed
}

func (o *seclBacktest) run(c *cobra.Command) error {
	from, to, err := o.span.bounds(c)
	if err != nil {
		return err
	}
	set, problems, err := o.load(o.policies)
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p.Error())
	}
	cl, err := newClient(c)
	if err != nil {
		return err
	}
	out := []wouldHave{}
	for _, r := range set.Rules {
		if len(o.rules) > 0 && !slices.Contains(o.rules, r.ID) || r.Disabled {
			continue
		}
		found, err := askRule(c.Context(), cl, r, from, to)
		if err == nil && found.Events > 0 && found.Not == "" {
			err = o.askKills(c.Context(), cl, r, from, to, &found)
		}
		if err != nil {
			return fmt.Errorf("rule %s: %w", r.ID, err)
		}
		out = append(out, found)
	}
	if len(out) == 0 {
		return errors.New("none of the rules is in the policies")
	}
	return printWouldHave(c, out)
}

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
		return errors.New("none of the rules is in the policies")
	}
	found := make([]wouldHave, len(set.Rules))
	at := map[string]*wouldHave{}
	for i, r := range set.Rules {
		found[i].Rule = r.ID
		at[r.ID] = &found[i]
	}
	rules, kills := ruleset.New(set, event.World{}), o.rehearse(set.Rules)
	for _, name := range recordings {
		if err := playFile(name, rules, func(r *ruleset.Rule, c *secl.Context) {
			e := c.Event.(*event.Event)
			if when := schema.Millis(e.Timestamp / int64(time.Millisecond)); when >= from && when < to {
				at[r.ID].add(r.Rule, when, e.Hostname)
				kills.add(r, c)
			}
		}); err != nil {
			return err
		}
	}
	for i := range found {
		kills.tell(&found[i])
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

// add adds an event that the rule matches.
func (w *wouldHave) add(r *policy.Rule, when schema.Millis, host string) {
	if w.Events == 0 {
		w.First = when
		w.Actions = actionsOf(r)
	}
	w.Events++
	w.Last = max(w.Last, when)
	if host != "" && !slices.Contains(w.Hosts, host) {
		w.Hosts = append(w.Hosts, host)
	}
}

// actionsOf are what a rule would have done.
func actionsOf(r *policy.Rule) []string {
	var out []string
	for _, a := range r.Actions {
		switch {
		case a.ActionDef.Disabled:
		case a.Kill != nil:
			out = append(out, "killed")
		case a.ActionDef.Set == nil:
			out = append(out, a.Kind())
		}
	}
	return out
}

// askRule counts the stored events that a rule matches.
func askRule(ctx context.Context, cl *client, r *policy.Rule, from, to schema.Millis) (wouldHave, error) {
	out := wouldHave{Rule: r.ID}
	params := &search.Params{}
	condition, err := sql.Where(r.Rule, params)
	if err != nil {
		out.Not = err.Error()
		return out, nil
	}
	query := `SELECT count(), toUnixTimestamp64Milli(min(timestamp)), toUnixTimestamp64Milli(max(timestamp)), arrayStringConcat(arraySort(groupUniqArray(100)(toString(host))), '\n')
FROM events
WHERE toUnixTimestamp64Milli(timestamp) >= ` + params.Int(int64(from)) + ` AND toUnixTimestamp64Milli(timestamp) < ` + params.Int(int64(to)) + ` AND ` + condition
	rows, err := askStored(ctx, cl, query, params)
	if err != nil {
		return out, err
	}
	if len(rows) != 1 || len(rows[0]) != 4 {
		return out, errors.New("the engine's answer is no result")
	}
	var hosts string
	for i, into := range []any{&out.Events, &out.First, &out.Last, &hosts} {
		text := rows[0][i]
		if _, isText := into.(*string); !isText {
			text = json.RawMessage(strings.Trim(string(text), `"`)) // large integers may come as texts
		}
		if err := json.Unmarshal(text, into); err != nil {
			return out, fmt.Errorf("the engine's answer is no result: %w", err)
		}
	}
	if out.Events == 0 {
		out.First, out.Last = 0, 0
		return out, nil
	}
	out.Hosts = strings.Split(hosts, "\n")
	out.Actions = actionsOf(r)
	return out, nil
}

// askStored asks a query of the engine.
func askStored(ctx context.Context, cl *client, query string, params *search.Params) ([][]json.RawMessage, error) {
	body, err := json.Marshal(map[string]any{"query": query, "params": params.Given()})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Rows [][]json.RawMessage `json:"rows"`
	}
	return answer.Rows, cl.do(ctx, http.MethodPost, "/api/nightjar/v1/sql", nil, body, &answer)
}

func printWouldHave(c *cobra.Command, list []wouldHave) error {
	header, rows := []string{"RULE", "EVENTS", "FIRST SEEN", "LAST SEEN", "HOSTS", "WOULD HAVE"}, [][]string{}
	for _, w := range list {
		if w.Not != "" {
			fmt.Fprintf(os.Stderr, "rule `%s` was not asked: %s\n", w.Rule, w.Not)
			if w.Events == 0 {
				continue
			}
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
