package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"nightjar/schema"
)

const auditPath = "/api/nightjar/v1/audit"

func newAuditCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "audit", Short: "Show who changed what and who was refused, and verify that nobody changed that",
		Long: `The audit log has every change, refusal, sign-in, SQL statement and response action. Each
row has the hash of the one before, so that a row that was changed or taken out is found.
Much of it (nightjar up --audit-events) is events of source:nightjar-audit too.`,
		Example: `  nightjar audit list --from -1d --outcome refused
  nightjar audit verify`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newAuditList(), newAuditVerify())
	return c
}

func newAuditList() *cobra.Command {
	values := map[string]*string{}
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List the newest entries",
		Example: `  nightjar audit list --from -1d
  nightjar audit list --kind sql --caller analyst --output jsonl`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			query := url.Values{"limit": {fmt.Sprint(limit)}}
			for name, v := range values {
				if *v != "" {
					query.Set(name, *v)
				}
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			all, raw, err := listed[auditEntry](c.Context(), cl, auditPath+"?"+query.Encode(), "entries")
			if err != nil {
				return err
			}
			return printAudit(c, all, raw)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	for name, help := range map[string]string{
		"from": "from then on: " + schema.MomentForms, "to": "before then", "caller": "of this key or person, by name or id",
		"kind": "change, sql, keys, deletion, response, sign-in or refusal only", "outcome": "begun, done, failed or refused only",
		"text": "with this in the action, the object or the detail",
	} {
		values[name] = c.Flags().String(name, "", help)
	}
	c.Flags().IntVar(&limit, "limit", 100, "how many at most")
	return c
}

// auditEntry is an entry as the API shows it.
type auditEntry struct {
	Seq, Count                                                       json.Number
	At, Kind, Caller, Role, Address, Action, Object, Outcome, Detail string
}

func printAudit(c *cobra.Command, all []auditEntry, raw []json.RawMessage) error {
	r := result{data: raw, header: []string{"SEQ", "AT", "KIND", "CALLER", "ROLE", "ADDRESS", "ACTION", "OBJECT", "OUTCOME", "DETAIL"}, none: "nothing", widest: 80, fit: true}
	for _, e := range all {
		if e.Count != "1" {
			e.Detail += fmt.Sprintf(" (%s times)", e.Count)
		}
		r.rows = append(r.rows, []string{e.Seq.String(), e.At, e.Kind, e.Caller, e.Role, e.Address, e.Action, e.Object, e.Outcome, e.Detail})
	}
	return r.print(c)
}

// auditReport is what verifying found.
type auditReport struct {
	Whole                            bool
	Rows, First, Last, Lost, Waiting json.Number
	Faults                           []struct {
		Seq    json.Number
		Reason string
	}
	Gaps []struct{ First, Last json.Number }
}

func newAuditVerify() *cobra.Command {
	c := &cobra.Command{
		Use: "verify", Short: "Read the whole audit log, and say whether its chain is whole",
		Long: `Reads every row and compares its hash, the hash of the row before, and the newest hash
with the one that the engine's data folder has. Exits with 1 where something was changed,
taken out or put in. Numbers that are missing while the chain is whole are told as gaps.`,
		Example: "  nightjar audit verify", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var raw json.RawMessage
			if err := cl.do(c.Context(), http.MethodGet, auditPath+":verify", nil, nil, &raw); err != nil {
				return err
			}
			var report auditReport
			if err := json.Unmarshal(raw, &report); err != nil {
				return fmt.Errorf("read the engine's answer: %w", err)
			}
			if err := (result{data: raw, text: report.text}).print(c); err != nil {
				return err
			}
			if !report.Whole {
				return fmt.Errorf("the audit log is not whole: %d faults", len(report.Faults))
			}
			return nil
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	return c
}

func (r auditReport) text(w io.Writer) error {
	if r.Whole {
		fmt.Fprintf(w, "whole: %s rows, through %s\n", r.Rows, r.Last)
	}
	for _, f := range r.Faults {
		fmt.Fprintf(w, "row %s: %s\n", f.Seq, f.Reason)
	}
	for _, g := range r.Gaps {
		fmt.Fprintf(w, "no rows %s to %s\n", g.First, g.Last)
	}
	if r.Waiting != "" && r.Waiting != "0" {
		fmt.Fprintf(w, "%s entries are on disk and not yet in the table\n", r.Waiting)
	}
	if r.Lost != "" && r.Lost != "0" {
		fmt.Fprintf(w, "%s entries could not be kept since the engine started\n", r.Lost)
	}
	return nil
}
