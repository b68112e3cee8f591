package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightjar/compiler"
	"nightjar/ingest"
	"nightjar/scheduler"
	"nightjar/schema"
)

// found is one signal of a backtest.
type found struct {
	Case      int           `json:"case"`
	CaseName  string        `json:"case_name"`
	Group     []string      `json:"group"`
	FirstSeen schema.Millis `json:"first_seen"`
	LastSeen  schema.Millis `json:"last_seen"`
	Severity  string        `json:"severity"`
	Events    uint64        `json:"events"`
}

func newBacktest() *cobra.Command {
	var rulePath, eventsPath, until, suppressionsPath string
	var tables tableFiles
	var geo []string
	c := &cobra.Command{
		Use:   "backtest --rule FILE --events FILE",
		Short: "Show which signals a rule would have given, offline",
		Long: `Evaluates a rule over a file of events, with the plan and the windows of the
live evaluation, and prints its signals ordered by first seen, case and group.
The events are JSON objects, one a line; their order does not matter.

` + referenceTableHelp,
		Example: "  nightjar backtest --rule brute-force.json --events events.ndjson --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			wantJSON, err := outputJSON(c)
			if err != nil {
				return err
			}
			if rulePath == "" || eventsPath == "" {
				return &usageError{c.CommandPath(), errors.New("--rule and --events are needed")}
			}
			end, err := parseUntil(until)
			if err != nil {
				return &usageError{c.CommandPath(), err}
			}
			locator, err := openGeoIP(geo)
			if err != nil {
				return err
			}
			suppressions, err := readSuppressions(suppressionsPath)
			if err != nil {
				return err
			}
			signals, err := backtest(rulePath, eventsPath, end, locator, suppressions, tables...)
			if err != nil {
				return err
			}
			if wantJSON {
				return printJSON(os.Stdout, signals)
			}
			return printFound(signals)
		},
	}
	addOutput(c)
	addGeoIP(c.Flags(), &geo)
	c.Flags().StringVar(&rulePath, "rule", "", "the rule, a JSON document as the API takes it")
	c.Flags().StringVar(&eventsPath, "events", "", "the events, one JSON object a line (- for standard input)")
	c.Flags().StringVar(&until, "until", "", "leave out events after this time (milliseconds or RFC 3339)")
	c.Flags().StringVar(&suppressionsPath, "suppressions", "", "suppressions, a JSON array of documents as the API takes them; suppressed signals are left out, and counted")
	addReferenceTables(c, &tables)
	return c
}

func backtest(rulePath, eventsPath string, until schema.Millis, locator ingest.Locator, suppressions []compiler.InForce, tables ...tableFile) ([]found, error) {
	plan, err := readRule(rulePath)
	if err != nil {
		return nil, err
	}
	plan.Suppress(suppressions)
	if plan.Tables, err = readTables(tables, plan.TableColumns()); err != nil {
		return nil, err
	}
	var matches []compiler.Match
	matched := map[uint64]schema.Event{} // where suppressions have to see them
	err = readEvents(eventsPath, locator, func(e *schema.Event) {
		if e.At > until {
			return
		}
		ms := plan.Matches(e)
		if matches = append(matches, ms...); len(ms) > 0 && plan.Withholds() {
			matched[e.Seq] = *e
		}
	})
	if err != nil {
		return nil, err
	}
	signals, err := standing(plan, matches, matched)
	if err != nil {
		return nil, err
	}
	out := []found{}
	for _, s := range signals {
		name := ""
		if s.Case >= 0 {
			name = plan.Cases[s.Case].Name
		}
		out = append(out, found{s.Case, name, append([]string{}, scheduler.Visible(plan, s.Group)...), s.FirstSeen, s.LastSeen, scheduler.Severity(plan, s), s.Events})
	}
	return out, nil
}

// standing are the signals, without those that a suppression withholds.
func standing(plan *compiler.Plan, matches []compiler.Match, matched map[uint64]schema.Event) ([]schema.Signal, error) {
	if !plan.Withholds() {
		return scheduler.Replay(plan, matches), nil
	}
	rendered, err := scheduler.ReplayRendered(plan, matches, func(refs []compiler.Match) ([]schema.Event, error) {
		var out []schema.Event
		for _, m := range refs {
			out = append(out, matched[m.Seq])
		}
		return out, nil
	})
	if err != nil {
		return nil, err
	}
	var out []schema.Signal
	withheld := map[string]int{}
	for _, p := range rendered {
		if p.Suppression != "" {
			withheld[p.Suppression]++
		} else {
			out = append(out, p.Signal)
		}
	}
	for id, n := range withheld {
		fmt.Fprintf(os.Stderr, "suppression %s withheld %d signals\n", id, n)
	}
	return out, nil
}

func readRule(path string) (*compiler.Plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rule schema.Rule
	if err := json.Unmarshal(text, &rule); err != nil {
		return nil, fmt.Errorf("%s: %w", path, jsonPlace(text, err))
	}
	plan, warnings, err := compiler.Compile(rule)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, w := range warnings {
		fmt.Fprintf(os.Stderr, "%s: warning: %s\n", path, w)
	}
	if plan.Unsupported != "" {
		return nil, fmt.Errorf("%s: %s", path, plan.Unsupported)
	}
	return plan, nil
}

// jsonPlace adds line and column to an error of encoding/json.
func jsonPlace(text []byte, err error) error {
	offset := int64(-1)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
		err = fmt.Errorf("%s: want %s, got a %s", kind.Field, kind.Type, kind.Value)
	}
	if offset < 0 || offset > int64(len(text)) {
		return err
	}
	before := string(text[:offset])
	return fmt.Errorf("%d:%d: %w", 1+strings.Count(before, "\n"), offset-int64(strings.LastIndexByte(before, '\n')), err)
}

// readEvents calls use with every event of a file; sequence numbers follow the
// lines, and an event arrives at its time.
func readEvents(path string, locator ingest.Locator, use func(*schema.Event)) error {
	now, seq := time.Now(), uint64(0)
	return eachLine(path, func(line []byte, n int) error {
		events, err := lineEvents(path, line, n, ingest.Decoder{Now: now, Locator: locator})
		for i := range events {
			seq++
			events[i].Seq, events[i].Seen = seq, events[i].At
			use(&events[i])
		}
		return err
	})
}

func parseUntil(s string) (schema.Millis, error) {
	if s == "" {
		return schema.MaxMillis, nil
	}
	at, ok := ingest.ParseTime(s, time.UTC)
	if !ok {
		return 0, fmt.Errorf("--until: %q is no time; write milliseconds or 2006-01-02T15:04:05Z", s)
	}
	return at, nil
}

func printFound(signals []found) error {
	rows := make([][]string, len(signals))
	for i, s := range signals {
		rows[i] = []string{s.FirstSeen.String(), s.LastSeen.String(), s.Severity, fmt.Sprint(s.Case), s.CaseName,
			strings.Join(s.Group, ", "), fmt.Sprint(s.Events)}
	}
	return printTable(os.Stdout, []string{"FIRST SEEN", "LAST SEEN", "SEVERITY", "CASE", "NAME", "GROUP", "EVENTS"}, rows)
}
