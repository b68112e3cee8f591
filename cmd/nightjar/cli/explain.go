package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/engine"
	"nightjar/schema"
)

// ruleExplanation is the API's answer.
type ruleExplanation struct {
	State, Why string
	Queries    []struct {
		Name    string
		Matches bool
		Why     string
		Clauses []clauseExplanation
	}
	Groups []groupExplanation
}

type clauseExplanation struct {
	Text    string
	Matches bool
	Clauses []clauseExplanation
}

type groupExplanation struct {
	Group  []string
	At     string
	Values []struct {
		Name  string
		Value float64
	}
	Cases []struct {
		Index                   int
		Name, Status, Condition string
		Holds                   bool
	}
	Steps []struct {
		Name, Condition, Reached string
		Holds                    bool
		Comparisons              []struct {
			Query       string
			Value, Most float64
		}
	}
	Notes   []string
	Signals []struct {
		ID, State, Reason, Suppression string
		FirstSeen                      string `json:"first_seen"`
		LastSeen                       string `json:"last_seen"`
	}
}

func newExplain() *cobra.Command {
	var rule, event, at string
	var group []string
	c := &cobra.Command{
		Use:   "explain --rule ID|NAME (--event ID | --group VALUE…)",
		Short: "Show why a rule made a signal, or made none",
		Long: `Asks a rule about an event: which clauses of its queries match, in which group
the event counts, what the labels come to there and which condition that meets
or misses, how far a sequence got, what is known or new, which suppression or
reference table is in the way, and whether the rule saw the event at all.
--group asks about a group instead, at its newest match or at --at.`,
		Example: `  nightjar explain --rule 'SSH brute force' --event AAABnFq3aBAAAAAAAAAAiQ
  nightjar explain --rule l41-vti-cye --group 10.0.0.7 --at 2026-03-01T12:00:00Z`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if rule == "" || (event == "") == !c.Flags().Changed("group") {
				return &usageError{c.CommandPath(), errors.New("--rule is needed, and one of --event and --group")}
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			id, err := cl.ruleID(c.Context(), rule)
			if err != nil {
				return err
			}
			query := url.Values{"group": group}
			if at != "" {
				moment, err := schema.ParseMoment(at, engine.Now())
				if err != nil {
					return &usageError{c.CommandPath(), fmt.Errorf("--at: %w", err)}
				}
				at = moment.String()
			}
			for name, value := range map[string]string{"event": event, "at": at} {
				if value != "" {
					query.Set(name, value)
				}
			}
			var raw json.RawMessage
			path := "/api/nightjar/v1/rules/" + url.PathEscape(id) + "/explain?" + query.Encode()
			if err := cl.do(c.Context(), http.MethodGet, path, nil, nil, &raw); err != nil {
				return err
			}
			return result{data: raw, text: func(w io.Writer) error { return printRuleExplanation(w, raw) }}.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	c.Flags().StringVar(&rule, "rule", "", "the rule, by its id or name")
	c.Flags().StringVar(&event, "event", "", "the event, by its id (as search shows it)")
	c.Flags().StringArrayVar(&group, "group", nil, "a value of the group, in the order of the group-by fields (repeat it for several)")
	c.Flags().StringVar(&at, "at", "", "the moment to ask about, with --group: "+schema.MomentForms)
	return c
}

func printRuleExplanation(w io.Writer, raw json.RawMessage) error {
	var e ruleExplanation
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("read the explanation: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n", e.State, after(": ", e.Why))
	for _, q := range e.Queries {
		fmt.Fprintf(&b, "\nQUERY %s %s%s\n", q.Name, yes(q.Matches, "matches", "does not match"), after(": ", q.Why))
		writeClauses(&b, q.Clauses, 1)
	}
	for i := range e.Groups {
		e.Groups[i].write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeClauses(b *strings.Builder, list []clauseExplanation, depth int) {
	for _, c := range list {
		fmt.Fprintf(b, "%s%s %s\n", strings.Repeat("  ", depth), yes(c.Matches, "✓", "✗"), printable(c.Text))
		writeClauses(b, c.Clauses, depth+1)
	}
}

func (g *groupExplanation) write(b *strings.Builder) {
	name := "(all events)"
	if len(g.Group) > 0 {
		name = printable(strings.Join(g.Group, ", "))
	}
	fmt.Fprintf(b, "\nGROUP %s at %s\n", name, g.At)
	for _, v := range g.Values {
		fmt.Fprintf(b, "  %s = %v\n", v.Name, v.Value)
	}
	for _, st := range g.Steps {
		reached := "never reached"
		if st.Reached != "" {
			reached = "reached " + st.Reached
		}
		for _, c := range st.Comparisons {
			reached += fmt.Sprintf(", %s %v", printable(c.Query), c.Value)
			if c.Most > c.Value {
				reached += fmt.Sprintf(", then at most %v", c.Most)
			}
		}
		fmt.Fprintf(b, "  %s step %s (%s): %s\n", yes(st.Reached != "", "✓", "✗"), st.Name, st.Condition, reached)
	}
	for _, c := range g.Cases {
		fmt.Fprintf(b, "  %s case %d %s%s: %s\n", yes(c.Holds, "✓", "✗"), c.Index, c.Status, after(" ", printable(c.Name)), printable(c.Condition))
	}
	for _, n := range g.Notes {
		fmt.Fprintf(b, "  %s\n", printable(n))
	}
	for _, s := range g.Signals {
		fmt.Fprintf(b, "  signal %s %s%s%s, %s to %s\n", s.ID, s.State, after(" ", s.Reason), after(" by suppression ", s.Suppression), s.FirstSeen, s.LastSeen)
	}
	if len(g.Signals) == 0 {
		b.WriteString("  no signal\n")
	}
}

func yes(is bool, a, b string) string {
	if is {
		return a
	}
	return b
}

// after is the text behind a separator, where there is one.
func after(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}
