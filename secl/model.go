package secl

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agext/levenshtein"
)

// Context is what an expression is evaluated in. It is reused from event to
// event and belongs to one goroutine.
type Context struct {
	Event any   // what the readers of the model's fields read
	Now   int64 // the present in ns since 1970, the same for every rule
	Scope any   // whose variables are read; nil for those of the event's process

	register int    // what the iterator's register stands for
	buffer   []byte // where interpolated texts are put together
	probe    Value  // what a field under test has instead of its value
}

// Field is one field of an event, declared once: the checker, the evaluator, the
// list of fields and the agent read this.
type Field struct {
	Name  string // exec.file.path
	Event string // the type of events that has it; empty: all of them
	Doc   string

	// Read reads the value. It is a func(*Context) T, where T is one of bool,
	// int64, string and netip.Prefix or a slice of one of these; for a field of
	// what an iterator visits it is a func(*Context, int) T.
	Read     any
	Iterator *Iterator

	Path      bool   // patterns are globs: * stays within a segment
	Fold      bool   // texts and patterns ignore the case of letters
	Measured  bool   // .length can be read
	Domain    bool   // .root_domain can be read
	Constants string // the family of constants that the values have
	Never     string // why no agent can ever fill it; empty if one can
	Stored    string // the attribute that stored events have it at; empty: none
	// StoredMost bounds what a stored event has of it, in bytes of text for each process,
	// file or the like that it is of; 0: it has all.
	StoredMost int

	// Also are further readings of a text; a condition holds if it does for any
	// of them that is not empty.
	Also []func(*Context) string
	// Instead are the texts that the field is compared with, whatever is written.
	Instead []string
	// Check says whether the field can be compared with a value.
	Check func(Value) error
}

// Iterator is something that an event has several of.
type Iterator struct {
	Name string // process.ancestors
	Len  func(*Context) int
}

// MaxIterations is how many elements of an iterator are looked at.
const MaxIterations = 100

// Type is the type of the field's values. The elements of an iterator are an
// array.
func (f *Field) Type() Type {
	t := typeOf(f.Read)
	t.Array = t.Array || f.Iterator != nil
	return t
}

// typeOf is the type of what a reader reads; the zero type if it is no reader.
func typeOf(read any) Type {
	switch read.(type) {
	case func(*Context) bool, func(*Context, int) bool:
		return Type{Kind: Bool}
	case func(*Context) int64, func(*Context, int) int64:
		return Type{Kind: Int}
	case func(*Context) string, func(*Context, int) string:
		return Type{Kind: String}
	case func(*Context) netip.Prefix, func(*Context, int) netip.Prefix:
		return Type{Kind: Net}
	case func(*Context) []bool, func(*Context, int) []bool:
		return Type{Bool, true}
	case func(*Context) []int64, func(*Context, int) []int64:
		return Type{Int, true}
	case func(*Context) []string, func(*Context, int) []string:
		return Type{String, true}
	case func(*Context) []netip.Prefix, func(*Context, int) []netip.Prefix:
		return Type{Net, true}
	}
	return Type{}
}

// EventType is a type of events.
type EventType struct {
	Name     string
	Doc      string
	Platform string // linux or windows
}

// Constant is a name for a value.
type Constant struct {
	Name   string
	Family string
	Value  Value
}

// Var is a variable that an expression reads as ${Name}. Read is like that of
// a Field without an iterator.
type Var struct {
	Name string
	Read any
}

// Type is the type of the variable's values.
func (v *Var) Type() Type { return typeOf(v.Read) }

// Model is everything that can be asked about: events, fields, constants and
// built-in variables.
type Model struct {
	events    map[string]*EventType
	fields    map[string]*Field
	constants map[string]Constant
	aliases   map[string]string
	builtins  map[string]*Var
	iterators map[string]*Iterator
}

