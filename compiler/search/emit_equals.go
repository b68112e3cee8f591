package search

import (
	"nightjar/schema"
)

// equals holds when a value of the field is one of the texts.
func (e *emitter) equals(f schema.Field, values []string) string {
	switch {
	case f.Kind == schema.FieldAttribute:
		return e.attributeEquals(f, values)
	case f.Kind == schema.FieldTag:
		tags := make([]string, len(values))
		for i, v := range values {
			tags[i] = f.Name + ":" + v
		}
		return e.hasAny("tags", tags)
	case f.Name == "tags":
		return e.hasAny("tags", values)
	case f.Name == "timestamp":
		return e.timestampEquals(values)
	}
	var some []string
	for _, v := range values {
		if v != "" { // an empty reserved field is a missing one
			some = append(some, v)
		}
	}
	return e.in(f.Name, some)
}

// in is `x IN …`; of one value an equality.
func (e *emitter) in(x string, values []string) string {
	switch len(values) {
	case 0:
		return "false"
	case 1:
		return "(" + x + " = " + e.p.String(values[0]) + ")"
	}
	return "(" + x + " IN " + e.p.Strings(values) + ")"
}

func (e *emitter) hasAny(array string, values []string) string {
	if len(values) == 1 {
		return "has(" + array + ", " + e.p.String(values[0]) + ")"
	}
	return "hasAny(" + array + ", " + e.p.Strings(values) + ")"
}

func (e *emitter) attributeEquals(f schema.Field, values []string) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, equalTexts(f, v)...)
	}
	a := e.attribute(f.Name)
	parts := a.texts(
		func(x string) string { return e.in(x, texts) },
		func(array string) string { return e.hasAny(array, texts) })
	if a.typed {
		return AnySQL(parts...)
	}
	var yes, no bool
	var ints, floats []string
	for _, v := range values {
		number, isNumber := parseNumber(v)
		switch {
		case isNumber && number.isInt:
			ints = append(ints, e.p.Int(number.i))
		case isNumber:
			floats = append(floats, e.p.Float(number.f))
		case v == "true":
			yes = true
		case v == "false":
			no = true
		}
	}
	parts = append(parts, variantIn(a, schema.OneInt, ints)...)
	parts = append(parts, variantIn(a, schema.OneFloat, floats)...)
	return AnySQL(append(parts, boolIs(a, yes, no)...)...)
}

func (e *emitter) timestampEquals(values []string) string {
	var parts []string
	for _, v := range values {
		if moment, ok := parseMoment(v); ok && moment.isInt {
			parts = append(parts, e.timestampIn(span{lo: moment.i, hi: moment.i}))
		}
	}
	return AnySQL(parts...)
}

// timestampIn compares the column itself, so that it prunes. What lies beyond
// the times that can be stored is cut off first.
func (e *emitter) timestampIn(s span) string {
	lowest, highest := int64(schema.MinMillis), int64(schema.MaxMillis)
	if s.empty() || s.hi < lowest || s.lo > highest {
		return "false"
	}
	moment := func(ms int64) string { return "fromUnixTimestamp64Milli(" + e.p.Int(ms) + ", 'UTC')" }
	var parts []string
	if s.lo > lowest {
		parts = append(parts, "(timestamp >= "+moment(s.lo)+")")
	}
	if s.hi < highest {
		parts = append(parts, "(timestamp <= "+moment(s.hi)+")")
	}
	return AllSQL(parts...)
}
