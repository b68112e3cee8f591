package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"
)

type coverageAnswer struct {
	Stretches []struct {
		Version        int64
		After, Through uint64
		State, Reason  string
	}
	Entries []struct {
		Version           int64
		After, Through    uint64
		State, Reason, At string
	}
}

func newCoverage() *cobra.Command {
	var event string
	var version int64
	c := &cobra.Command{
		Use:   "coverage RULE",
		Short: "Show what of the arrived events a rule was evaluated over",
		Long: `Shows, for every arrival since the rule was made, what became of it under the
version that was in force: evaluated, pending, failed, unsupported or disabled;
and what happened on the way: failures and their catching up, late events that
reopened what was evaluated, limits that were hit. Arrivals are numbered in the
order in which events came; --event asks about the arrival of one event.`,
		Example: `  nightjar coverage l41-vti-cye
  nightjar coverage l41-vti-cye --event AAABnFq3aBAAAAAAAAAAiQ --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			wantJSON, err := outputJSON(c)
			if err != nil {
				return err
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			query := url.Values{}
			if event != "" {
				query.Set("event", event)
			}
			if version != 0 {
				query.Set("version", fmt.Sprint(version))
			}
			var raw json.RawMessage
			path := "/api/nightjar/v1/rules/" + url.PathEscape(args[0]) + "/coverage?" + query.Encode()
			if err := cl.do(c.Context(), http.MethodGet, path, nil, nil, &raw); err != nil {
				return err
			}
			if wantJSON {
				return printJSON(os.Stdout, raw)
			}
			return printCoverage(raw)
		},
	}
	addClientFlags(c)
	addOutput(c)
	c.Flags().StringVar(&event, "event", "", "only the arrival of this event")
	c.Flags().Int64Var(&version, "version", 0, "only this version of the rule")
	return c
}

func printCoverage(raw json.RawMessage) error {
	var answer coverageAnswer
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("read the engine's answer: %w", err)
	}
	var rows [][]string
	for _, s := range answer.Stretches {
		rows = append(rows, []string{fmt.Sprint(s.Version), fmt.Sprintf("%d to %d", s.After+1, s.Through), s.State, s.Reason, ""})
	}
	for _, e := range answer.Entries {
		rows = append(rows, []string{fmt.Sprint(e.Version), fmt.Sprintf("%d to %d", e.After+1, e.Through), e.State, e.Reason, e.At})
	}
	return printTable(os.Stdout, []string{"VERSION", "ARRIVALS", "STATE", "REASON", "NOTED"}, rows)
}
