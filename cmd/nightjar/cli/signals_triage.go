package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

const signalsPath = "/api/v2/security_monitoring/signals"

// triageFlags are what `signals triage` changes.
type triageFlags struct {
	state, reason, comment, assignee string
	incidents                        []int64
	version                          uint64
}

func newSignalsTriage() *cobra.Command {
	var f triageFlags
	var query string
	c := &cobra.Command{
		Use:   "triage ID… | --query QUERY",
		Short: "Change the state, assignee or incidents of signals",
		Long: `Changes what you make of signals, and prints how they stand then. States are
open, under_review and archived. Reasons for archiving are false_positive,
testing_or_maintenance, remediated, investigated_case_opened, true_positive_benign,
true_positive_malicious, other and none. Of several signals all are changed, or
none. With --query every signal that it finds is changed, however many; those that
the engine itself archived are left as they are.`,
		Example: `  nightjar signals triage 7cP1I9tDnaT_fd07FLiCwDPO --state archived --reason false_positive --comment 'a drill'
  nightjar signals triage 7cP1I9tDnaT_fd07FLiCwDPO --assignee 0c5b32e4-7f0e-4a0e-9f55-2f1f0e6d1c11
  nightjar signals triage --query 'rule_id:abc-def-ghi state:open' --state archived --reason testing_or_maintenance`,
		RunE: func(c *cobra.Command, ids []string) error {
			changes := f.changes(c)
			switch {
			case (len(ids) == 0) == (query == ""):
				return &usageError{c.CommandPath(), errors.New("name signals, or find them with --query")}
			case query != "" && (len(changes) == 0 || c.Flags().Changed("incidents") || c.Flags().Changed("if-version")):
				return &usageError{c.CommandPath(), errors.New("--query goes with --state, --reason, --comment and --assignee")}
			case query != "":
				return triageFound(c, query, changes)
			}
			if len(changes) == 0 && !c.Flags().Changed("incidents") {
				return &usageError{c.CommandPath(), errors.New("nothing to change: name --state, --assignee or --incidents")}
			}
			if c.Flags().Changed("incidents") && len(ids) > 1 {
				return &usageError{c.CommandPath(), errors.New("--incidents: of one signal at a time")}
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			stand, err := f.send(c, cl, ids, changes)
			if err != nil {
				return err
			}
			return printTriage(c, ids, stand)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.Flags().StringVar(&query, "query", "", "change every signal that this search finds")
	c.Flags().StringVar(&f.state, "state", "", "open, under_review or archived")
	c.Flags().StringVar(&f.reason, "reason", "", "why it is archived")
	c.Flags().StringVar(&f.comment, "comment", "", "and in your words")
	c.Flags().StringVar(&f.assignee, "assignee", "", "UUID of the user it is assigned to; empty for nobody")
	c.Flags().Int64SliceVar(&f.incidents, "incidents", nil, "numbers of all the incidents it is related to")
	c.Flags().Uint64Var(&f.version, "if-version", 0, "only if nobody changed it since: workflow.triage.version as you saw it")
	return c
}

// triageFound changes every signal that a search finds, and counts them.
func triageFound(c *cobra.Command, query string, changes map[string]any) error {
	cl, err := newClient(c)
	if err != nil {
		return err
	}
	var answer struct {
		Found    int64    `json:"found"`
		Changed  int64    `json:"changed"`
		Left     int64    `json:"left"`
		Warnings []string `json:"warnings,omitempty"`
	}
	body := map[string]any{"filter": map[string]any{"query": query}, "change": changes}
	if err := cl.send(c.Context(), http.MethodPost, "/api/nightjar/v1/signals/triage", body, &answer); err != nil {
		return err
	}
	return result{data: answer, text: func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%d signals found, %d changed, %d left as the engine archived them\n", answer.Found, answer.Changed, answer.Left)
		return err
	}}.print(c)
}

// changes are the attributes of a request to update, without incidents.
func (f *triageFlags) changes(c *cobra.Command) map[string]any {
	changes := map[string]any{}
	for flag, change := range map[string]struct {
		key   string
		value any
	}{
		"state": {"state", f.state}, "reason": {"archive_reason", f.reason}, "comment": {"archive_comment", f.comment},
		"assignee": {"assignee", map[string]string{"uuid": f.assignee}},
	} {
		if c.Flags().Changed(flag) {
			changes[change.key] = change.value
		}
	}
	return changes
}

// send makes the changes, and returns how each signal stands.
func (f *triageFlags) send(c *cobra.Command, cl *client, ids []string, changes map[string]any) (stand []json.RawMessage, err error) {
	versioned := c.Flags().Changed("if-version")
	if len(changes) > 0 {
		if versioned {
			changes["version"] = f.version
		}
		var data []map[string]any
		for _, id := range ids {
			data = append(data, map[string]any{"id": id, "type": "signal", "attributes": changes})
		}
		var answer struct {
			Result struct {
				Events []struct{ Event json.RawMessage }
			}
		}
		if err := cl.send(c.Context(), http.MethodPatch, signalsPath+"/bulk/update", map[string]any{"data": data}, &answer); err != nil {
			return nil, err
		}
		for _, e := range answer.Result.Events {
			stand = append(stand, e.Event)
		}
	}
	if c.Flags().Changed("incidents") {
		attributes := map[string]any{"incident_ids": append([]int64{}, f.incidents...)}
		if versioned && len(changes) == 0 {
			attributes["version"] = f.version
		}
		var answer struct {
			Data struct{ Attributes json.RawMessage }
		}
		body := map[string]any{"data": map[string]any{"attributes": attributes}}
		if err := cl.send(c.Context(), http.MethodPatch, signalsPath+"/"+url.PathEscape(ids[0])+"/incidents", body, &answer); err != nil {
			return nil, err
		}
		stand = []json.RawMessage{answer.Data.Attributes}
	}
	return stand, nil
}

func printTriage(c *cobra.Command, ids []string, stand []json.RawMessage) error {
	rows := make([][]string, len(stand))
	for i, raw := range stand {
		var t struct {
			State       string
			Reason      string  `json:"archive_reason"`
			Comment     string  `json:"archive_comment"`
			IncidentIDs []int64 `json:"incident_ids"`
			Assignee    struct{ UUID, Name string }
		}
		if err := json.Unmarshal(raw, &t); err != nil {
			return fmt.Errorf("read signal %d of the answer: %w", i, err)
		}
		assignee := t.Assignee.Name
		if assignee == "" {
			assignee = t.Assignee.UUID
		}
		rows[i] = []string{ids[i], t.State, t.Reason, t.Comment, assignee, fmt.Sprint(t.IncidentIDs)}
	}
	return result{data: stand, header: []string{"ID", "STATE", "REASON", "COMMENT", "ASSIGNEE", "INCIDENTS"}, rows: rows}.print(c)
}
