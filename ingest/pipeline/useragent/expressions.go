package useragent

import (
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"github.com/ua-parser/uap-go/uaparser"
)

// expression is one of ua-parser's, and what a text must have for it to match: of each
// set of needles one, in lower case. Few of the 1,200 are tried on a text.
type expression struct {
	needles [][]string
	index   int
}

type expressions struct {
	parser              *uaparser.Parser
	agents, os, devices []expression
}

var compiled = sync.OnceValue(func() *expressions {
	p, err := uaparser.New(uaparser.WithCacheSize(1))
	if err != nil {
		panic(err) // the expressions are compiled in
	}
	e := &expressions{parser: p}
	for i, u := range p.UA {
		e.agents = append(e.agents, expression{needles: needlesOf(u.Reg.String()), index: i})
	}
	for i, o := range p.OS {
		e.os = append(e.os, expression{needles: needlesOf(o.Reg.String()), index: i})
	}
	for i, d := range p.Device {
		e.devices = append(e.devices, expression{needles: needlesOf(d.Reg.String()), index: i})
	}
	return e
})

// first calls match for the expressions that may match, until one gives a family.
func first(of []expression, lower string, match func(i int) bool) {
	for _, e := range of {
		if e.may(lower) && match(e.index) {
			return
		}
	}
}

func (e *expression) may(lower string) bool {
	for _, set := range e.needles {
		if !slices.ContainsFunc(set, func(n string) bool { return strings.Contains(lower, n) }) {
			return false
		}
	}
	return true
}

// lowered is a text as needles are sought in it. ſ is the one character beyond ASCII,
// besides those that lower to it, that a letter of ASCII stands for where case does
// not matter.
func lowered(text string) string {
	return strings.ReplaceAll(strings.ToLower(text), "ſ", "s")
}

func (e *expressions) parse(text string) (ua uaparser.UserAgent, os uaparser.Os, device uaparser.Device) {
	lower := lowered(text)
	ua.Family, os.Family, device.Family = "Other", "Other", "Other"
	first(e.agents, lower, func(i int) bool {
		var found uaparser.UserAgent
		e.parser.UA[i].Match(text, &found)
		return keep(found.Family, func() { ua = found })
	})
	first(e.os, lower, func(i int) bool {
		var found uaparser.Os
		e.parser.OS[i].Match(text, &found)
		return keep(found.Family, func() { os = found })
	})
	first(e.devices, lower, func(i int) bool {
		var found uaparser.Device
		e.parser.Device[i].Match(text, &found)
		return keep(found.Family, func() { device = found })
	})
	return ua, os, device
}

func keep(family string, set func()) bool {
	if family != "" {
		set()
	}
	return family != ""
}

// needlesOf are sets of texts: every match of the expression has one of each.
func needlesOf(expr string) [][]string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	sets := needles(re, nil)
	slices.SortStableFunc(sets, func(a, b []string) int { return len(a) - len(b) }) // the cheapest first
	return sets
}

const mostNeedles = 1000 // in a set

func needles(re *syntax.Regexp, sets [][]string) [][]string {
	switch re.Op {
	case syntax.OpLiteral:
		s := strings.ToLower(string(re.Rune))
		if len(s) >= 2 && !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7f }) {
			return append(sets, []string{s})
		}
	case syntax.OpCapture, syntax.OpPlus:
		return needles(re.Sub[0], sets)
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needles(re.Sub[0], sets)
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			sets = needles(sub, sets)
		}
	case syntax.OpAlternate:
		if set := ofAll(re.Sub); set != nil {
			return append(sets, set)
		}
	}
	return sets
}

// ofAll is a set that has needles of every alternative; nil when one has none.
func ofAll(alternatives []*syntax.Regexp) (set []string) {
	for _, sub := range alternatives {
		sets := needles(sub, nil)
		if len(sets) == 0 {
			return nil
		}
		best := slices.MaxFunc(sets, func(a, b []string) int { return shortest(a)*len(b) - shortest(b)*len(a) })
		if set = append(set, best...); len(set) > mostNeedles {
			return nil
		}
	}
	return set
}

func shortest(of []string) int {
	least := len(of[0])
	for _, s := range of {
		least = min(least, len(s))
	}
	return least
}
