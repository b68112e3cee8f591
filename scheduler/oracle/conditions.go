package oracle

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// This file is for conditions (docs/semantics.md, "Conditions", "then" and "then not"):
// `label op number` with &&, ||, ! and parentheses, where && binds tighter than ||, in
// a chain of `then`.

// clause is a condition without `then`: whether values of the labels meet it.
type clause struct {
	holds func(values []float64) bool
	names []int // the labels in it
}

// caseWords is a case's condition.
type caseWords struct {
	parts  []clause
	absent *clause // after `then not`
}

var conditionWord = regexp.MustCompile(`^\s*(\(|\)|&&|\|\||!=|!|>=|<=|==|>|<|-?[0-9]+(?:\.[0-9]+)?|[A-Za-z_][A-Za-z0-9_]*)`)

func readCaseWords(text string, labels []string) caseWords {
	return (&conditionReader{labels: labels}).read(text)
}

// readSides reads a condition on probabilities: the values of < and <= are those of
// the low side, which follow those of the high side.
func readSides(text string, labels []string) caseWords {
	return (&conditionReader{labels: labels, sides: true}).read(text)
}

func (r *conditionReader) read(text string) caseWords {
	for rest := text; strings.TrimSpace(rest) != ""; {
		m := conditionWord.FindStringSubmatch(rest)
		if m == nil {
			panic(fmt.Sprintf("condition %q: no word at %q", text, rest))
		}
		r.words, rest = append(r.words, m[1]), rest[len(m[0]):]
	}
	var out caseWords
	for {
		out.parts = append(out.parts, r.either())
		if !r.take("then") {
			break
		}
		if r.take("not") {
			absent := r.either()
			out.absent = &absent
			break
		}
	}
	if len(r.words) > 0 {
		panic(fmt.Sprintf("condition %q: %q is left", text, r.words))
	}
	return out
}

type conditionReader struct {
	words, labels []string
	sides         bool
}

func (r *conditionReader) take(word string) bool {
	if len(r.words) == 0 || !strings.EqualFold(r.words[0], word) {
		return false
	}
	r.words = r.words[1:]
	return true
}

func (r *conditionReader) either() clause {
	left := r.both()
	for r.take("||") {
		l, right := left, r.both()
		left = clause{func(v []float64) bool { return l.holds(v) || right.holds(v) }, slices.Concat(l.names, right.names)}
	}
	return left
}

func (r *conditionReader) both() clause {
	left := r.one()
	for r.take("&&") {
		l, right := left, r.one()
		left = clause{func(v []float64) bool { return l.holds(v) && right.holds(v) }, slices.Concat(l.names, right.names)}
	}
	return left
}

func (r *conditionReader) one() clause {
	if r.take("!") {
		inner := r.one()
		return clause{func(v []float64) bool { return !inner.holds(v) }, inner.names}
	}
	if r.take("(") {
		inner := r.either()
		if !r.take(")") {
			panic("a parenthesis is open")
		}
		return inner
	}
	label, op, number := slices.Index(r.labels, r.words[0]), r.words[1], must(strconv.ParseFloat(r.words[2], 64))
	if label < 0 {
		panic("no label " + r.words[0])
	}
	r.words = r.words[3:]
	if r.sides && strings.HasPrefix(op, "<") {
		label += len(r.labels)
	}
	return clause{func(v []float64) bool { return compares(v[label], op, number) }, []int{label}}
}

func compares(value float64, op string, number float64) bool {
	switch op {
	case ">":
		return value > number
	case ">=":
		return value >= number
	case "<":
		return value < number
	case "<=":
		return value <= number
	case "==":
		return value == number
	case "!=":
		return value != number
	}
	panic("no operator " + op)
}
