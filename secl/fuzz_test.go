package secl_test

import (
	"errors"
	"strings"
	"testing"

	"nightjar/secl"
	"nightjar/secl/event"
)

// seeds are conditions of every shape, right and wrong.
var seeds = []string{
	`exec.file.path == "/usr/bin/sh" && process.ancestors[A].comm in ["a", ~"b*", r"c.*"]`,
	`a && b || c`, `!x == y`, `1 + 2 - -3 & 4 ^ 5 == --6`, `process.created_at < 10ms`, `connect.addr.ip in [10.0.0.0/8, ::1, ::ffff:1.2.3.4/120]`,
	`"${process.pid} %{exec.args} ${x" != ""`, `open.flags & (O_CREAT | O_EXCL) > 0`, `# comment` + "\n" + `exec.uid // more` + "\n" + `not in [1]`,
	`in["x"]`, `a =~"x"`, `10.5 == 1`, `"é` + "\xff" + `"`, `((((`, `exec.args ~= "*x*"`, `exec.comm in [`, `f[0][A].x == 1`, "a\r== 1", `12:34:56 == 1`,
	`exec.argv allin ["a"]`, `0x1f == 1`, `9223372036854775808 == 1`, `^ ^ - - ! ! true`, `dns.question.name =~ "*.Example.com"`, strings.Repeat("(", 3000),
}

// holdsPlaces fails unless every mistake has a place.
func holdsPlaces(t *testing.T, text string, err error) {
	t.Helper()
	var list secl.Errors
	if !errors.As(err, &list) || len(list) == 0 {
		t.Fatalf("%q: the error has no places: %v", text, err)
	}
	for _, e := range list {
		if e.Line < 1 || e.Column < 1 || e.Message == "" {
			t.Fatalf("%q: a mistake without a place: %+v", text, e)
		}
	}
}

// FuzzParse holds that any text is either parsed, and then printed so that it is
// parsed to the same tree, or has mistakes with places.
func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func(string) (secl.Node, error){secl.Parse, secl.ParseMacro} {
			tree, err := parse(text)
			if err != nil {
				holdsPlaces(t, text, err)
				continue
			}
			printed := secl.Format(tree)
			again, err := parse(printed)
			if err != nil || !secl.SameTree(tree, again) {
				t.Fatalf("%q is printed as %q, which is another tree: %v", text, printed, err)
			}
		}
	})
}

// FuzzEvaluate holds that what is checked is evaluated, explained and reasoned
// about without a panic, and that these agree.
func FuzzEvaluate(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, "sh", "/usr/bin/sh", int64(1))
	}
	f.Fuzz(func(t *testing.T, text, word, path string, n int64) {
		macro, err := secl.CheckMacro("LIST", `["a", ~"b*"]`, env())
		if err != nil {
			t.Fatal(err)
		}
		names := &secl.Env{
			Model:  event.Model(),
			Macros: map[string]*secl.Macro{"LIST": macro},
			Vars:   map[string]*secl.Var{"x": {Name: "x", Read: func(*secl.Context) string { return word }}},
		}
		rule, err := secl.Check(text, names)
		if err != nil {
			holdsPlaces(t, text, err)
			return
		}
		kind := rule.Event()
		if kind == "" {
			kind = "exec"
		}
		p := &event.Process{PID: n, Comm: word, Parent: &event.Process{Comm: path}}
		p.SetArgv([]string{word, path, "-" + word})
		p.File.SetPath(path)
		e := &event.Event{Type: kind, Process: p, Retval: n, File: p.File}
		e.DNS.Name = word
		c := &secl.Context{Event: e, Now: n}
		match := secl.Compile(rule).Match(c)
		if why := secl.Explain(rule, c); why.Match != match {
			t.Fatalf("%q: the evaluation gives %t, its explanation %t", text, match, why.Match)
		}
		if spans := secl.MatchingSpans(rule, c); !match && spans != nil {
			t.Fatalf("%q: it does not match, and spans say why it does", text)
		}
		for _, field := range rule.Fields() {
			v := secl.CompilePartial(rule, field).Verdict(c)
			if v == secl.Impossible && match || v == secl.Certain && !match {
				t.Fatalf("%q: %s alone gives %d, and the match is %t", text, field.Name, v, match)
			}
			secl.Approve(rule, names.Model, []secl.Capability{{Field: field.Name, Kinds: []secl.ValueKind{secl.KindScalar, secl.KindBitmask, secl.KindRange}}})
		}
		secl.Unsatisfiable(rule)
	})
}
