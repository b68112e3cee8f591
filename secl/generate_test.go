package secl_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nightjar/secl"
	"nightjar/secl/event"
)

// The texts from which conditions and events are drawn: few, so that they meet.
var (
	words    = []string{"", "a", "ab", "abc", "sh", "bash", "-c", "x*", "/", "."}
	paths    = []string{"", "/a", "/a/b", "/a/b/c", "/a/", "/usr/bin/sh", "/usr/lib/b", "/b"}
	patterns = []string{"*", "a*", "*b", "*b*", "a*c", "ab", "*a*c*", "**"}
	globs    = []string{"/a", "/*", "/a/*", "/a/**", "/**/b", "*/b", "/a/*/c", "/*/b*", "/usr/**/sh", "**", "/a/**/c", "*b*"}
	regexps  = []string{"a", "^a", "b$", "^a.*c$", ".*(ab|sh).*", "[a-c]+", "^$"}
)

// drawRule draws a condition about exec events.
func drawRule(t *rapid.T) string { return drawCond(t, 3) }

func drawCond(t *rapid.T, depth int) string {
	if depth == 0 {
		return drawLeaf(t)
	}
	switch rapid.IntRange(0, 5).Draw(t, "shape") {
	case 0:
		return "(" + drawCond(t, depth-1) + " && " + drawCond(t, depth-1) + ")"
	case 1:
		return "(" + drawCond(t, depth-1) + " || " + drawCond(t, depth-1) + ")"
	case 2:
		return drawCond(t, depth-1) + " && " + drawCond(t, depth-1) + " || " + drawCond(t, depth-1)
	case 3:
		return "!(" + drawCond(t, depth-1) + ")"
	}
	return drawLeaf(t)
}

func pick(t *rapid.T, from ...string) string { return rapid.SampledFrom(from).Draw(t, "one") }

func drawLeaf(t *rapid.T) string {
	switch rapid.IntRange(0, 9).Draw(t, "leaf") {
	case 0:
		return pick(t, "exec.file.path", "process.parent.file.path", "process.ancestors.file.path", "process.ancestors[A].file.path") +
			pick(t, " == ", " != ") + drawPath(t)
	case 1:
		return pick(t, "exec.file.path", "process.ancestors[A].file.path") + pick(t, " in ", " not in ") + "[" + drawPath(t) + ", " + drawPath(t) + "]"
	case 2:
		return drawTextField(t) + pick(t, " == ", " != ") + drawText(t)
	case 3:
		return drawTextField(t) + pick(t, " =~ ", " !~ ") + `"` + rapid.SampledFrom(patterns).Draw(t, "pattern") + `"`
	case 4:
		return drawTextField(t) + pick(t, " in ", " not in ") + "[" + drawText(t) + ", " + drawText(t) + ", " + drawText(t) + "]"
	case 5:
		return drawText(t) + pick(t, " in ", " not in ") + pick(t, "exec.argv", "process.ancestors.comm", "process.ancestors.argv")
	case 6:
		return drawNumber(t) + pick(t, " < ", " <= ", " > ", " >= ", " == ", " != ") + drawNumber(t)
	case 7:
		return pick(t, "process.ancestors.pid", "process.ancestors[A].pid") + pick(t, " < ", " >= ", " == ", " != ") + drawNumber(t)
	case 8:
		return pick(t, "exec.file.in_upper_layer", "exec.is_thread", "exec.is_thread == true", "exec.is_thread != true", "true", "false",
			`exec.comm == process.parent.comm`, `exec.argv in process.ancestors.comm`, `exec.comm in exec.argv`)
	}
	return pick(t, "exec.uid", "exec.created_at") + pick(t, " in ", " not in ") + "[1, 2, 3]"
}

func drawTextField(t *rapid.T) string {
	return pick(t, "exec.comm", "exec.args", "exec.argv", "exec.argv[0]", "process.parent.comm", "process.ancestors.comm",
		"process.ancestors[A].comm", "process.ancestors.argv", "process.ancestors[A].argv", "exec.file.name")
}

func drawPath(t *rapid.T) string {
	if rapid.Bool().Draw(t, "glob") {
		return `~"` + rapid.SampledFrom(globs).Draw(t, "glob") + `"`
	}
	p := rapid.SampledFrom(paths).Draw(t, "path")
	return `"` + strings.TrimSuffix(p, "/") + `"`
}

