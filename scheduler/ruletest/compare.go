package ruletest

import (
	"fmt"
	"slices"
	"strings"
)

// compare says how the signals that were found differ from those expected, in
// lines that begin with - for what was wanted and + for what there is. The order
// of signals says nothing.
func (r *run) compare(want []expectation, found []Signal) []string {
	partner := r.pair(want, found)
	taken := make([]bool, len(found))
	for _, j := range partner {
		if j >= 0 {
			taken[j] = true
		}
	}
	// What fits nothing is shown beside what is left, the most alike first.
	var problems []string
	for i := range want {
		if partner[i] >= 0 {
			continue
		}
		where := fmt.Sprintf("signal %d, line %d", i+1, want[i].node.Line)
		j := r.mostAlike(&want[i], found, taken)
		if j < 0 {
			problems = append(problems, where+": there is no such signal\n"+lines(want[i].fields(&Signal{}, r.start), onlyWant))
			continue
		}
		taken[j] = true
		problems = append(problems, where+": differs\n"+lines(want[i].fields(&found[j], r.start), both))
	}
	for j := range found {
		if !taken[j] {
			problems = append(problems, "a signal that is not expected\n"+lines(found[j].all(r.start, len(r.suite.plans) > 1), onlyGot))
		}
	}
	return problems
}

// pair gives every expectation a signal of its own that fits it, as far as that
// can be done: an expectation that says little must not take the only signal
// that fits one that says more (augmenting paths, after Kuhn).
func (r *run) pair(want []expectation, found []Signal) (partner []int) {
	owner := make([]int, len(found))
	for j := range owner {
		owner[j] = -1
	}
	fits := make([][]int, len(want))
	for i := range want {
		for j := range found {
			if differences(want[i].fields(&found[j], r.start)) == 0 {
				fits[i] = append(fits[i], j)
			}
		}
	}
	var place func(i int, tried []bool) bool
	place = func(i int, tried []bool) bool {
		for _, j := range fits[i] {
			if tried[j] {
				continue
			}
			tried[j] = true
			if owner[j] < 0 || place(owner[j], tried) {
				owner[j] = i
				return true
			}
		}
		return false
	}
	partner = make([]int, len(want))
	for i := range want {
		partner[i] = -1
		place(i, make([]bool, len(found)))
	}
	for j, i := range owner {
		if i >= 0 {
			partner[i] = j
		}
	}
	return partner
}

// mostAlike is the signal, of those not taken and of the rule and group that are
// meant, that differs in the fewest fields; −1 when there is none.
func (r *run) mostAlike(e *expectation, found []Signal, taken []bool) int {
	best, least := -1, 0
	for j := range found {
		fields := e.fields(&found[j], r.start)
		if taken[j] || slices.ContainsFunc(fields, func(f field) bool { return (f.name == "rule" || f.name == "group") && !f.equal() }) {
			continue
		}
		if n := differences(fields); best < 0 || n < least {
			best, least = j, n
		}
	}
	return best
}

func differences(fields []field) int {
	n := 0
	for _, f := range fields {
		if !f.equal() {
			n++
		}
	}
	return n
}

// What lines shows of fields that differ.
const (
	both = iota
	onlyWant
	onlyGot
)

func lines(fields []field, which int) string {
	var out []string
	add := func(sign, name, text string) {
		for i, line := range strings.Split(text, "\n") {
			if i > 0 {
				name = ""
			}
			out = append(out, strings.TrimRight(fmt.Sprintf("  %s %-16s %s", sign, name, printable(line)), " "))
		}
	}
	for _, f := range fields {
		switch {
		case which == onlyWant && (f.name != "suppressed" || f.want != "false"):
			add("-", f.name, f.want)
		case which == onlyGot:
			add("+", f.name, f.got)
		case which == both && f.equal() && f.name != "suppressed":
			add(" ", f.name, f.want)
		case which == both && !f.equal():
			want, got := apart(f.want, f.got)
			add("-", f.name, want)
			add("+", f.name, got)
		}
	}
	return strings.Join(out, "\n")
}

// apart leaves out of two long texts the lines at their beginnings and ends that
// are the same.
func apart(a, b string) (string, string) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	if len(x) < 4 || len(y) < 4 {
		return a, b
	}
	head, tail := 0, 0
	for head < min(len(x), len(y))-1 && x[head] == y[head] {
		head++
	}
	for tail < min(len(x), len(y))-head-1 && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	cut := func(lines []string) string {
		middle := strings.Join(lines[head:len(lines)-tail], "\n")
		if head > 0 {
			middle = "…\n" + middle
		}
		if tail > 0 {
			middle += "\n…"
		}
		return middle
	}
	return cut(x), cut(y)
}

// printable shows control characters rather than obeying them.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '�'
		}
		return r
	}, s)
}

// indentLines puts the lines of a text below each other.
func indentLines(s string) string { return strings.ReplaceAll(s, "\n", "\n  ") }
