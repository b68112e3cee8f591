package grok

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// agree runs one rule on both engines. What they find, and where, must be the same;
// it reports whether the rule is one that both can run.
func agree(t testing.TB, body, text string) bool {
	t.Helper()
	p, err := Compile("r "+body, "")
	if err != nil || p.rules[0].pattern == "" || p.rules[0].onlyRE2 {
		return false
	}
	r := p.rules[0]
	var quick, re2 machine
	quick.text, re2.text = text, text
	found := r.try(&quick, dearSteps)
	if !found && quick.left <= 0 {
		return false // stopped: nothing is known
	}
	b := budget{dear: dearSteps, re2: 1 << 30}
	other, err := r.runRE2(&re2, &b)
	if err != nil {
		return false
	}
	if found != other || found && !slices.Equal(quick.slots, re2.slots) {
		t.Errorf("%s on %q: backtracking %v %v, RE2 %v %v", body, text, found, quick.slots, other, re2.slots)
	}
	if found && !r.sieve.passes(text) {
		t.Errorf("%s on %q matches, and the sieve %+v says it can't", body, text, r.sieve)
	}
	return true
}

// patterns writes random rules of what both engines know.
type patterns struct {
	*rand.Rand
	names int
}

func (g *patterns) pattern(depth int) string {
	switch n := g.IntN(22); {
	case depth <= 0 || n < 5:
		return g.pick("a", "b", "ab", "1", ".", " ", "é", "[ab]", "[^a]", `\w`, `\d`, `\S`, `\b`, `[^"]`, `\s`)
	case n < 10:
		return g.pattern(depth-1) + g.pattern(depth-1)
	case n < 12:
		return "(?:" + g.pattern(depth-1) + "|" + g.pattern(depth-1) + ")"
	case n < 15:
		return "(?:" + g.pattern(depth-1) + ")" + g.pick("*", "+", "?", "{2}", "{1,2}", "{0,2}", "{1,}") + g.pick("", "?", "", "?", "+")
	case n < 17:
		inner := g.pattern(depth - 1)
		g.names++
		return fmt.Sprintf("(?<n%d>%s)", g.names, inner)
	case n < 18 && g.IntN(2) == 0:
		return g.pick("(?:[^a]|a.)", "(?:1|[ab]|é)", "(?:ab|[^a\"]|\"1)", "(?:[^1]|1%{data})") + g.pick("*", "+") + g.pick("", "?")
	case n < 18:
		return "(?>" + g.pattern(depth-1) + ")"
	case n < 19:
		return g.pick(`(?<!a)`, `(?!b)`, `(?=a)`, `(?<=1)`, `(?i)`)
	}
	g.names++
	return fmt.Sprintf("%%{%s:t%d}", g.pick("data", "word", "notSpace", "number", "integer", "greedyData", "ipv4", "hostname"), g.names)
}

func (g *patterns) pick(of ...string) string { return of[g.IntN(len(of))] }

func (g *patterns) text() string {
	var b strings.Builder
	for range g.IntN(9) {
		b.WriteString(g.pick("a", "b", "1", "2", ".", " ", "é", "A", `"`, "ab", "\n"))
	}
	return b.String()
}

func TestEnginesAgree(t *testing.T) {
	g := &patterns{Rand: rand.New(rand.NewPCG(1, 18))}
	both, total := 0, 20_000
	for range total {
		body := g.pattern(5)
		for range 4 {
			if agree(t, body, g.text()) {
				both++
			}
		}
		if t.Failed() {
			return
		}
	}
	if both < total {
		t.Errorf("only %d of %d pairs could be compared", both, 4*total)
	}
}

func FuzzEnginesAgree(f *testing.F) {
	for _, seed := range [][2]string{
		{`%{word:a} %{data:b}`, "x y z"}, {`(a|ab)(c|bcd)(?<r>d*)`, "abcd"}, {`(?>%{number:a} |)%{data:b}`, "1 2"},
		{`%{ip:a}:%{port:p}`, "::1:80"}, {`(?i)(x+x+)+y`, "xxxxy"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, body, text string) {
		if !strings.ContainsAny(body, "\r\n") && len(text) < 200 {
			agree(t, body, strings.ToValidUTF8(text, "?"))
		}
	})
}
