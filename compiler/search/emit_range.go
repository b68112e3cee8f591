package search

import (
	"math"

	"nightjar/schema"
)

// interval holds when a value of the field lies in the range.
func (e *emitter) interval(r Range) string {
	if r.Field.Kind == schema.FieldReserved && r.Field.Name == "timestamp" {
		v := newInterval(r, parseMoment)
		if !v.numeric {
			return "false"
		}
		return e.timestampIn(v.ints)
	}
	v := newInterval(r, parseNumber)
	text := func(x string) string { return e.textBetween(r, v, x) }
	if r.Field.Kind != schema.FieldAttribute {
		return e.texts(r.Field, text)
	}
	a := e.attribute(r.Field.Name)
	if a.typed {
		return e.texts(r.Field, text)
	}
	mixed := "attributes." + e.p.Identifier(schema.MixedPath(r.Field.Name)) + stringList
	several := func(array string) string {
		if a.has(schema.ManyMixed) { // then these are texts of any kind
			array = "if(empty(" + mixed + "), " + array + ", [])"
		}
		return arrayExists(array, text)
	}
	parts := a.stored(schema.Alone).texts(text, several)
	ofMixed := []string{ofKind("s", text("substring(v, 2)"))}
	if v.quoted {
		test := func(x string) string { return text("toString(" + x + ")") }
		parts = append(parts, variantTest(a, schema.OneInt, test)...)
		parts = append(parts, variantTest(a, schema.OneFloat, test)...)
		ofMixed = append(ofMixed, ofKind("i", text("substring(v, 2)")), ofKind("f", text("substring(v, 2)")))
	}
	if v.numeric && !v.quoted && !v.ints.empty() {
		test := func(x string) string { return e.betweenInts(v.ints, x) }
		parts = append(parts, variantTest(a, schema.OneInt, test)...)
		ofMixed = append(ofMixed, ofKind("i", test("toInt64OrNull(substring(v, 2))")))
	}
	if v.numeric && !v.quoted {
		test := func(x string) string { return e.betweenFloats(v, x) }
		parts = append(parts, variantTest(a, schema.OneFloat, test)...)
		ofMixed = append(ofMixed, ofKind("f", test("toFloat64OrNull(substring(v, 2))")))
	}
	if a.has(schema.ManyMixed) {
		parts = append(parts, "arrayExists(v -> "+NotNullSQL(AnySQL(ofMixed...))+", "+mixed+")")
	}
	if a.has(schema.InRest) {
		parts = append(parts, "arrayExists(v -> "+NotNullSQL(AnySQL(ofMixed...))+", "+a.rest+")")
	}
	return AnySQL(parts...)
}

// ofKind is a test of the values at a MixedPath that are of one kind.
func ofKind(letter, test string) string { return "(startsWith(v, '" + letter + "') AND " + test + ")" }

// textBetween compares x as the number that it is, where the bounds are numbers,
// else with their texts: that is what the texts say, and the opposite of a text
// that has the form of a number and lies elsewhere as a number. What costs is
// asked last: few texts begin like a number, and fewer lie elsewhere.
func (e *emitter) textBetween(r Range, v interval, x string) string {
	text := e.between(r, x, e.p.String)
	if !v.ofNumbers() {
		return text
	}
	float := "toFloat64OrNull(" + x + ")"
	number := NotNullSQL(e.betweenFloats(v, float))
	if whole := "toInt64OrNull(" + x + ")"; !v.exactInFloats() {
		ints := "false"
		if !v.ints.empty() {
			ints = NotNullSQL(e.betweenInts(v.ints, whole))
		}
		number = "if((" + whole + " IS NOT NULL), " + ints + ", " + number + ")"
	}
	return "(" + text + " != ((" + x + " >= '+') AND (" + x + " < ':') AND (" + number + " != " + text + ") AND isFinite(" + float + ") AND match(" +
		x + ", " + e.p.String(schema.NumberForm) + ")))"
}

// between compares x with the bounds' texts, byte by byte.
func (e *emitter) between(r Range, x string, value func(string) string) string {
	var parts []string
	if !r.Low.Open {
		parts = append(parts, "("+x+above(r.Low.Inclusive)+value(r.Low.Value)+")")
	}
	if !r.High.Open {
		parts = append(parts, "("+x+below(r.High.Inclusive)+value(r.High.Value)+")")
	}
	return AllSQL(parts...)
}

func (e *emitter) betweenInts(s span, x string) string {
	var parts []string
	if s.lo != math.MinInt64 {
		parts = append(parts, "("+x+" >= "+e.p.Int(s.lo)+")")
	}
	if s.hi != math.MaxInt64 {
		parts = append(parts, "("+x+" <= "+e.p.Int(s.hi)+")")
	}
	if len(parts) == 0 {
		return "(" + x + " IS NOT NULL)"
	}
	return AllSQL(parts...)
}

func (e *emitter) betweenFloats(v interval, x string) string {
	var parts []string
	if !v.low.Open {
		parts = append(parts, "("+x+above(v.low.Inclusive)+e.p.Float(v.floatLow)+")")
	}
	if !v.high.Open {
		parts = append(parts, "("+x+below(v.high.Inclusive)+e.p.Float(v.floatHigh)+")")
	}
	return AllSQL(parts...)
}

func above(inclusive bool) string {
	if inclusive {
		return " >= "
	}
	return " > "
}

func below(inclusive bool) string {
	if inclusive {
		return " <= "
	}
	return " < "
}
