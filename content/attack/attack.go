package attack

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Version is that of ATT&CK whose ids and names these are.
const Version = "18.0"

//go:embed enterprise.txt
var table string

// Matrix is all tactics and techniques.
type Matrix struct {
	// Tactics are in the order of ATT&CK's own matrix.
	Tactics []Tactic
	// Techniques are by id; sub-techniques follow theirs.
	Techniques []Technique
}

// Tactic is what somebody wants to achieve.
type Tactic struct {
	ID   string // TA0006
	Slug string // credential-access
	Name string
}

// Technique is how they do it.
type Technique struct {
	ID      string // T1110, and of a sub-technique T1110.003
	Name    string
	Tactics []string // their ids, in the order of the tactics
}

// Known is what is known. It is shared: nobody changes it.
var Known = sync.OnceValue(func() *Matrix {
	m, err := parse(table)
	if err != nil {
		panic(err) // a test reads it
	}
	return m
})

var (
	tacticLine    = regexp.MustCompile(`^(TA\d{4}) ([a-z-]+) (.+)$`)
	techniqueLine = regexp.MustCompile(`^(T\d{4}) ([a-z,-]+) (.+)$`)
	subLine       = regexp.MustCompile(`^(\.\d{3}) (.+)$`)
)

// parse reads the table: tactics, then techniques, each followed by its sub-techniques.
func parse(text string) (*Matrix, error) {
	m, ids := &Matrix{}, map[string]string{}
	var of *Technique
	for n, line := range strings.Split(strings.TrimSpace(text), "\n") {
		wrong := func(what string) error { return fmt.Errorf("line %d: %s: %q", n+1, what, line) }
		if strings.HasPrefix(line, "#") {
			continue
		}
		switch f := tacticLine.FindStringSubmatch(line); {
		case f != nil:
			m.Tactics = append(m.Tactics, Tactic{ID: f[1], Slug: f[2], Name: f[3]})
			ids[f[2]] = f[1]
			continue
		case subLine.MatchString(line):
			f = subLine.FindStringSubmatch(line)
			if of == nil {
				return nil, wrong("a sub-technique of nothing")
			}
			m.Techniques = append(m.Techniques, Technique{ID: of.ID + f[1], Name: f[2], Tactics: of.Tactics})
			continue
		}
		f := techniqueLine.FindStringSubmatch(line)
		if f == nil {
			return nil, wrong("neither a tactic nor a technique")
		}
		t := Technique{ID: f[1], Name: f[3]}
		for slug := range strings.SplitSeq(f[2], ",") {
			if ids[slug] == "" {
				return nil, wrong("no tactic " + slug)
			}
			t.Tactics = append(t.Tactics, ids[slug])
		}
		of = &t
		m.Techniques = append(m.Techniques, t)
	}
	if !slices.IsSortedFunc(m.Techniques, func(a, b Technique) int { return strings.Compare(a.ID, b.ID) }) {
		return nil, fmt.Errorf("techniques are not in the order of their ids")
	}
	return m, nil
}

// Claims are the techniques and tactics that the tags of a rule name, by their ids: those
// of technique:T1110.003-password-spraying and tactic:TA0006-credential-access.
type Claims struct{ Techniques, Tactics []string }

var (
	techniqueTag = regexp.MustCompile(`^(?i)technique:(T\d{4}(?:\.\d{3})?)(?:[^\d.].*)?$`)
	tacticTag    = regexp.MustCompile(`^(?i)tactic:(TA\d{4})(?:\D.*)?$`)
)

// ClaimsOf reads the tags of a rule.
func ClaimsOf(tags []string) (c Claims) {
	add := func(to *[]string, id string) {
		if id = strings.ToUpper(id); !slices.Contains(*to, id) {
			*to = append(*to, id)
		}
	}
	for _, tag := range tags {
		if f := techniqueTag.FindStringSubmatch(tag); f != nil {
			add(&c.Techniques, f[1])
		} else if f := tacticTag.FindStringSubmatch(tag); f != nil {
			add(&c.Tactics, f[1])
		}
	}
	return c
}
