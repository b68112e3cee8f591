package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"nightjar/compiler"
	"nightjar/compiler/rulecheck"
	"nightjar/engine"
	"nightjar/ingest"
	"nightjar/ingest/files"
	"nightjar/scheduler"
	"nightjar/scheduler/detect"
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
	var span spanFlags
	var tables tableFiles
	var reading readingFlags
	c := &cobra.Command{
		Use:   "backtest --rule FILE (--events FILE | --from TIME --to TIME)",
		Short: "Show which signals a rule would have given",
		Long: `Evaluates a rule over events, with the plan and the windows of the live
evaluation, and prints its signals ordered by first seen, case and group.

The events are those of a file, in any order; no engine is needed. It may be JSON
(objects one a line, an array, an export of Datadog or Elastic), CSV or raw log
lines, whose --source says what wrote them, and compressed; a folder or a pattern
with * stands for its files. Or they are those that an engine has stored, by their own time, both
ends included: then the engine's suppressions and reference tables count.

` + referenceTableHelp,
		Example: `  nightjar backtest --rule brute-force.json --events events.ndjson --output json
  nightjar backtest --rule brute-force.json --events /var/log/auth.log.2.gz --source sshd
  nightjar backtest --rule brute-force.json --from -7d --to now`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			stored := span.from != "" || span.to != ""
			switch {
			case rulePath == "" || (eventsPath != "") == stored || (span.from != "") != (span.to != ""):
				return &usageError{c.CommandPath(), errors.New("--rule is needed, and either --events or both --from and --to")}
			case stored && (suppressionsPath != "" || len(tables) > 0):
				return &usageError{c.CommandPath(), errors.New("--suppressions and --reference-table go with --events; stored events are seen with those of the engine")}
			}
			end, err := parseUntil(until)
			if err != nil {
				return &usageError{c.CommandPath(), err}
			}
			if stored {
				signals, err := backtestStored(c, rulePath, &span, end)
				if err != nil {
					return err
				}
				return printFound(c, signals)
			}
			decoder, err := reading.decoder(c)
			if err != nil {
				return err
			}
			suppressions, err := readSuppressions(suppressionsPath)
			if err != nil {
				return err
			}
			signals, err := backtest(rulePath, eventsPath, end, decoder, suppressions, tables...)
			if err != nil {
				return err
			}
			return printFound(c, signals)
		},
	}
	addOutput(c, tableFormats...)
	addClientFlags(c)
	reading.add(c.Flags())
	span.add(c, "over stored events ", "up to then, included")
	c.Flags().StringVar(&rulePath, "rule", "", "the rule, a document as the API takes it, in JSON or YAML")
	c.Flags().StringVar(&eventsPath, "events", "", "the events: a file, a folder or a pattern (- for standard input)")
	c.Flags().StringVar(&until, "until", "", "leave out events after this time, and judge silence up to it (default: the time of the newest event, or the end of the interval): "+schema.MomentForms)
	c.Flags().StringVar(&suppressionsPath, "suppressions", "", "suppressions, a JSON array of documents as the API takes them; suppressed signals are left out, and counted")
	addReferenceTables(c, &tables)
	return c
}

// backtestStored asks the engine.
func backtestStored(c *cobra.Command, rulePath string, span *spanFlags, until schema.Millis) ([]found, error) {
	from, to, err := span.given(c)
	if err != nil {
		return nil, err
	}
	rule, err := documentText(rulePath)
	if err == nil {
		_, err = jsonObject(rule)
	}
	if err != nil {
		return nil, inFile(rulePath, err)
	}
	cl, err := newClient(c)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{"rule": json.RawMessage(rule), "from": min(*from, until).String(), "to": min(*to, until).String()})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Signals    []found
		Suppressed int
		Warnings   []string
	}
	if err := cl.do(c.Context(), http.MethodPost, "/api/nightjar/v1/backtests", nil, body, &answer); err != nil {
		return nil, err
	}
	for _, w := range answer.Warnings {
		fmt.Fprintf(os.Stderr, "warning: %s\n", w)
	}
	if answer.Suppressed > 0 {
		fmt.Fprintf(os.Stderr, "suppressions withheld %d signals\n", answer.Suppressed)
	}
	return append([]found{}, answer.Signals...), nil
}

