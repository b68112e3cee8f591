package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"nightjar/schema"
)

func newStatus() *cobra.Command {
	var accept bool
	var comment string
	c := &cobra.Command{
		Use:   "status",
		Short: "Show how far the engine has come",
		Long: `Show how far the engine has come.

gaps are acknowledged events that are lost, or that were too much for ClickHouse
and are tried again in the background (aside) or being evaluated (stored). While
there are any, caught_up is false. --accept-loss says that you know of those there
are by now: they hold nothing back from then on, events_lost stays what it is, and
what is set aside is still tried again.`,
		Example: "  nightjar status --output json\n  nightjar status --accept-loss --comment 'disk of Tuesday, ticket 4711'",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			if accept {
				return acceptLoss(c, cl, comment)
			}
			if comment != "" {
				return &usageError{c.CommandPath(), errors.New("--comment goes with --accept-loss")}
			}
			var answer map[string]any
			if err := cl.do(c.Context(), http.MethodGet, "/api/nightjar/v1/status", nil, nil, &answer); err != nil {
				return err
			}
			for _, w := range append(warningsOf(answer), cl.armingWarnings(c.Context())...) {
				fmt.Fprintf(os.Stderr, "warning: %s\n", w)
			}
			var rows [][]string
			for k, v := range answer {
				if f, ok := v.(float64); ok {
					v = json.Number(jsonNumber(f))
				}
				rows = append(rows, []string{k, cell(v)})
			}
			sort.Slice(rows, func(i, j int) bool { return rows[i][0] < rows[j][0] })
			return result{data: answer, header: []string{"WHAT", "VALUE"}, rows: rows}.print(c)
		},
	}
	c.Flags().BoolVar(&accept, "accept-loss", false, "note that you know of the events that are lost or set aside")
	c.Flags().StringVar(&comment, "comment", "", "why, kept with --accept-loss and the name of your key")
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

// acceptLoss notes that the gaps are known.
func acceptLoss(c *cobra.Command, cl *client, comment string) error {
	body, err := json.Marshal(map[string]string{"comment": comment})
	if err != nil {
		return err
	}
	var answer struct {
		Gaps   json.Number `json:"gaps"`
		Events json.Number `json:"events"`
	}
	if err := cl.do(c.Context(), http.MethodPost, "/api/nightjar/v1/status/accept-loss", nil, body, &answer); err != nil {
		return err
	}
	rows := [][]string{{"gaps", cmp.Or(answer.Gaps.String(), "0")}, {"events", cmp.Or(answer.Events.String(), "0")}}
	return result{data: answer, header: []string{"ACKNOWLEDGED", "NUMBER"}, rows: rows}.print(c)
}

// warningsOf are what the status says of senders that somebody should look at.
func warningsOf(answer map[string]any) (out []string) {
	text := func(object any, key string) string {
		m, _ := object.(map[string]any)
		s, _ := m[key].(string)
		return s
	}
	number := func(object any, key string) float64 {
		m, _ := object.(map[string]any)
		switch n := m[key].(type) { // 64-bit integers are strings in the API's JSON
		case float64:
			return n
		case string:
			f, _ := strconv.ParseFloat(n, 64)
			return f
		}
		return 0
	}
	alone, _ := answer["rules_alone"].([]any)
	for _, r := range alone {
		out = append(out, fmt.Sprintf("rule %s (%s) is evaluated by itself, %.0f events behind: %s", text(r, "rule_id"), text(r, "name"), number(r, "behind"), text(r, "alone")))
	}
	if lost := number(answer, "audit_lost"); lost > 0 {
		out = append(out, fmt.Sprintf("%.0f entries of the audit log could not be kept since the engine started; its log says why", lost))
	}
	if why := text(answer, "signal_lists"); why != "" {
		out = append(out, "lists and counts of signals are slow where there are many: "+why)
	}
	gaps, _ := answer["gaps"].([]any)
	for _, g := range gaps {
		if m, _ := g.(map[string]any); m["accepted"] != true {
			out = append(out, fmt.Sprintf("%.0f acknowledged events (arrivals %.0f to %.0f, from %s) are %s: %s",
				number(g, "events"), number(g, "first"), number(g, "last"), cmp.Or(text(g, "arrived"), "an unknown time on"), gapWords[text(g, "state")], text(g, "reason")))
		}
	}
	clocks, _ := answer["clocks"].([]any)
	for _, c := range clocks {
		behind := time.Duration(number(c, "behind_seconds") * float64(time.Second)).Round(time.Second)
		far := behind.Abs().String()
		if days := behind.Abs() / schema.Day; days > 2 {
			far = fmt.Sprintf("%d days", days)
		}
		said := fmt.Sprintf("the clock of %s (%s) is %s ", text(c, "host"), text(c, "source"), far)
		switch {
		case behind < 0:
			said += "ahead: its events happen when they arrive"
		case number(c, "not_evaluated") > 0:
			said += "behind, more than the lateness allowance: rules do not see its events"
		default:
			said += "behind, or its events come late"
		}
		out = append(out, said)
	}
	times, _ := answer["unreadable_times"].([]any)
	for _, t := range times {
		out = append(out, fmt.Sprintf("%.0f events of %s have a time that cannot be read, and happen when they arrive: search @nightjar.timestamp_problem:*", number(t, "events"), text(t, "source")))
	}
	pipelines, _ := answer["pipelines"].(map[string]any)
	notable, _ := pipelines["notable"].([]any)
	for _, p := range notable {
		out = append(out, fmt.Sprintf("pipeline %s: %s", text(p, "id"), text(p, "why")))
	}
	doors, _ := answer["syslog"].([]any)
	for _, d := range doors {
		out = append(out, doorWarnings(d)...)
	}
	return out
}

// gapWords say what the states of a gap are.
var gapWords = map[string]string{
	"lost": "lost (nightjar status --accept-loss says that you know)", "aside": "set aside and tried again", "stored": "stored late and being evaluated",
}

// doorWarnings are what an address of syslog lost, refused or mended, by cause.
func doorWarnings(door any) (out []string) {
	d, _ := door.(map[string]any)
	for _, kind := range []struct{ key, said string }{
		{"lost", "messages were lost"}, {"refused", "connections or datagrams were refused"}, {"damaged", "messages came damaged and are kept: search @syslog.problem:*"},
	} {
		causes, _ := d[kind.key].(map[string]any)
		for _, cause := range slices.Sorted(maps.Keys(causes)) {
			out = append(out, fmt.Sprintf("syslog over %s at %s: %v %s (%s)", d["protocol"], d["address"], causes[cause], kind.said, cause))
		}
	}
	return out
}

func jsonNumber(f float64) string {
	text, err := json.Marshal(f)
	if err != nil {
		return "0"
	}
	return string(text)
}
