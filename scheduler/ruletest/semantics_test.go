package ruletest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nightjar/testenv"
)

// semanticsDir has the rule tests of docs/semantics.md: SECTION/HEADING_test.yaml,
// or SECTION/HEADING.MORE_test.yaml where a heading has several files.
const semanticsDir = "testdata/semantics"

// heldElsewhere names, for headings that no rule test can show in full, the tests that
// hold them: what is refused when a rule is made, what live evaluation does with a
// clock, a crash or a late arrival, and limits that need real data.
var heldElsewhere = map[string][]string{
	"Order of arrival":               {"TestLiveEvaluationEqualsReplayInAnyOrderAndThroughFaults", "TestLateEventsAreTakenInAndCounted"},
	"Times that cannot be right":     {"TestTimesAheadAreArrivalTimes", "TestATimeOfBefore2000IsNotLate", "TestClocksThatAreOffAreInTheStatus"},
	"The most groups of one event":   {"TestWhatIsLeftOutOfAnEventIsAWarning", "TestAnEventInTooManyGroupsIsNoted", "TestTuplesAreCappedLikeGroups"},
	"Conditions that are refused":    {"TestConditionsSayWhereTheyGoWrong"},
	"Chains that never hold":         {"TestWhatIsWrongWithARuleIsToldInFull"},
	"The live horizon":               {"TestSilenceIsJudgedADelayBehindTheClock", "TestAnOutageOfOursIsNoSilence"},
	"Late events and silences":       {"TestALateEventTakesASilenceBack", "TestALateEventMovesASilence"},
	"Learning from the past":         {"TestRulesLearnFromThePastAtOnce"},
	"Seasons and past anomalies":     {"TestSeasonsAreFoundInTheData", "TestPastAnomaliesDoNotWidenTheBand"},
	"No silence of signals":          {"TestRulesOverSignalsRefuseSilence"},
	"What late events change":        {"TestLiveEvaluationEqualsReplayInAnyOrderAndThroughFaults"},
	"Durations that are allowed":     {"TestWhatIsWrongWithARuleIsToldInFull"},
	"Reference tables":               {"TestAnEventSeesTheTableOfItsArrival"},
	"When a suppression is in force": {"TestASuppressionWithholdsSignalsOpenedWhileItIsInForce"},
	"Parity":                         {"TestGeneratedRulesGiveTheSignalsOfTheOracle", "TestBacktestsOfStoredEventsGiveTheSignalsOfTheOracle", "TestTheOracleReadsTheCasesOfTheSemantics"},
	"Restarts":                       {"TestLiveEvaluationEqualsReplayInAnyOrderAndThroughFaults", "TestChaosOutage"},
	"Batches":                        {"TestLiveEvaluationEqualsReplayInAnyOrderAndThroughFaults"},
	"Changes of this page":           {"TestAnUpgradeMissesNobodyFromBefore"},
}

// warned are the cases whose rules are such as somebody is warned about.
var warned = map[string]string{
	"aggregations/sum-and-max":         "also holds when a group falls silent",
	"chains/chains-that-never-hold":    "with evaluationWindow 0 nothing lies within the window, so then never matches",
	"thresholds/no-window":             "never holds, so the case never matches",
	"thresholds/silence-points":        "never holds, so the case never matches",
	"thresholds/silence-points.counts": "also holds when a group falls silent",
}

