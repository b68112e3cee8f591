package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/compiler"
	"nightjar/schema"
	"nightjar/testenv"
)

// oracleSignal is a signal as the independent evaluator's files have it.
type oracleSignal struct {
	Case      int      `json:"case"`
	Group     []string `json:"group"`
	FirstSeen int64    `json:"first_seen"`
	LastSeen  int64    `json:"last_seen"`
	Severity  string   `json:"severity"`
}

// oracleCase is a rule, its events and the signals they must give, when one looks
// at a moment.
type oracleCase struct {
	name, dir string
	rule      map[string]any
	events    []map[string]any
	until     schema.Millis
	want      []oracleSignal
}

// oracleCases are those of a kind that the engine evaluates.
func oracleCases(t *testing.T) []oracleCase {
	t.Helper()
	var out []oracleCase
	for _, kind := range []string{"signals", "absence"} {
		dirs, err := filepath.Glob(filepath.Join(testenv.SharedOr(t, "conformance/"+kind, "scheduler/testdata/conformance/"+kind), "*"))
		if err != nil {
			t.Fatal(err)
		}
		evaluated := 0
		for _, dir := range dirs {
			var rule schema.Rule
			readJSONFile(t, filepath.Join(dir, "rule.json"), &rule)
			if plan, _, err := compiler.Compile(rule); err != nil {
				t.Fatalf("%s: %v", dir, err)
			} else if plan.Unsupported == "" {
				evaluated++
				out = append(out, readOracleCase(t, kind+"-"+filepath.Base(dir), dir))
			}
		}
		if len(dirs) < 20 || evaluated < len(dirs)*9/10 {
			t.Fatalf("only %d cases of conformance/%s are of a kind that we evaluate", evaluated, kind)
		}
	}
	slices.SortFunc(out, func(a, b oracleCase) int { return strings.Compare(a.name, b.name) })
	return out
}

// everyNth are the first case and every nth behind it.
func everyNth(n int, cases []oracleCase) (out []oracleCase) {
	for i := 0; i < len(cases); i += n {
		out = append(out, cases[i])
	}
	return out
}

// readOracleCase reads a case. The moment at which one looks is that of until.txt,
// or of the newest event.
func readOracleCase(t *testing.T, name, dir string) oracleCase {
	t.Helper()
	c := oracleCase{name: name, dir: dir, until: schema.MinMillis}
	readJSONFile(t, filepath.Join(dir, "rule.json"), &c.rule)
	readJSONFile(t, filepath.Join(dir, "expected.json"), &c.want)
	for _, line := range readLines(t, filepath.Join(dir, "events.ndjson")) {
		var e map[string]any
		d := json.NewDecoder(bytes.NewReader([]byte(line)))
		d.UseNumber()
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		at, err := e["timestamp"].(json.Number).Int64()
		if err != nil {
			t.Fatal(err)
		}
		c.events, c.until = append(c.events, e), max(c.until, schema.Millis(at))
	}
	if text, err := os.ReadFile(filepath.Join(dir, "until.txt")); err == nil {
		at, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		c.until = schema.Millis(at)
	}
	return c
}

// offline is what a backtest of the case's file finds, looking at a moment.
func (c *oracleCase) offline(t *testing.T, until schema.Millis) []oracleSignal {
	t.Helper()
	signals, err := backtest(t, filepath.Join(c.dir, "rule.json"), filepath.Join(c.dir, "events.ndjson"), until)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	return signalsOf(signals)
}

func signalsOf(list []signalFound) []oracleSignal {
	out := []oracleSignal{}
	for _, s := range list {
		out = append(out, oracleSignal{s.Case, append([]string{}, s.Group...), int64(s.FirstSeen), int64(s.LastSeen), s.Severity})
	}
	return out
}

