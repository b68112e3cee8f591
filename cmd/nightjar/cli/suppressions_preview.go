package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/schema"
)

// suppressionPreview is the API's answer.
type suppressionPreview struct {
	Total      json.Number
	BySeverity map[string]json.Number `json:"by_severity"`
	Rules      []struct {
		ID, Name       string
		Deleted        bool
		Withheld, Gone json.Number
		Fewer          json.Number `json:"fewer_events"`
	}
	Signals []struct {
		ID        string
		Rule      string `json:"rule_name"`
		Group     []string
		FirstSeen schema.Millis `json:"first_seen"`
		Severity  string
		State     string
		Reason    string `json:"archive_reason"`
		Effect    string
		Events    json.Number
		Left      json.Number `json:"events_left"`
	}
	Truncated bool
	Warnings  []string
}

func newSuppressionsPreview() *cobra.Command {
	span := spanFlags{from: "now-90d", to: "now"}
	c := &cobra.Command{
		Use: "preview FILE|ID|NAME", Short: "Show what a suppression would have hidden",
		Long: `Asks which of the signals of the last 90 days a suppression would have withheld,
and which would have fewer events, or none, without those that it excludes. Its
dates, and whether it is enabled, play no part. It warns of every signal among
them that an analyst had confirmed, is reviewing or was given.`,
		Example: "  nightjar suppressions preview scanner.json\n  nightjar suppressions preview abc-def-ghi --from now-7d --output json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ends := map[string]string{}
			if err := span.into(c, ends); err != nil {
				return err
			}
			request := map[string]any{"from": ends["from"], "to": ends["to"]}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			file, err := readDocument(args[0])
			switch {
			case err == nil:
				attributes, _, err := completeSuppression(c.Context(), nil, file.body)
				if err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
				request["data"] = map[string]any{"type": "suppressions", "attributes": attributes}
			case errors.Is(err, fs.ErrNotExist):
				d, err := suppressionDocuments().find(c.Context(), cl, args[0])
				if err != nil {
					return err
				}
				request["suppression_id"] = d.id
			default:
				return err
			}
			body, err := json.Marshal(request)
			if err != nil {
				return err
			}
			var raw json.RawMessage
			if err := cl.do(c.Context(), http.MethodPost, "/api/nightjar/v1/suppressions/preview", nil, body, &raw); err != nil {
				return err
			}
			return result{data: raw, text: func(w io.Writer) error { return printPreview(w, raw) }}.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	span.add(c, "first seen ", "at this time or earlier")
	return c
}

func printPreview(w io.Writer, raw json.RawMessage) error {
	var p suppressionPreview
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("read the preview: %w", err)
	}
	var severities []string
	for severity, n := range p.BySeverity {
		severities = append(severities, fmt.Sprint(n, " ", severity))
	}
	sort.Strings(severities)
	fmt.Fprintf(w, "%s signals would have been hidden or changed: %s\n\n", p.Total, strings.Join(append(severities, "nothing")[:max(1, len(severities))], ", "))
	var rows [][]string
	for _, r := range p.Rules {
		name := r.Name
		if r.Deleted {
			name += " (deleted)"
		}
		rows = append(rows, []string{name, r.Withheld.String(), r.Gone.String(), r.Fewer.String(), r.ID})
	}
	if err := printTable(w, []string{"RULE", "WITHHELD", "GONE", "FEWER EVENTS", "ID"}, rows); err != nil {
		return err
	}
	rows = nil
	for _, s := range p.Signals {
		rows = append(rows, []string{
			s.FirstSeen.String(), s.Severity, s.Rule, strings.Join(s.Group, ", "), s.Effect, s.Left.String() + "/" + s.Events.String(),
			strings.TrimSpace(s.State + " " + s.Reason), s.ID,
		})
	}
	if len(rows) > 0 {
		fmt.Fprintln(w)
		if err := printTable(w, []string{"FIRST SEEN", "SEVERITY", "RULE", "GROUP", "EFFECT", "EVENTS LEFT", "STATE", "ID"}, rows); err != nil {
			return err
		}
	}
	if p.Truncated {
		fmt.Fprintf(os.Stderr, "the first %d of %s signals are shown\n", len(p.Signals), p.Total)
	}
	for _, w := range p.Warnings {
		fmt.Fprintln(os.Stderr, "warning:", w)
	}
	return nil
}
