package main

import (
	"encoding/json"
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
	c := &cobra.Command{
		Use:     "status",
		Short:   "Show how far the engine has come",
		Example: "  nightjar status --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var answer map[string]any
			if err := cl.do(c.Context(), http.MethodGet, "/api/nightjar/v1/status", nil, nil, &answer); err != nil {
				return err
			}
			for _, w := range warningsOf(answer) {
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
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
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
	doors, _ := answer["syslog"].([]any)
	for _, d := range doors {
		out = append(out, doorWarnings(d)...)
	}
	return out
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
