package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

const retentionPath = "/api/nightjar/v1/retention"

// retained says how long what is kept, by name, as people write it.
type retained map[string]string

// retainedNames are in the order in which they are shown.
var retainedNames = []string{"events", "signals", "matches", "responses", "disk_quota"}

type retentionShown struct {
	Settings retained    `json:"settings"`
	Started  retained    `json:"started"`
	InForce  retained    `json:"in_force"`
	Version  json.Number `json:"version"`
	By       string      `json:"by"`
	At       string      `json:"at"`
}

type retentionChange struct {
	InForce retained           `json:"in_force"`
	LetsGo  []retentionLetting `json:"lets_go"`
	Used    uint64             `json:"used_bytes"`
	Over    bool               `json:"over_quota"`
	Confirm string             `json:"confirm"`
}

type retentionLetting struct {
	Table       string `json:"table"`
	Reason      string `json:"reason"`
	Rows        uint64 `json:"rows"`
	Bytes       uint64 `json:"bytes"`
	Partitions  int64  `json:"partitions"`
	First       string `json:"first"`
	Last        string `json:"last"`
	Unevaluated uint64 `json:"unevaluated"`
}

func newRetention() *cobra.Command {
	c := &cobra.Command{
		Use: "retention", Short: "Show how long what is kept, and change it",
		Long: `Shows how long events, signals, matches and responses are kept and what everything may
take on disk: as the engine was started (--retention and --disk-quota of nightjar up), or
as an administrator said since, which holds instead, over restarts too.`,
		Example: "  nightjar retention\n  nightjar retention set events=30d disk_quota=50GB --preview",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var shown retentionShown
			if err := cl.do(c.Context(), http.MethodGet, retentionPath, nil, nil, &shown); err != nil {
				return err
			}
			return printRetention(c, shown)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.AddCommand(newRetentionSet(), newRetentionReset())
	return c
}

func newRetentionSet() *cobra.Command {
	var yes, preview bool
	c := &cobra.Command{
		Use: "set NAME=TIME...", Short: "Change how long what is kept, and the disk quota",
		Long: `Changes how long events, signals, matches or responses are kept (48h, 90d, 12w, 15mo, 2y or
for-ever), or disk_quota (50GB, or none); what is not named stays as it is. It says what
that deletes at once, and does it when that is confirmed: what is deleted is gone for good.
It needs an administrator's key, and is in the audit log.`,
		Example: "  nightjar retention set events=30d --preview\n  nightjar retention set events=30d disk_quota=50GB --yes",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			said, err := readRetained(args)
			if err != nil {
				return &usageError{c.CommandPath(), err}
			}
			return changeRetention(c, retentionAsked{said: said, preview: preview, yes: yes})
		},
	}
	addRetentionFlags(c, &yes, &preview)
	return c
}

func newRetentionReset() *cobra.Command {
	var yes, preview bool
	c := &cobra.Command{
		Use: "reset", Short: "Let what the engine was started with hold again", Args: cobra.NoArgs,
		Long:    "Lets --retention and --disk-quota of nightjar up hold again, after nightjar retention set.",
		Example: "  nightjar retention reset --preview",
		RunE: func(c *cobra.Command, _ []string) error {
			return changeRetention(c, retentionAsked{preview: preview, yes: yes})
		},
	}
	addRetentionFlags(c, &yes, &preview)
	return c
}

func addRetentionFlags(c *cobra.Command, yes, preview *bool) {
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.Flags().BoolVar(preview, "preview", false, "say what would be deleted, and change nothing")
	c.Flags().BoolVar(yes, "yes", false, "do not ask")
}

// readRetained reads NAME=TIME; the engine says which times can't be meant.
func readRetained(args []string) (retained, error) {
	out := retained{}
	for _, arg := range strings.Split(strings.Join(args, ","), ",") {
		name, value, _ := strings.Cut(arg, "=")
		if name = strings.ReplaceAll(name, "-", "_"); !oneOfRetained(name) || value == "" {
			return nil, fmt.Errorf("%q: want one of %s with a time, such as events=90d", arg, strings.Join(retainedNames, ", "))
		}
		out[name] = value
	}
	return out, nil
}

func oneOfRetained(name string) bool {
	for _, n := range retainedNames {
		if n == name {
			return true
		}
	}
	return false
}

// retentionAsked is a change of what is kept; nothing said: as the engine was started.
type retentionAsked struct {
	said         retained
	preview, yes bool
}

func changeRetention(c *cobra.Command, a retentionAsked) error {
	cl, err := newClient(c)
	if err != nil {
		return err
	}
	var now retentionShown
	if err := cl.do(c.Context(), http.MethodGet, retentionPath, nil, nil, &now); err != nil {
		return err
	}
	settings := retained{}
	if a.said != nil {
		for name, value := range now.Settings {
			settings[name] = value
		}
	}
	for name, value := range a.said {
		settings[name] = value
	}
	var change retentionChange
	if err := cl.send(c.Context(), http.MethodPost, retentionPath+":preview", map[string]any{"settings": settings}, &change); err != nil {
		return err
	}
	if a.preview {
		return printRetentionChange(c, change)
	}
	if err := confirmRetention(change, a.yes); err != nil {
		return err
	}
	var done retentionShown
	body := map[string]any{"settings": settings, "version": now.Version, "confirm": change.Confirm}
	if err := cl.send(c.Context(), http.MethodPut, retentionPath, body, &done); err != nil {
		return err
	}
	return printRetention(c, done)
}

// confirmRetention asks the person at the terminal, where something would be deleted.
func confirmRetention(change retentionChange, yes bool) error {
	if yes || len(change.LetsGo) == 0 {
		return nil
	}
	var lines []string
	for _, l := range change.LetsGo {
		lines = append(lines, l.text())
	}
	goes := strings.Join(lines, "; ")
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return fmt.Errorf("this would delete %s for good; say --yes, or --preview to look only", goes)
	}
	fmt.Fprintf(os.Stderr, "This deletes %s for good. Write yes to go on: ", goes)
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

func (l retentionLetting) text() string {
	text := fmt.Sprintf("%s rows of %s", humanize.Comma(int64(l.Rows)), l.Table)
	if l.Partitions > 0 {
		text += fmt.Sprintf(" (%s to %s, %s)", l.First, l.Last, humanize.Bytes(l.Bytes))
	}
	if l.Unevaluated > 0 {
		text += fmt.Sprintf(", %s of them not seen by every rule", humanize.Comma(int64(l.Unevaluated)))
	}
	return text
}

func printRetention(c *cobra.Command, r retentionShown) error {
	var rows [][]string
	for _, name := range retainedNames {
		from := "as started"
		if r.Settings[name] != "" {
			from = "set by " + r.By + " " + r.At
		}
		rows = append(rows, []string{name, r.InForce[name], from, r.Started[name]})
	}
	return result{data: r, header: []string{"WHAT", "KEPT", "FROM", "STARTED WITH"}, rows: rows}.print(c)
}

func printRetentionChange(c *cobra.Command, change retentionChange) error {
	var rows [][]string
	for _, l := range change.LetsGo {
		rows = append(rows, []string{l.Table, l.Reason, humanize.Comma(int64(l.Rows)), humanize.Bytes(l.Bytes), l.First, l.Last, humanize.Comma(int64(l.Unevaluated))})
	}
	if len(rows) == 0 && outputOf(c) == asTable {
		fmt.Println("nothing would be deleted at once")
		return nil
	}
	return result{data: change, header: []string{"DELETES", "FOR", "ROWS", "SIZE", "FROM", "TO", "UNEVALUATED"}, rows: rows}.print(c)
}
