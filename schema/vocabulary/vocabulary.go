package vocabulary

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"nightjar/schema"
)

// Vocabulary is a set of names for attributes.
type Vocabulary string

// The vocabularies there are; Own is nightjar's.
const (
	Own  Vocabulary = ""
	ECS  Vocabulary = "ecs"
	OCSF Vocabulary = "ocsf"
)

// Parse reads a vocabulary's name; empty is nightjar's own.
func Parse(name string) (Vocabulary, error) {
	switch v := Vocabulary(strings.ToLower(name)); v {
	case Own, ECS, OCSF:
		return v, nil
	}
	return Own, fmt.Errorf("want ecs or ocsf, got %q", name)
}

// Attribute is a line of the table: an attribute and its names.
type Attribute struct {
	Field schema.Field
	// Type is string, ip, integer, float, time (milliseconds since 1970),
	// nanoseconds, as_number (a number after "AS") or list.
	Type string
	// ECS and OCSF are names of members, separated by dots; empty where the
	// vocabulary has none. In OCSF a name may end in [n], a fingerprint by algorithm n,
	// and hold [], a list of objects.
	ECS, OCSF string
	// Also is where the value may be, too, when the field itself has none.
	Also schema.Field
}

//go:embed attributes.csv
var table string

var (
	attributes = read(table)
	byECS      = index(func(a *Attribute) string { return a.ECS })
	byOCSF     = index(func(a *Attribute) string { return a.OCSF })
)

// read panics on a table that is none: it is part of the program.
func read(text string) []Attribute {
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		panic("attributes.csv: " + err.Error())
	}
	var out []Attribute
	for _, l := range lines[1:] {
		a := Attribute{Field: schema.ParseField(l[0]), Type: l[1], ECS: l[2], OCSF: l[3]}
		if l[4] != "" {
			a.Also = schema.ParseField(l[4])
		}
		out = append(out, a)
	}
	return out
}

func index(name func(*Attribute) string) map[string]*Attribute {
	out := map[string]*Attribute{}
	for i := range attributes {
		if n := name(&attributes[i]); n != "" {
			out[n] = &attributes[i]
		}
	}
	return out
}

// NoNameError is of a name that a vocabulary has not, or that no attribute is kept
// under.
type NoNameError struct {
	Vocabulary Vocabulary
	Name       string
	Near       string // what was probably meant; may be empty
}

func (e *NoNameError) Error() string {
	text := fmt.Sprintf("no attribute is known by the name %q in %s", e.Name, strings.ToUpper(string(e.Vocabulary)))
	if e.Near != "" {
		text += fmt.Sprintf("; did you mean %q?", e.Near)
	}
	return text
}

// Lookup is the field that a name of the vocabulary stands for. The error is a
// *NoNameError.
func (v Vocabulary) Lookup(name string) (schema.Field, error) {
	names := byECS
	if v == OCSF {
		names, name = byOCSF, generalName(name)
	}
	if a := names[name]; a != nil {
		return a.Field, nil
	}
	known := make([]string, 0, len(names))
	for n := range names {
		known = append(known, n)
	}
	slices.Sort(known)
	return schema.Field{}, &NoNameError{v, name, schema.Closest(name, known, 2)}
}

// Rename is what a field of a query means in the vocabulary: the attribute that its
// name stands for, whether it is written as an attribute or bare. What the vocabulary
// has no name for stays what it is, so that nightjar's own names can stand beside it.
func (v Vocabulary) Rename(f schema.Field) schema.Field {
	if v == Own {
		return f
	}
	for _, name := range []string{f.Name, f.String()} { // @timestamp is a name of ECS
		if meant, err := v.Lookup(name); err == nil {
			meant.AnyCase = f.AnyCase && meant.Kind == schema.FieldAttribute
			return meant
		}
	}
	return f
}