func backtest(rulePath, eventsPath string, until schema.Millis, decoder *ingest.Decoder, suppressions []compiler.InForce, tables ...tableFile) ([]found, error) {
	plan, err := readRule(rulePath)
	if err != nil {
		return nil, err
	}
	if plan.OfSignals {
		return nil, fmt.Errorf("%s: the rule is over signals of other rules, and a file has events; test it with those rules (nightjar test), or over what an engine has stored (--from, --to)", rulePath)
	}
	plan.Suppress(suppressions)
	if plan.Tables, err = readTables(tables, plan.TableColumns()); err != nil {
		return nil, err
	}
	var matches []compiler.Match
	var left compiler.LeftOut
	oldest, newest := schema.MaxMillis, schema.MinMillis
	matched := map[uint64]schema.Event{} // where suppressions have to see them
	read, hits := 0, 0
	leftOut, err := readEvents(eventsPath, decoder, func(e *schema.Event) {
		read++
		if e.At > until {
			return
		}
		oldest, newest = min(oldest, e.At), max(newest, e.At)
		ms := plan.MatchesCounting(e, &left)
		if len(ms) > 0 {
			hits++
		}
		if matches = append(matches, ms...); len(ms) > 0 && plan.Withholds() {
			matched[e.Seq] = *e
		}
	})
	if err != nil {
		return nil, err
	}
	without := ""
	if leftOut > 0 {
		without = humanize.Comma(int64(leftOut)) + " left out, "
	}
	fmt.Fprintf(os.Stderr, "%s read, %s%s matched\n", humanize.Comma(int64(read+leftOut)), without, humanize.Comma(int64(hits)))
	if told := left.String(); told != "" {
		fmt.Fprintf(os.Stderr, "%s: warning: %s\n", rulePath, told)
	}
	if until == schema.MaxMillis {
		until = newest
	}
	signals, err := standing(plan, matches, detect.Over(oldest, until), matched)
	if err != nil {
		return nil, err
	}
	out := []found{}
	for _, s := range signals {
		name := ""
		if s.Case >= 0 {
			name = plan.Cases[s.Case].Name
		}
		out = append(out, found{Case: s.Case, CaseName: name, Group: append([]string{}, detect.Visible(plan, s.Group)...), FirstSeen: s.FirstSeen, LastSeen: s.LastSeen, Severity: scheduler.Severity(plan, s), Events: s.Events})
	}
	return out, nil
}

// standing are the signals, without those that a suppression withholds.
func standing(plan *compiler.BoundPlan, matches []compiler.Match, h detect.Horizon, matched map[uint64]schema.Event) ([]schema.Signal, error) {
	if !plan.Withholds() {
		return detect.Replay(plan, matches, h), nil
	}
	rendered, err := scheduler.ReplayRendered(plan, matches, h, func(refs []compiler.Match) ([]schema.Event, error) {
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

func readRule(path string) (*compiler.BoundPlan, error) {
	text, err := documentText(path)
	if err != nil {
		return nil, inFile(path, err)
	}
	var rule schema.Rule
	if err := schema.Read(text, &rule); err != nil {
		return nil, inFile(path, jsonPlace(text, err))
	}
	checked := rulecheck.Check(rule, rulecheck.Surroundings{})
	if err := checked.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, w := range checked.Warnings {
		fmt.Fprintf(os.Stderr, "%s: warning: %s\n", path, w)
	}
	if why := checked.Plan.Unsupported; why != "" {
		return nil, fmt.Errorf("%s: %s", path, why)
	}
	return checked.Plan.Bind(), nil
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
// lines, and an event arrives at its time. One without is left out, and told: what
// comes out never depends on the moment of the run. It returns how many those were.
func readEvents(path string, decoder *ingest.Decoder, use func(*schema.Event)) (without int, err error) {
	if decoder == nil {
		decoder = ingest.NewOffline(engine.Now(), nil, nil)
	}
	var untimed leftOut
	defer untimed.close()
	seq := uint64(0)
	err = eventFile{path, decoder}.each(func(r files.Record, e *schema.Event) error {
		if e.At == ingest.NoTime {
			untimed.add(r.Place, whyNoTime(e))
			return nil
		}
		seq++
		e.Seq, e.Seen = seq, e.At
		use(e)
		return nil
	})
	return untimed.n, err
}

func parseUntil(s string) (schema.Millis, error) {
	if s == "" {
		return schema.MaxMillis, nil
	}
	at, err := schema.ParseMoment(s, engine.Now())
	if err != nil {
		return 0, fmt.Errorf("--until: %w", err)
	}
	return at, nil
}

func printFound(c *cobra.Command, signals []found) error {
	rows := make([][]string, len(signals))
	for i, s := range signals {
		rows[i] = []string{s.FirstSeen.String(), s.LastSeen.String(), s.Severity, fmt.Sprint(s.Case), s.CaseName,
			strings.Join(s.Group, ", "), fmt.Sprint(s.Events)}
	}
	return result{data: signals, header: []string{"FIRST SEEN", "LAST SEEN", "SEVERITY", "CASE", "NAME", "GROUP", "EVENTS"}, rows: rows, none: "no signals"}.print(c)
}