func readJSONFile(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestBacktestGivesTheSignalsOfTheOracle runs the command over the file of every fourth
// case: it is a process each, and what it does with all of them, nightjar/scheduler's
// TestReplayGivesTheExpectedSignals and TestLiveEvaluationGivesTheSignalsOfTheOracle hold.
func TestBacktestGivesTheSignalsOfTheOracle(t *testing.T) {
	t.Parallel()
	for _, c := range everyNth(4, oracleCases(t)) {
		until := c.until
		if strings.HasPrefix(c.name, "signals-") {
			until = schema.MaxMillis // as without --until
		}
		if diff := cmp.Diff(c.want, c.offline(t, until)); diff != "" {
			t.Errorf("case %s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestLiveEvaluationGivesTheSignalsOfTheOracle runs all cases at once through
// one engine: every case's events carry a tag of their own, which its rule
// requires. They come shuffled, in random requests, with the engine and the server
// killed in between; a third of the cases also without that. The clock has long passed them, so
// that they are looked at when all has fallen silent that would, and what is found
// is the same whenever one looks.
func TestLiveEvaluationGivesTheSignalsOfTheOracle(t *testing.T) {
	t.Parallel() // it waits more than it works
	cases := oracleCases(t)
	all, now := map[string][]oracleSignal{}, schema.MillisOf(time.Now())
	for _, c := range cases {
		all[c.name] = inOrder(c.offline(t, now))
	}
	for _, killing := range []bool{false, true} {
		t.Run(fmt.Sprintf("killing=%t", killing), func(t *testing.T) {
			t.Parallel()
			cases := cases
			if !killing {
				cases = everyNth(3, cases)
			}
			want, events := map[string][]oracleSignal{}, []map[string]any{}
			for _, c := range cases {
				want[c.name] = all[c.name]
				for _, e := range c.events {
					events = append(events, tagged(e, c.name))
				}
			}
			p := startEngine(t, append([]string{"--silence-delay", "2s"}, longAgo...)...)
			for _, c := range cases {
				p.createTagged(c)
			}
			before := map[int]func(){}
			if killing {
				kill := func() { p.kill(); p.start() }
				before = map[int]func(){5: kill, 11: p.killServer, 17: kill, 23: kill, 29: p.killServer}
			}
			p.sendShuffled(events, before)
			p.caughtUp()
			diff := ""
			for end := time.Now().Add(patience); ; time.Sleep(time.Second) {
				got := map[string][]oracleSignal{}
				for _, c := range cases {
					got[c.name] = []oracleSignal{}
				}
				for _, s := range p.signals("") {
					got[s.Rule] = append(got[s.Rule], oracleSignal{s.Case, s.Group, s.FirstSeen, s.LastSeen, s.Severity})
				}
				for name := range got {
					got[name] = inOrder(got[name])
				}
				if diff = cmp.Diff(want, got); diff == "" || time.Now().After(end) {
					break
				}
			}
			if diff != "" {
				t.Errorf("by case (-want +got):\n%s", diff)
			}
		})
	}
}

// createTagged creates the case's tagged rule.
func (p *process) createTagged(c oracleCase) {
	p.t.Helper()
	body, err := json.Marshal(taggedRule(c))
	if err != nil {
		p.t.Fatal(err)
	}
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", body, nil)
}

// taggedRule is the case's rule, named after it and for its events only.
func taggedRule(c oracleCase) map[string]any {
	rule := maps.Clone(c.rule)
	filters, _ := rule["filters"].([]any)
	rule["name"] = c.name
	rule["filters"] = append(filters[:len(filters):len(filters)], map[string]any{"action": "require", "query": "oracle:" + c.name})
	return rule
}

func tagged(e map[string]any, name string) map[string]any {
	out := map[string]any{}
	for k, v := range e {
		out[k] = v
	}
	tags, _ := e["tags"].([]any)
	out["tags"] = append(tags[:len(tags):len(tags)], "oracle:"+name)
	return out
}

// sendShuffled sends events in random order and requests, some of them twice.
func (p *process) sendShuffled(events []map[string]any, before map[int]func()) {
	p.t.Helper()
	random := rand.New(rand.NewPCG(3, 9))
	random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	for n := 0; len(events) > 0; n++ {
		if do := before[n]; do != nil {
			do()
		}
		size := min(len(events), 1+random.IntN(1000))
		body, err := json.Marshal(events[:size])
		if err != nil {
			p.t.Fatal(err)
		}
		for range 1 + random.IntN(2) {
			p.sendUntilAcknowledged(body, fmt.Sprintf("request-%d", n))
		}
		events = events[size:]
		time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond)
	}
}

// inOrder sorts by first seen, case and group, as the oracle does.
func inOrder(signals []oracleSignal) []oracleSignal {
	out := append([]oracleSignal{}, signals...)
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		switch {
		case a.FirstSeen != b.FirstSeen:
			return a.FirstSeen < b.FirstSeen
		case a.Case != b.Case:
			return a.Case < b.Case
		}
		return slices.Compare(a.Group, b.Group) < 0
	})
	return out
}