// TestEveryPromiseOfTheSemanticsHasItsCases: a heading without a rule test and without
// a test elsewhere fails, as does a file of no heading, and one that does not begin by
// saying why it is there.
func TestEveryPromiseOfTheSemanticsHasItsCases(t *testing.T) {
	headings, slugs := semanticsHeadings(t), map[string]string{}
	for section, list := range headings {
		for _, h := range list {
			slugs[slug(section)+"/"+slug(h)] = h
		}
	}
	have := map[string]bool{}
	for _, path := range semanticsFiles(t) {
		name := caseName(path)
		of, _, _ := strings.Cut(name, ".")
		h, known := slugs[of]
		if have[h] = true; !known {
			t.Errorf("%s: docs/semantics.md has no heading for it", path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if why, _, _ := strings.Cut(string(text), "\n"); !strings.HasPrefix(why, "# ") || len(why) < 30 {
			t.Errorf("%s: its first line says why the case is there, as a comment", path)
		}
	}
	tests := testNames(t)
	for h, names := range heldElsewhere {
		if !slices.Contains(values(slugs), h) {
			t.Errorf("heldElsewhere has %q, which is no heading of docs/semantics.md", h)
		}
		for _, name := range names {
			if !tests[name] {
				t.Errorf("%q is held by %s, which is no test", h, name)
			}
		}
	}
	for at, h := range slugs {
		if !have[h] && heldElsewhere[h] == nil {
			t.Errorf("docs/semantics.md, %q has no case: write %s/%s_test.yaml", h, semanticsDir, at)
		}
	}
}

// TestTheCasesOfTheSemanticsPass runs them as nightjar test does. What it wants of each
// is also wanted a millisecond later, and must then differ: a case that would pass
// whatever the times are shows nothing.
func TestTheCasesOfTheSemanticsPass(t *testing.T) {
	for _, path := range semanticsFiles(t) {
		s, warnings, err := read(path)
		if err != nil {
			t.Errorf("%s:%v", path, err)
			continue
		}
		if want := warned[caseName(path)]; (want == "") != (len(warnings) == 0) || !strings.Contains(strings.Join(warnings, "\n"), want) {
			t.Errorf("%s: warnings %q, want %q", path, warnings, want)
		}
		for i := range s.Tests {
			r := run{suite: s, test: &s.Tests[i], start: defaultStart}
			problems, err := r.run()
			if err != nil || len(problems) > 0 {
				t.Errorf("%s:%d: %s: %v\n%s", path, r.test.node.Line, r.test.Name, err, strings.Join(problems, "\n"))
				continue
			}
			later := slices.Clone(*r.test.Signals)
			for j := range later {
				later[j].FirstSeen, later[j].LastSeen = aLittleLater(later[j].FirstSeen), aLittleLater(later[j].LastSeen)
			}
			if slices.ContainsFunc(later, func(e expectation) bool { return e.FirstSeen != nil || e.LastSeen != nil }) && len(r.compare(later, r.found)) == 0 {
				t.Errorf("%s:%d: %s passes a millisecond later too", path, r.test.node.Line, r.test.Name)
			}
		}
	}
}

func aLittleLater(m *moment) *moment {
	if m == nil {
		return nil
	}
	later := *m
	later.offset, later.at = later.offset+1e6, later.at+1
	return &later
}

func semanticsFiles(t *testing.T) []string {
	t.Helper()
	paths, err := Find(semanticsDir)
	if err != nil || len(paths) < 60 {
		t.Fatalf("found %d files, %v", len(paths), err)
	}
	return paths
}

// caseName is SECTION/HEADING of a file.
func caseName(path string) string {
	name, _ := filepath.Rel(semanticsDir, path)
	return strings.TrimSuffix(filepath.ToSlash(name), "_test.yaml")
}

// semanticsHeadings are the promises of docs/semantics.md, by section.
func semanticsHeadings(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testenv.ModuleRoot(t), "docs", "semantics.md"))
	if err != nil {
		t.Fatal(err)
	}
	out, section := map[string][]string{}, ""
	for line := range strings.Lines(string(text)) {
		if h, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(h)
		}
		if h, ok := strings.CutPrefix(line, "### "); ok {
			out[section] = append(out[section], strings.TrimSpace(h))
		}
	}
	return out
}

var notInSlugs = regexp.MustCompile(`[^a-z0-9]+`)

// slug is a heading as the name of a file.
func slug(heading string) string {
	return strings.Trim(notInSlugs.ReplaceAllString(strings.ToLower(heading), "-"), "-")
}

var testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// testNames are the names of all tests of the module.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	err := filepath.WalkDir(testenv.ModuleRoot(t), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range testFunction.FindAllSubmatch(text, -1) {
			out[string(m[1])] = true
		}
		return err
	})
	if err != nil || len(out) < 500 {
		t.Fatalf("found %d tests, %v", len(out), err)
	}
	return out
}

func values[K comparable, V any](m map[K]V) []V {
	var out []V
	for _, v := range m {
		out = append(out, v)
	}
	return out
}