// NewModel is a model that knows true and false.
func NewModel() *Model {
	m := &Model{
		events: map[string]*EventType{}, fields: map[string]*Field{}, constants: map[string]Constant{},
		aliases: map[string]string{}, builtins: map[string]*Var{}, iterators: map[string]*Iterator{},
	}
	m.AddConstant(Constant{"true", "booleans", BoolValue(true)})
	m.AddConstant(Constant{"false", "booleans", BoolValue(false)})
	return m
}

// AddEvent declares a type of events.
func (m *Model) AddEvent(e EventType) { m.events[e.Name] = &e }

// AddField declares a field, and its length if that can be read. It panics
// where the declaration contradicts itself.
func (m *Model) AddField(f Field) {
	if typeOf(f.Read).Kind == 0 {
		panic(fmt.Sprintf("field %s: no reader is a %T", f.Name, f.Read))
	}
	if _, taken := m.fields[f.Name]; taken {
		panic(fmt.Sprintf("field %s is declared twice", f.Name))
	}
	m.fields[f.Name] = &f
	if f.Iterator != nil {
		m.iterators[f.Iterator.Name] = f.Iterator
	}
	if f.Measured {
		m.AddField(*lengthOf(&f))
	}
	if f.Domain {
		m.AddField(*domainOf(&f))
	}
}

// AddIterator declares an iterator and its length.
func (m *Model) AddIterator(i *Iterator, event string) {
	m.iterators[i.Name] = i
	m.AddField(Field{Name: i.Name + ".length", Event: event, Doc: "how many there are", Read: func(c *Context) int64 { return int64(i.Len(c)) }})
}

// AddConstant declares a constant. The first declaration of a name stands.
func (m *Model) AddConstant(c Constant) {
	if _, taken := m.constants[c.Name]; !taken {
		m.constants[c.Name] = c
	}
}

// AddAlias declares an older name of a field.
func (m *Model) AddAlias(old, name string) { m.aliases[old] = name }

// AddBuiltin declares a variable that nobody sets.
func (m *Model) AddBuiltin(v *Var) { m.builtins[v.Name] = v }

// Field finds a field by its name, or an older one; nil if there is none.
func (m *Model) Field(name string) *Field {
	if now, ok := m.aliases[name]; ok {
		name = now
	}
	return m.fields[name]
}

// Event finds a type of events; nil if there is none.
func (m *Model) Event(name string) *EventType { return m.events[name] }

// Constant finds a constant.
func (m *Model) Constant(name string) (Constant, bool) {
	c, ok := m.constants[name]
	return c, ok
}

// Builtin finds a built-in variable; nil if there is none.
func (m *Model) Builtin(name string) *Var { return m.builtins[name] }

// Fields are all fields, ordered by name.
func (m *Model) Fields() []*Field {
	return slices.SortedFunc(maps.Values(m.fields), func(a, b *Field) int { return strings.Compare(a.Name, b.Name) })
}

// Events are all types of events, ordered by name.
func (m *Model) Events() []*EventType {
	return slices.SortedFunc(maps.Values(m.events), func(a, b *EventType) int { return strings.Compare(a.Name, b.Name) })
}

// Constants are all constants, ordered by family and name.
func (m *Model) Constants() []Constant {
	return slices.SortedFunc(maps.Values(m.constants), func(a, b Constant) int {
		return cmp.Or(strings.Compare(a.Family, b.Family), strings.Compare(a.Name, b.Name))
	})
}

// suggest finds the name nearest to one that does not exist; empty if none is
// near.
func suggest(name string, names []string) string {
	best, least := "", len(name)/3+1
	length := utf8.RuneCountInString(name)
	for _, n := range names {
		if l := utf8.RuneCountInString(n); max(l, length)-min(l, length) >= least {
			continue // a long name costs no more than a short one
		}
		// Without levenshtein's MaxCost, with which distances come out too small.
		if d := levenshtein.Distance(name, n, nil); d < least {
			best, least = n, d
		}
	}
	return best
}