func drawText(t *rapid.T) string {
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0:
		return `~"` + rapid.SampledFrom(patterns).Draw(t, "pattern") + `"`
	case 1:
		return `r"` + rapid.SampledFrom(regexps).Draw(t, "regexp") + `"`
	}
	return `"` + rapid.SampledFrom(words).Draw(t, "word") + `"`
}

func drawNumber(t *rapid.T) string {
	switch rapid.IntRange(0, 4).Draw(t, "number") {
	case 0:
		return "exec.uid"
	case 1:
		return "(exec.uid " + pick(t, "+", "-", "&", "|", "^") + " " + fmt.Sprint(rapid.IntRange(0, 4).Draw(t, "n")) + ")"
	case 2:
		return pick(t, "^", "- ") + "exec.gid"
	}
	return fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "n"))
}

// drawEvent draws an exec event.
func drawEvent(t *rapid.T) *event.Event {
	process := func() *event.Process {
		p := &event.Process{
			PID: rapid.Int64Range(0, 5).Draw(t, "pid"), UID: rapid.Int64Range(0, 5).Draw(t, "uid"), GID: rapid.Int64Range(0, 3).Draw(t, "gid"),
			CreatedAt: rapid.Int64Range(0, 4).Draw(t, "created"), Comm: rapid.SampledFrom(words).Draw(t, "comm"),
			IsThread: rapid.Bool().Draw(t, "thread"),
		}
		p.SetArgv(rapid.SliceOfN(rapid.SampledFrom(words), 0, 3).Draw(t, "argv"))
		p.File.SetPath(rapid.SampledFrom(paths).Draw(t, "path"))
		p.File.InUpperLayer = rapid.Bool().Draw(t, "upper")
		if rapid.IntRange(0, 4).Draw(t, "link") == 0 {
			p.SymlinkPath, p.SymlinkName = "/a/b", "b"
		}
		return p
	}
	e := &event.Event{Type: "exec", Process: process()}
	for p, n := e.Process, rapid.IntRange(0, 3).Draw(t, "ancestors"); n > 0; n-- {
		p.Parent = process()
		p = p.Parent
	}
	return e
}

func env() *secl.Env { return &secl.Env{Model: event.Model()} }

// TestTheCompilerAgreesWithTheWordsOfTheLanguage compares compiled conditions
// with a plain reading of their trees, over drawn conditions and events.
func TestTheCompilerAgreesWithTheWordsOfTheLanguage(t *testing.T) {
	matched, checked := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text := drawRule(t)
		rule, err := secl.Check(text, env())
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		program := secl.Compile(rule)
		for range 4 {
			c := &secl.Context{Event: drawEvent(t), Now: 3}
			want := oracleMatch(rule, c)
			if got := program.Match(c); got != want {
				t.Fatalf("%s: got %t, want %t for %+v", text, got, want, c.Event.(*event.Event).Process)
			}
			if checked++; want {
				matched++
			}
		}
	})
	if matched < checked/20 || matched > checked*19/20 {
		t.Errorf("%d of %d matched: the cases tell little", matched, checked)
	}
}

// TestWhatIsPrintedIsParsedToTheSameTree holds it for drawn conditions.
func TestWhatIsPrintedIsParsedToTheSameTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawRule(t)
		tree, err := secl.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := secl.Parse(secl.Format(tree))
		if err != nil || !secl.SameTree(tree, again) {
			t.Fatalf("%s is printed as %s: %v", text, secl.Format(tree), err)
		}
	})
}

// TestADiscarderNeverHidesAMatch holds what discarders promise: where one field
// alone makes a rule impossible, no event with that value matches.
func TestADiscarderNeverHidesAMatch(t *testing.T) {
	discarded := 0
	rapid.Check(t, func(t *rapid.T) {
		rule, err := secl.Check(drawNarrow(t), env())
		if err != nil {
			t.Fatal(err)
		}
		program := secl.Compile(rule)
		c := &secl.Context{Event: drawEvent(t), Now: 3}
		for _, name := range []string{"exec.file.path", "exec.comm", "exec.uid"} {
			verdict := secl.CompilePartial(rule, event.Model().Field(name)).Verdict(c)
			if verdict == secl.Impossible {
				discarded++
			}
			match := program.Match(c)
			if verdict == secl.Impossible && match || verdict == secl.Certain && !match {
				t.Fatalf("%s: %s gives %d, and the match is %t", rule.Text, name, verdict, match)
			}
		}
	})
	if discarded == 0 {
		t.Error("nothing was discarded: the cases tell nothing")
	}
}

