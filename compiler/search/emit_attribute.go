package search

import (
	"fmt"
	"sort"
	"strings"

	"nightjar/schema"
)

// The types of the variants that the JSON column stores leaves in.
const (
	stringList  = ".:`Array(Nullable(String))`"
	integerList = ".:`Array(Nullable(Int64))`"
	doubleList  = ".:`Array(Nullable(Float64))`"
	booleanList = ".:`Array(Nullable(Bool))`"
)

// attribute is how the leaves at one path are read.
type attribute struct {
	typed  bool
	column string // the path itself
	many   string // where several strings, or the texts of several values, are
	rest   string // the values in column rest, each after the letter of its kind
	shapes schema.Shapes
}

// has reports whether any of the forms can be there.
func (a attribute) has(s schema.Shapes) bool { return a.shapes&s != 0 }

// texts writes a test of the strings at the path, one or several.
func (a attribute) texts(one, several func(column string) string) []string {
	var parts []string
	if a.has(schema.OneString) {
		parts = append(parts, NotNullSQL(one(a.text())))
	}
	if a.has(schema.ManyStrings | schema.ManyMixed) {
		parts = append(parts, several(a.many))
	}
	if a.has(schema.InRest) {
		parts = append(parts, several(a.restTexts()))
	}
	return parts
}

// restTexts are the texts of the values in column rest, whatever their kind.
func (a attribute) restTexts() string { return "arrayMap(x -> substring(x, 2), " + a.rest + ")" }

// inRest are the values of a path in column rest.
func (e *emitter) inRest(path string) string {
	prefix := schema.RestPrefix(path)
	return fmt.Sprintf("arrayMap(x -> substring(x, %s), arrayFilter(x -> startsWith(x, %s), rest))", e.p.Int(int64(len(prefix)+1)), e.p.String(prefix))
}

// shapes are the forms that the values at a path may have.
func (e *emitter) shapes(path string) schema.Shapes {
	if e.p.Shapes != nil {
		return e.p.Shapes(path)
	}
	return schema.AllShapes
}

func (e *emitter) attribute(path string) attribute {
	if e.p.Columns != nil {
		switch c := e.p.Columns(path); {
		case c.One != "":
			return attribute{typed: true, column: c.One, shapes: schema.OneString}
		case c.Several != "":
			return attribute{typed: true, many: c.Several, shapes: schema.ManyStrings}
		}
	}
	shapes := e.shapes(path)
	if _, typed := schema.Typed(path); typed {
		return attribute{
			typed: true, column: "attributes.`" + path + "`", many: "attributes.`" + schema.ManyPath(path) + "`", shapes: shapes &^ schema.InRest,
		}
	}
	column := "attributes." + e.p.Identifier(schema.StoredPath(path))
	a := attribute{column: column, many: column + stringList, shapes: shapes}
	if a.has(schema.InRest) {
		a.rest = e.inRest(path)
	}
	return a
}

// text is the string, where there is one and it is a string.
func (a attribute) text() string {
	if a.typed {
		return a.column
	}
	return a.column + ".:String"
}

// variants are the forms of numbers and how the column's parts are called.
var variants = map[schema.Shapes]struct {
	scalar, array string
	many          schema.Shapes
}{
	schema.OneInt:   {".:Int64", integerList, schema.ManyInts},
	schema.OneFloat: {".:Float64", doubleList, schema.ManyFloats},
}

func variantIn(a attribute, one schema.Shapes, values []string) []string {
	v, list := variants[one], strings.Join(values, ", ")
	var parts []string
	if len(values) > 0 && a.has(one) {
		parts = append(parts, NotNullSQL("("+a.column+v.scalar+" IN ("+list+"))"))
	}
	if len(values) > 0 && a.has(v.many) {
		parts = append(parts, "hasAny("+a.column+v.array+", ["+list+"])")
	}
	return parts
}

// variantTest writes a test of the numbers of one kind, one or several.
func variantTest(a attribute, one schema.Shapes, test func(x string) string) []string {
	v := variants[one]
	var parts []string
	if a.has(one) {
		parts = append(parts, NotNullSQL(test(a.column+v.scalar)))
	}
	if a.has(v.many) {
		parts = append(parts, arrayExists(a.column+v.array, test))
	}
	return parts
}

// boolIs holds when a boolean at the path is one of those asked for.
func boolIs(a attribute, yes, no bool) []string {
	var parts []string
	for value, asked := range map[string]bool{"true": yes, "false": no} {
		if asked && a.has(schema.OneBool) {
			parts = append(parts, NotNullSQL("("+a.column+".:Bool = "+value+")"))
		}
		if asked && a.has(schema.ManyBools) {
			parts = append(parts, "has("+a.column+booleanList+", "+value+")")
		}
	}
	sort.Strings(parts)
	return parts
}

// stored is the attribute without some of the forms that it may have.
func (a attribute) stored(of schema.Shapes) attribute {
	a.shapes &= of
	return a
}

// exists holds when the event has the field.
func (e *emitter) exists(f schema.Field) string {
	switch {
	case f.Kind == schema.FieldAttribute:
		return e.attributeExists(f.Name)
	case f.Kind == schema.FieldTag:
		return "arrayExists(t -> ((t = " + e.p.String(f.Name) + ") OR startsWith(t, " + e.p.String(f.Name+":") + ")), tags)"
	case f.Name == "tags":
		return "notEmpty(tags)"
	case f.Name == "timestamp":
		return "true"
	}
	return "(" + f.Name + " != '')"
}

// attributeExists looks at the path and below it. Typed paths are always listed
// among those below, whether they are NULL or not, so the list counts where it
// is longer than they are, and each is looked at by itself.
func (e *emitter) attributeExists(path string) string {
	a := e.attribute(path)
	parts := a.present()
	if shapes := e.shapes(path); shapes&schema.InRest != 0 {
		below := "startsWith(x, " + e.p.String(schema.RestBelow(path)) + ")"
		parts = append(parts, "arrayExists(x -> (startsWith(x, "+e.p.String(schema.RestPrefix(path))+") OR "+below+"), rest)")
	}
	if !a.has(schema.Below) {
		return AnySQL(parts...)
	}
	typed := 0
	for _, t := range schema.TypedPaths {
		if strings.HasPrefix(t.Path, path+".") {
			parts = append(parts, e.attribute(t.Path).present()...)
			typed += 2
		}
	}
	// The sign of a sub-object is part of the name: outside the parameter the
	// server overlooks it. The stored path has no backquote.
	below := "JSONAllPaths(attributes." + e.p.Identifier("^`"+schema.StoredPath(path)+"`") + ")"
	return AnySQL(append(parts, fmt.Sprintf("(length(%s) > %d)", below, typed))...)
}

// present writes tests that a value, or several, are at the path itself.
func (a attribute) present() []string {
	switch {
	case a.typed:
		var parts []string
		if a.has(schema.OneString) {
			parts = append(parts, "("+a.column+" IS NOT NULL)")
		}
		if a.has(schema.ManyStrings) {
			parts = append(parts, "notEmpty("+a.many+")")
		}
		return parts
	case a.has(schema.Alone):
		return []string{"(" + a.column + " IS NOT NULL)"}
	}
	return nil
}
