package secl_test

import (
	"errors"
	"strings"
	"testing"

	"nightjar/secl"
	"nightjar/secl/event"
)

// TestEveryMistakeIsToldWithItsPlace lists what is wrong in conditions, all of it,
// and where.
func TestEveryMistakeIsToldWithItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		`exec.file.name == 3 && exec.uid == "x"`:   "1:19: got int, want string\n1:36: got string, want int",
		`exec.fil.name == "x"`:                     `1:1: no field "exec.fil.name"; did you mean exec.file.name?`,
		`exec.uid == 1 && open.flags == 1`:         "1:18: open.flags is a field of open events, but the rule is about exec events; make two rules of it",
		`${process.comm} == "x"`:                   `1:1: no variable "process.comm"; for the field write %{process.comm}`,
		`exec.args ~= "x" && exec.comm == `:        "1:11: unexpected token \"~\"; ~= is not an operator, did you mean =~?\n1:34: unexpected end of the expression (expected a value, a name or a parenthesis)",
		`exec.file.path == r"x"`:                   "1:19: exec.file.path: regular expressions can't be used on paths; write a pattern",
		`exec.file.path == "/a/../b"`:              "1:19: exec.file.path: a path has no //, no /./, no .. and no / at the end; write /b",
		`exec.file.path =~ "/a/**/b/**"`:           "1:19: exec.file.path: ** can stand in a path only once",
		`exec.comm == "a" && exec.uid in [1, "b"]`: "1:37: the members of a list are of one kind",
		`process.created_at != 10s && exec.uid==1`: "1:23: a duration can't be compared with !=; write < or >",
		`1+2 == 3`:                              "1:2: unexpected token \"+2\"; for arithmetic put a space after +",
		`bpf.cmd in [BPF_MAP_CREATE]`:           "1:13: the name \"BPF_MAP_CREATE]\" takes the ] with it; put a space before the ]",
		"exec.uid == 1\r":                       `1:14: no token begins with '\r'`,
		`exec.comm == "é" && exec.uid == "ü"`:   "1:33: got string, want int",
		"exec.uid == 1 &&\n  exec.comm > \"a\"": "2:15: got string, want string",
		`exec.comm[0] == "a"`:                   "1:1: exec.comm is a string: it has no [0]",
		`process.parent[A].comm == "a"`:         "1:1: process.parent can't be iterated: there is only one of it",
		`exec.uid`:                              "1:1: got int, want a condition",
		`connect.addr.ip == 0.0.0.0`:            `1:20: unknown IP address format "0.0.0.0"`,
	} {
		_, err := secl.Check(text, env())
		if err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

// TestALongNameIsRefusedAtOnce holds that what resembles a name is not looked for where
// nothing can: of so long a name that would take minutes.
func TestALongNameIsRefusedAtOnce(t *testing.T) {
	name := strings.Repeat("x", 1<<20)
	_, err := secl.Check(name, env())
	if err == nil || err.Error() != `1:1: no field, macro or constant "`+name+`"` {
		t.Errorf("got %.100v", err)
	}
}

// TestManyMistakesAreCounted holds that a text of nothing but mistakes does not
// make as many errors as it has bytes.
func TestManyMistakesAreCounted(t *testing.T) {
	_, err := secl.Parse(strings.Repeat("= && ", 100_000))
	var list secl.Errors
	if !errors.As(err, &list) || len(list) != 101 || !strings.Contains(list[100].Message, "more mistakes") {
		t.Errorf("got %d errors, the last %v", len(list), list[len(list)-1])
	}
}

// TestAndHasNoPrecedenceOverOr pins the reading of the language's origin: one
// level, to the right.
func TestAndHasNoPrecedenceOverOr(t *testing.T) {
	for mixed, plain := range map[string]string{
		`a && b || c`:          `a && (b || c)`,
		`a || b && c`:          `a || (b && c)`,
		`a && b || c && d`:     `a && (b || (c && d))`,
		`!a == b`:              `(!a) == b`,
		`a == b == c`:          `a == (b == c)`,
		`a + b - c == d`:       `(a + b) - c == d`,
		`a & b | c > 0`:        `(a & (b | c)) > 0`,
		`a + b & c == 1`:       `a + (b & c) == 1`,
		`not a and b or c`:     `(!a) && (b || c)`,
		`x not in [1] && true`: `(x not in [1]) && true`,
	} {
		a, err1 := secl.Parse(mixed)
		b, err2 := secl.Parse(plain)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if got, want := shape(a), shape(b); got != want {
			t.Errorf("%s is read as %s, want %s", mixed, got, want)
		}
	}
}

// shape writes a tree with all parentheses and no others.
func shape(n secl.Node) string {
	switch n := n.(type) {
	case *secl.Binary:
		return "(" + shape(n.L) + " " + n.Op.String() + " " + shape(n.R) + ")"
	case *secl.Unary:
		return n.Op.String() + shape(n.X)
	case *secl.Paren:
		return shape(n.X)
	}
	return secl.Format(n)
}

// TestMacrosThatDoubleAreRefused holds that macros which use macros twice can't
// make a small policy an endless one.
func TestMacrosThatDoubleAreRefused(t *testing.T) {
	names := env()
	names.Macros = map[string]*secl.Macro{}
	text := `exec.uid == 1`
	for i := range 40 {
		name := "M" + strings.Repeat("M", i)
		m, err := secl.CheckMacro(name, text, names)
		if err != nil {
			if !strings.Contains(err.Error(), "parts") {
				t.Error(err)
			}
			return
		}
		names.Macros[name] = m
		text = name + " || " + name
	}
	t.Error("40 doublings were accepted")
}

// TestEvaluationAllocatesNothing holds it for every kind of comparison.
func TestEvaluationAllocatesNothing(t *testing.T) {
	rule, err := secl.Check(`(exec.file.path in [~"/x/**", "/y"] || exec.args =~ "*z*" || exec.argv in ["q", ~"w*"] ||
		process.ancestors.comm == "e" || exec.uid in [7, 8] || exec.created_at > 1h || exec.comm == "a${process.pid}b%{exec.uid}") && true`, env())
	if err != nil {
		t.Fatal(err)
	}
	p := &event.Process{Comm: "sh", Parent: &event.Process{Comm: "init"}}
	p.SetArgv([]string{"sh", "-c", "ls"})
	p.File.SetPath("/usr/bin/sh")
	c, program := &secl.Context{Event: &event.Event{Type: "exec", Process: p}}, secl.Compile(rule)
	program.Match(c) // makes the buffers
	if n := testing.AllocsPerRun(100, func() {
		if program.Match(c) {
			t.Fatal("it matches")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestExplanationsHaveTheValueOfEveryPart explains a rule with a macro and a
// register.
func TestExplanationsHaveTheValueOfEveryPart(t *testing.T) {
	names := env()
	m, err := secl.CheckMacro("SHELL", `exec.comm in ["sh", "bash"]`, names)
	if err != nil {
		t.Fatal(err)
	}
	names.Macros = map[string]*secl.Macro{"SHELL": m}
	rule, err := secl.Check(`SHELL && process.ancestors[A].comm == "sshd"`, names)
	if err != nil {
		t.Fatal(err)
	}
	p := &event.Process{Comm: "sh", Parent: &event.Process{Comm: "su", Parent: &event.Process{Comm: "sshd"}}}
	why := secl.Explain(rule, &secl.Context{Event: &event.Event{Type: "exec", Process: p}})
	if !why.Match || why.Element != 1 {
		t.Errorf("match %t at element %d, want true at 1", why.Match, why.Element)
	}
	values := map[string]any{}
	for _, s := range why.Steps {
		values[s.Text] = s.Value
	}
	if values["SHELL"] != true || values["exec.comm"] != "sh" || values[`exec.comm in ["sh", "bash"]`] != true {
		t.Errorf("got %v", values)
	}
}
