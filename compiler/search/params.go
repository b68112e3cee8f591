package search

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"nightjar/schema"
)

// StatementSettings are what a statement with our SQL in it needs of the server:
// a rule's predicate may have MaxSQLLength bytes, and a match statement has many
// of those. They raise what the server allows of a query's text and tree, and go
// beside the parameters of every such statement, as its settings.
var StatementSettings = map[string]any{
	"max_query_size":            64 << 20,
	"max_ast_elements":          5_000_000,
	"max_expanded_ast_elements": 5_000_000,
	"max_ast_depth":             10_000,
	"max_parser_depth":          10_000,
	"max_parser_backtracks":     0, // no bound: ours has no alternatives to go back from
}

// Params are the values of the parameters of one statement: the only door by
// which text that a user typed reaches the server. Its methods keep a value and
// return the placeholder that stands for it in the SQL; equal values share one.
// The zero value is ready for use.
type Params struct {
	// Shapes tells in which forms the values of an attribute have ever been
	// stored, so that the SQL looks for no others: a look into a form that is
	// not there costs as much as one that is. Nil: any form, for every path.
	// schema.Catalogue.Shapes fits here; what its users owe is said there.
	// Of signals it is schema.WithoutRest.
	Shapes func(path string) schema.Shapes
	// Columns tells of attributes that a table has as columns of their own. Nil: of none.
	Columns func(path string) TextColumn

	values map[string]string // by name, as they travel
	given  map[string]any    // by name, as they were given
	names  map[string]string // placeholder by type and value
}

// TextColumn is a column with the texts of an attribute's values. One is of type
// Nullable(String), Several of Array(String); the zero value is no column.
type TextColumn struct{ One, Several string }

// Map holds the values by name, as clickhouse.WithParameters takes them. It is
// the caller's to add to.
func (p *Params) Map() map[string]string {
	values := make(map[string]string, len(p.values)+4)
	maps.Copy(values, p.values)
	return values
}

// Given holds the values by name as they were before they were written for the
// server, which is how the engine's API takes them: strings, lists of strings, and
// numbers as strings. It is the caller's to add to.
func (p *Params) Given() map[string]any {
	given := make(map[string]any, len(p.given)+4)
	maps.Copy(given, p.given)
	return given
}

// Len is how many parameters there are.
func (p *Params) Len() int { return len(p.values) }

// String is the placeholder of a text.
func (p *Params) String(s string) string { return p.add("String", paramText.Replace(s), s) }

// Strings is the placeholder of an array of texts.
func (p *Params) Strings(values []string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, s := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\'')
		b.WriteString(paramElement.Replace(s))
		b.WriteByte('\'')
	}
	b.WriteByte(']')
	return p.add("Array(String)", b.String(), values)
}

// Int is the placeholder of an integer.
func (p *Params) Int(i int64) string {
	text := strconv.FormatInt(i, 10)
	return p.add("Int64", text, text)
}

// Ints is the placeholder of an array of integers.
func (p *Params) Ints(values []int64) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = strconv.FormatInt(v, 10)
	}
	text := "[" + strings.Join(texts, ",") + "]"
	return p.add("Array(Int64)", text, texts)
}

// Float is the placeholder of a double; the server reads back the same number.
func (p *Params) Float(f float64) string {
	text := strconv.FormatFloat(f, 'g', -1, 64)
	return p.add("Float64", text, text)
}

// Identifier is the placeholder of a name. It stands where an identifier can,
// so not even the name of an attribute is part of the SQL text.
func (p *Params) Identifier(name string) string {
	return p.add("Identifier", paramText.Replace(name), name)
}

func (p *Params) add(kind, value string, given any) string {
	key := kind + "\x00" + value
	if placeholder, known := p.names[key]; known {
		return placeholder
	}
	if p.values == nil {
		p.values, p.given, p.names = map[string]string{}, map[string]any{}, map[string]string{}
	}
	name := "p" + strconv.Itoa(len(p.values))
	placeholder := fmt.Sprintf("{%s:%s}", name, kind)
	p.values[name], p.given[name] = value, given
	p.names[key] = placeholder
	return placeholder
}

// paramText is how a string travels as a parameter. The server reads the value
// as escaped text: sent raw, `C:\new` arrives as "C:", a newline, "ew", and the
// rule that asked for it never matches. Inside an array a quote needs it too.
var (
	paramText    = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\x00", `\0`)
	paramElement = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\x00", `\0`, `'`, `\'`)
)