// TestAnApproverHidesNoMatch holds what approvers promise: an event that matches
// has one of the values.
func TestAnApproverHidesNoMatch(t *testing.T) {
	approved := 0
	caps := []secl.Capability{
		{Field: "exec.file.path", Kinds: []secl.ValueKind{secl.KindScalar, secl.KindGlob}, Weight: 3},
		{Field: "exec.comm", Kinds: []secl.ValueKind{secl.KindScalar, secl.KindPattern}, Weight: 2},
		{Field: "exec.uid", Kinds: []secl.ValueKind{secl.KindScalar, secl.KindRange}, Low: 0, High: 10},
	}
	rapid.Check(t, func(t *rapid.T) {
		rule, err := secl.Check(drawNarrow(t), env())
		if err != nil {
			t.Fatal(err)
		}
		a := secl.Approve(rule, event.Model(), caps)
		if a == nil {
			return
		}
		approved++
		program := secl.Compile(rule)
		for range 5 {
			e := drawEvent(t)
			e.Process.SymlinkPath, e.Process.SymlinkName = "", ""
			if program.Match(&secl.Context{Event: e, Now: 3}) && !approves(a, e.Process) {
				t.Fatalf("%s: %s approves %v, and an event with another value matches: %+v", rule.Text, a.Capability.Field, a.Values, e.Process)
			}
		}
	})
	if approved == 0 {
		t.Error("nothing was approved: the cases tell nothing")
	}
}

// drawNarrow draws a rule that asks for a value of one field, and something else.
func drawNarrow(t *rapid.T) string {
	one := pick(t, `exec.comm == "sh"`, `exec.comm in ["a", ~"b*"]`, `exec.file.path in [~"/a/**", "/b"]`, `exec.uid >= 2`, `exec.uid in [1, 4]`)
	return one + pick(t, " && ", " && ", " || ") + "(" + drawRule(t) + ")"
}

// TestWhatIsUnsatisfiableNeverMatches holds what the linter says of such rules.
func TestWhatIsUnsatisfiableNeverMatches(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		rule, err := secl.Check(drawNarrow(t)+` && `+pick(t, `exec.comm != "sh"`, `exec.comm == "ab"`, `exec.uid < 2`, `exec.uid == 9`), env())
		if err != nil {
			t.Fatal(err)
		}
		f := secl.Unsatisfiable(rule)
		if f == nil {
			return
		}
		found++
		program := secl.Compile(rule)
		for range 10 {
			if program.Match(&secl.Context{Event: drawEvent(t), Now: 3}) {
				t.Fatalf("%s: no value of %s is said to satisfy it, and an event matches", rule.Text, f.Name)
			}
		}
	})
	if found == 0 {
		t.Error("nothing was unsatisfiable: the cases tell nothing")
	}
}

func approves(a *secl.Approvers, p *event.Process) bool {
	for _, v := range a.Values {
		switch a.Capability.Field {
		case "exec.uid":
			if v.Kind == secl.KindScalar && v.Value.Int == p.UID || v.Kind == secl.KindRange && p.UID >= v.Low && p.UID <= v.High {
				return true
			}
		case "exec.comm":
			if means(v.Value, p.Comm, false) {
				return true
			}
		default:
			if means(v.Value, p.File.Path, true) {
				return true
			}
		}
	}
	return false
}

// TestARegexpStandsForWhatALiteralDoes holds the form in which literals reach the
// database against the matcher of events.
func TestARegexpStandsForWhatALiteralDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]rune("ab/*.[B\n"))
		v := secl.Value{Kind: secl.String, Text: rapid.StringOfN(alphabet, 0, 7, -1).Draw(t, "literal"), Form: rapid.SampledFrom([]secl.Form{secl.Scalar, secl.Pattern}).Draw(t, "form")}
		path, fold := rapid.Bool().Draw(t, "path"), rapid.Bool().Draw(t, "fold")
		match, err := secl.NewTextMatcher(v, path, fold)
		if err != nil {
			return // two ** in a path
		}
		re, err := regexp.Compile(secl.TextRegexp(v, path, fold))
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			text := rapid.StringOfN(alphabet, 0, 7, -1).Draw(t, "text")
			if got, want := re.MatchString(text) && (text != "" || !path || v.Form == secl.Scalar), match(text); got != want {
				t.Fatalf("%s on %q (path %t, fold %t): %s gives %t, the matcher %t", v, text, path, fold, re, got, want)
			}
		}
	})
}
