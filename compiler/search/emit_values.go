package search

import (
	"strings"

	"nightjar/schema"
)

// ValuesSQL is the field's values as an expression of type Array(String): the
// texts that Event.Values gives, each once, in no order. The field's name is
// in p, like everything a user wrote.
func ValuesSQL(f schema.Field, p *Params) string {
	e := emitter{p: p}
	switch {
	case f.Kind == schema.FieldAttribute:
		return e.attributeValues(f.Name)
	case f.Kind == schema.FieldTag && strings.Contains(f.Name, ":"):
		return "CAST([], 'Array(String)')" // a tag's key ends at its first colon
	case f.Kind == schema.FieldTag:
		key := f.Name + ":"
		return "arrayDistinct(arrayMap(t -> substring(t, " + p.Int(int64(len(key)+1)) + "), arrayFilter(t -> startsWith(t, " +
			p.String(key) + "), CAST(tags, 'Array(String)'))))"
	case f.Name == "tags":
		return "arrayDistinct(CAST(tags, 'Array(String)'))"
	case f.Name == "timestamp":
		return "[toString(toUnixTimestamp64Milli(timestamp))]"
	}
	return "if(" + f.Name + " = '', [], [toString(" + f.Name + ")])"
}

// OneValueSQL is the field's one value as its column has it: a nullable text or number,
// whose text is the one that ValuesSQL lists. It is empty where some events may have
// several values, or of several kinds. What is counted by a column is counted several
// times as fast as by a list.
func OneValueSQL(f schema.Field, p *Params) string {
	if f.Kind != schema.FieldAttribute {
		return ""
	}
	e := emitter{p: p}
	a := e.attribute(f.Name)
	switch a.shapes &^ schema.Below {
	case schema.OneString:
		return a.text()
	case schema.OneInt:
		return a.column + ".:Int64"
	case schema.OneFloat:
		return a.column + ".:Float64"
	case schema.OneBool:
		return a.column + ".:Bool"
	}
	return ""
}

// attributeValues joins the forms that the leaves at a path can be stored in.
func (e *emitter) attributeValues(path string) string {
	a := e.attribute(path)
	var lists []string
	add := func(s schema.Shapes, list string) {
		if a.has(s) {
			lists = append(lists, list)
		}
	}
	add(schema.OneString, oneText(a.text(), "x"))
	add(schema.ManyStrings|schema.ManyMixed, "arrayMap(x -> assumeNotNull(x), "+a.many+")")
	if !a.typed {
		add(schema.OneInt, oneText(a.column+".:Int64", "toString(x)"))
		add(schema.OneFloat, oneText(a.column+".:Float64", "toString(x)"))
		add(schema.OneBool, oneText(a.column+".:Bool", "toString(x)"))
		for _, list := range []struct {
			shapes schema.Shapes
			column string
		}{{schema.ManyInts, integerList}, {schema.ManyFloats, doubleList}, {schema.ManyBools, booleanList}} {
			add(list.shapes, "arrayMap(x -> toString(assumeNotNull(x)), "+a.column+list.column+")")
		}
	}
	add(schema.InRest, a.restTexts())
	switch len(lists) {
	case 0:
		return "CAST([], 'Array(String)')"
	case 1:
		return "arrayDistinct(" + lists[0] + ")"
	}
	return "arrayDistinct(arrayConcat(" + strings.Join(lists, ", ") + "))"
}

// oneText is a list of the text of a column, or of nothing where that is NULL.
func oneText(column, text string) string {
	return "arrayMap(x -> CAST(" + text + ", 'String'), arrayFilter(x -> isNotNull(x), [" + column + "]))"
}

// NumbersSQL is the field's numbers as an expression of type Array(Float64),
// each as often as it is there: schema.Leaf.Number of its leaves, as a rule's
// metrics have them. Only attributes have numbers.
func NumbersSQL(f schema.Field, p *Params) string {
	e := emitter{p: p}
	var lists []string
	if f.Kind == schema.FieldAttribute {
		lists = e.numbers(f.Name)
	}
	return concatenated(lists, "Float64")
}

