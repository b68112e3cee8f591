package ruletest

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"nightjar/compiler"
	"nightjar/scheduler/oracle"
	"nightjar/schema"
)

// unread are the cases that the plain evaluator does not read.
var unread = []string{"rules-over-signals/", "unusual-texts/"}

// TestTheOracleReadsTheCasesOfTheSemantics holds the plain evaluator to what the cases
// want, so that where it and the engine read docs/semantics.md differently, one of them
// fails. It knows no texts, tags or lists of values.
func TestTheOracleReadsTheCasesOfTheSemantics(t *testing.T) {
	ran, signals := 0, 0
	for _, path := range semanticsFiles(t) {
		if slices.ContainsFunc(unread, func(prefix string) bool { return strings.HasPrefix(caseName(path), prefix) }) {
			continue
		}
		s, _, err := read(path)
		if err != nil {
			t.Fatal(path, err)
		}
		for i := range s.Tests {
			r := run{suite: s, test: &s.Tests[i], start: defaultStart}
			want := plainly(*r.test.Signals)
			for _, problem := range r.compare(want, r.foundByTheOracle(t)) {
				t.Errorf("%s:%d: %s: %s", path, r.test.node.Line, r.test.Name, problem)
			}
			ran++
			signals += len(want)
		}
	}
	if ran < 160 || signals < 170 {
		t.Errorf("read %d tests with %d signals", ran, signals)
	}
}

// plainly is what is expected, without what the plain evaluator does not know.
func plainly(want []expectation) []expectation {
	want = slices.Clone(want)
	for i := range want {
		e := &want[i]
		e.Values, e.Title, e.Message, e.Contains, e.Tags = nil, nil, nil, nil, nil
		if e.Withheld != nil && !e.Withheld.any && e.Withheld.id == "" {
			e.Withheld = nil
		}
	}
	return want
}

// foundByTheOracle are the signals of a test, as the plain evaluator finds them.
func (r *run) foundByTheOracle(t *testing.T) []Signal {
	t.Helper()
	events, err := r.events(r.test.Events)
	if err != nil {
		t.Fatal(err)
	}
	events, horizon := r.look(events)
	var out []Signal
	for _, plan := range r.suite.plans {
		g := oracle.Given{
			Horizon: int64(horizon.Through), Tables: r.listings(t), Suppressions: r.documents(),
			Selects: func(query string) bool { return query == "*" },
			Withholds: func(query string, s *oracle.Signal) bool {
				return query == "*" || slices.Contains(s.Group, strings.TrimPrefix(query, "@usr.id:"))
			},
		}
		for _, s := range oracle.Signals(plan.Rule, events, g) {
			out = append(out, Signal{
				Rule: plan.Rule.Name, Case: s.Case, CaseName: nameOfCase(plan.Bind(), s.Case), Severity: s.Severity, Group: s.Group,
				FirstSeen: schema.Millis(s.First), LastSeen: schema.Millis(s.Last), Events: uint64(s.Events), Suppressed: s.Suppressed,
			})
		}
	}
	return out
}

func nameOfCase(plan *compiler.BoundPlan, at int) string {
	switch {
	case at < 0:
		return ""
	case len(plan.Rule.ThirdPartyCases) > 0:
		return plan.Rule.ThirdPartyCases[at].Name
	}
	return plan.Rule.Cases[at].Name
}

// documents are the test's suppressions as the API has them.
func (r *run) documents() []schema.Suppression {
	var out []schema.Suppression
	for _, list := range [][]suppressionCase{r.suite.Suppressions, r.test.Suppressions} {
		for i := range list {
			out = append(out, list[i].document(r.start))
		}
	}
	return out
}

// listings are the test's tables, by name and column, compared text by text.
func (r *run) listings(t *testing.T) listings {
	t.Helper()
	out := listings{values: map[[2]string][]string{}, since: r.start}
	for _, table := range slices.Concat(r.suite.Tables, r.test.Tables) {
		text, err := table.text(r.suite.folder)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			for i, cell := range row {
				at := [2]string{table.Name, rows[0][i]}
				out.values[at] = append(out.values[at], cell)
			}
		}
	}
	return out
}

type listings struct {
	values map[[2]string][]string
	since  schema.Millis
}

func (l listings) Lists(table, column, value string, _ schema.Millis) bool {
	return slices.Contains(l.values[[2]string{table, column}], value)
}

func (l listings) Listed(table, column string, _ schema.Millis) map[string]schema.Millis {
	out := map[string]schema.Millis{}
	for _, value := range l.values[[2]string{table, column}] {
		out[value] = l.since
	}
	return out
}
