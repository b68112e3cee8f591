package cli

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
	Silence *struct {
		Judged  string  `json:"judged_through"`
		Delay   float64 `json:"delay_seconds"`
		Waiting int64
		Held    string
	}
}

func newCoverage() *cobra.Command {
	var event string
	var version int64
	var finish bool
	c := &cobra.Command{
		Use:   "coverage ID|NAME",
		Short: "Show what of the arrived events a rule was evaluated over",
		Long: `Shows, for every arrival since the rule was made, what became of it under the
version that was in force: evaluated, pending, failed, aside, missing, lost,
unsupported or disabled; and what happened on the way: failures and their catching
up, late events that reopened what was evaluated, limits that were hit, events that
were set aside. An event is set aside when it is in so many groups of the rule, or
has so many values, that all else would wait for it; it is evaluated in the
background or, when it is very much, after --finish. missing is what is not stored
yet, and is evaluated when it is; lost is what never will be (nightjar status).
Arrivals are numbered in the order in which events came; --event asks about the
arrival of one event.`,
		Example: `  nightjar coverage 'SSH brute force'
  nightjar coverage l41-vti-cye --event AAABnFq3aBAAAAAAAAAAiQ --output json
  nightjar coverage l41-vti-cye --finish`,
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
			if finish {
				return finishAside(c, cl, rule, event)
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
	c.Flags().BoolVar(&finish, "finish", false, "have the events evaluated that wait aside: all, or the one of --event")
	c.Flags().Int64Var(&version, "version", 0, "only this version of the rule")
	return c
}

// finishAside asks for the evaluation of what waits.
func finishAside(c *cobra.Command, cl *client, rule, event string) error {
	body, err := json.Marshal(map[string]string{"event": event})
	if err != nil {
		return err
	}
	var answer struct{ Events string }
	path := "/api/nightjar/v1/rules/" + url.PathEscape(rule) + "/coverage/finish"
	if err := cl.do(c.Context(), http.MethodPost, path, nil, body, &answer); err != nil {
		return err
	}
	if answer.Events == "" {
		answer.Events = "0"
	}
	fmt.Printf("%s events that waited are evaluated in the background now.\n", answer.Events)
	return nil
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
	if q := answer.Silence; q != nil {
		state, reason := "judged through "+q.Judged, fmt.Sprintf("%d groups waited for, judged %g s behind the clock", q.Waiting, q.Delay)
		if q.Held != "" {
			reason += "; held back: " + q.Held
		}
		rows = append(rows, []string{"", "silence", state, reason, ""})
	}
	return result{data: raw, header: []string{"VERSION", "ARRIVALS", "STATE", "REASON", "NOTED"}, rows: rows}.print(c)
}