func (e *emitter) numbers(path string) []string {
	a := e.attribute(path)
	var lists []string
	if a.has(schema.OneString) {
		lists = append(lists, e.numbersOf("["+a.text()+"]", "x", "false"))
	}
	if a.typed {
		if a.has(schema.ManyStrings) {
			lists = append(lists, e.numbersOf(a.many, "x", "false"))
		}
		return lists
	}
	for _, one := range []schema.Shapes{schema.OneInt, schema.OneFloat} {
		v := variants[one]
		if a.has(one) {
			lists = append(lists, "arrayMap(x -> toFloat64(assumeNotNull(x)), arrayFilter(x -> isNotNull(x), ["+a.column+v.scalar+"]))")
		}
		if a.has(v.many) {
			lists = append(lists, "arrayMap(x -> toFloat64(assumeNotNull(x)), "+a.column+v.array+")")
		}
	}
	if a.has(schema.ManyMixed) {
		mixed := "attributes." + e.p.Identifier(schema.MixedPath(path)) + stringList
		lists = append(lists, e.numbersOf(mixed, "substring(x, 2)", "match(x, '^[if]')"))
	}
	if a.has(schema.InRest) {
		lists = append(lists, e.numbersOf(a.rest, "substring(x, 2)", "match(x, '^[if]')"))
	}
	if a.has(schema.ManyStrings) {
		strings := a.many
		if a.has(schema.ManyMixed) { // whose texts are there, too
			strings = "if(empty(attributes." + e.p.Identifier(schema.MixedPath(path)) + stringList + "), " + a.many + ", [])"
		}
		lists = append(lists, e.numbersOf(strings, "x", "false"))
	}
	return lists
}

// numbersOf are the numbers among the texts of a list: those that are surely one,
// and those that have the form of one and that a double can hold.
func (e *emitter) numbersOf(list, text, surely string) string {
	number := "toFloat64OrNull(" + text + ")"
	form := "(match(" + text + ", " + e.p.String(schema.NumberForm) + ") AND isFinite(" + number + "))"
	if surely != "false" {
		form = "(" + surely + " OR (startsWith(x, 's') AND " + form + "))"
	}
	return "arrayMap(x -> assumeNotNull(" + number + "), arrayFilter(x -> " + NotNullSQL(form) + ", " + list + "))"
}

// TextsSQL is the texts at an attribute's path, in their order and each as often as it
// is there, as an expression of type Array(String): of strings, booleans and arrays of
// strings.
func TextsSQL(path string, p *Params) string {
	e := emitter{p: p}
	a := e.attribute(path)
	var lists []string
	add := func(s schema.Shapes, list string) {
		if a.has(s) {
			lists = append(lists, list)
		}
	}
	add(schema.OneString, oneText(a.text(), "x"))
	add(schema.ManyStrings|schema.ManyMixed, "arrayMap(x -> assumeNotNull(x), "+a.many+")")
	if !a.typed {
		add(schema.OneBool, oneText(a.column+".:Bool", "toString(x)"))
		add(schema.InRest, "arrayMap(x -> substring(x, 2), arrayFilter(x -> match(x, '^[sb]'), "+a.rest+"))")
	}
	return concatenated(lists, "String")
}

// IntegersSQL is the integers at an attribute's path, in their order and each as often
// as it is there, as an expression of type Array(Int64).
func IntegersSQL(path string, p *Params) string {
	e := emitter{p: p}
	a := e.attribute(path)
	var lists []string
	add := func(s schema.Shapes, list string) {
		if a.has(s) && !a.typed {
			lists = append(lists, list)
		}
	}
	add(schema.OneInt, "arrayMap(x -> assumeNotNull(x), arrayFilter(x -> isNotNull(x), ["+a.column+".:Int64]))")
	add(schema.ManyInts, "arrayMap(x -> assumeNotNull(x), "+a.column+integerList+")")
	add(schema.InRest, "arrayMap(x -> toInt64OrZero(substring(x, 2)), arrayFilter(x -> startsWith(x, 'i'), "+a.rest+"))")
	return concatenated(lists, "Int64")
}

// concatenated joins arrays whose elements are of a type.
func concatenated(lists []string, element string) string {
	switch len(lists) {
	case 0:
		return "CAST([], 'Array(" + element + ")')"
	case 1:
		return lists[0]
	}
	return "arrayConcat(" + strings.Join(lists, ", ") + ")"
}
