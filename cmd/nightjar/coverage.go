package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

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
		Use:   "coverage ID|NAME",
		Short: "Show what of the arrived events a rule was evaluated over",
		Long: `Shows, for every arrival since the rule was made, what became of it under the
version that was in force: evaluated, pending, failed, unsupported or disabled;
and what happened on the way: failures and their catching up, late events that
reopened what was evaluated, limits that were hit. Arrivals are numbered in the
order in which events came; --event asks about the arrival of one event.`,
		Example: `  nightjar coverage 'SSH brute force'
  nightjar coverage l41-vti-cye --event AAABnFq3aBAAAAAAAAAAiQ --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
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
			rule, err := cl.ruleID(c.Context(), args[0])
			if err != nil {
				return err
			}
			var raw json.RawMessage
			path := "/api/nightjar/v1/rules/" + url.PathEscape(rule) + "/coverage?" + query.Encode()
			if err := cl.do(c.Context(), http.MethodGet, path, nil, nil, &raw); err != nil {
				return err
			}
			return printCoverage(c, raw)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.Flags().StringVar(&event, "event", "", "only the arrival of this event")
	c.Flags().Int64Var(&version, "version", 0, "only this version of the rule")
	return c
}

func printCoverage(c *cobra.Command, raw json.RawMessage) error {
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
	return result{data: raw, header: []string{"VERSION", "ARRIVALS", "STATE", "REASON", "NOTED"}, rows: rows}.print(c)
}
