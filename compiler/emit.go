package compiler

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"nightjar/schema"
)

// SQL is the query as an expression over the columns that schema.Events and
// schema.Signals share. It is 0 or 1, never NULL, so it can be negated and
// combined freely. Everything the user wrote is in p: the text depends on the
// shape of the query only, and names of attributes travel as identifier
// parameters, in the safe alphabet of schema.StoredPath. (Of the three forms
// tried, `attributes.{p0:Identifier}.:String` reads the one subcolumn, as a
// name in the text does; getSubcolumn with a parameter reads the whole column.)
//
// Text in events is taken to be valid UTF-8, as the intake makes it.
func (q *Query) SQL(p *Params) (string, error) {
	e := emitter{p: p}
	sql, err := e.node(q.Root)
	if err != nil {
		return "", err
	}
	if len(sql) > MaxSQLLength {
		return "", fmt.Errorf("the query is too large: it makes %d bytes of SQL, at most %d are allowed", len(sql), MaxSQLLength)
	}
	return sql, nil
}

// MaxSQLLength keeps a query below the server's limits on text and tree size.
const MaxSQLLength = 320 << 10

type emitter struct{ p *Params }

// node writes n. Every operator is parenthesised: neither the reader of the SQL
// nor the writer of this function has to recall an order of precedence.
func (e *emitter) node(n Node) (string, error) {
	if ofAnyCase(n) {
		return e.inAnyCase(n)
	}
	switch n := n.(type) {
	case MatchAll:
		return "true", nil
	case Conjunction:
		parts, err := e.nodes(n.Nodes)
		return sqlAll(parts...), err
	case Disjunction:
		parts, err := e.disjunction(n.Nodes)
		return sqlAny(parts...), err
	case Negation:
		inner, err := e.node(n.Node)
		return sqlNot(inner), err
	case Words:
		return e.words(n), nil
	case Equals:
		return e.equals(n.Field, []string{n.Value}), nil
	case Like:
		return e.like(n.Field, []Pattern{n.Pattern}), nil
	case Range:
		return e.interval(n), nil
	case Exists:
		return e.exists(n.Field), nil
	case Network:
		return e.network(n), nil
	case Folded:
		return e.folded(n), nil
	case Regexp:
		return e.regexp(n)
	case Same:
		return e.same(n), nil
	case Measured:
		return e.measured(n), nil
	case Any:
		return e.anyElement(n)
	}
	return "", fmt.Errorf("emit: no SQL for %T", n)
}

func (e *emitter) nodes(nodes []Node) ([]string, error) {
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		var err error
		if parts[i], err = e.node(n); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// disjunction writes alternatives; equalities of one field become one IN, and
// patterns and words are looked for together.
func (e *emitter) disjunction(nodes []Node) ([]string, error) {
	var parts []string
	var fields []schema.Field
	values := map[schema.Field][]string{}
	var patternFields []schema.Field
	patterns := map[schema.Field][]Pattern{}
	var words, everywhere []Pattern
	for _, n := range nodes {
		if ofAnyCase(n) {
			sql, err := e.inAnyCase(n)
			if err != nil {
				return nil, err
			}
			parts = append(parts, sql)
			continue
		}
		switch n := n.(type) {
		case Equals:
			if values[n.Field] == nil {
				fields = append(fields, n.Field)
			}
			values[n.Field] = append(values[n.Field], n.Value)
			continue
		case Like:
			if patterns[n.Field] == nil {
				patternFields = append(patternFields, n.Field)
			}
			patterns[n.Field] = append(patterns[n.Field], n.Pattern)
			continue
		case Words:
			if n.In == "" {
				if words = append(words, n.Pattern); n.Everywhere {
					everywhere = append(everywhere, n.Pattern)
				}
				continue
			}
		}
		sql, err := e.node(n)
		if err != nil {
			return nil, err
		}
		parts = append(parts, sql)
	}
	var merged []string
	for _, f := range fields {
		merged = append(merged, e.equals(f, values[f]))
	}
	for _, f := range patternFields {
		merged = append(merged, e.like(f, patterns[f]))
	}
	if len(words) > 0 {
		merged = append(merged, e.message(words))
	}
	if len(everywhere) > 0 {
		merged = append(merged, e.anyValue(everywhere))
	}
	return append(merged, parts...), nil
}

func sqlAll(parts ...string) string { return joined(parts, " AND ", "true") }
func sqlAny(parts ...string) string { return joined(parts, " OR ", "false") }
func sqlNot(part string) string     { return "(NOT " + part + ")" }

// joined drops the parts that decide nothing.
func joined(parts []string, operator, neutral string) string {
	var kept []string
	for _, p := range parts {
		if p != neutral {
			kept = append(kept, p)
		}
	}
	switch len(kept) {
	case 0:
		return neutral
	case 1:
		return kept[0]
	}
	return "(" + strings.Join(kept, operator) + ")"
}

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

// has tells whether any of the forms can be there.
func (a attribute) has(s schema.Shapes) bool { return a.shapes&s != 0 }

// texts writes a test of the strings at the path, one or several.
func (a attribute) texts(one, several func(column string) string) []string {
	var parts []string
	if a.has(schema.OneString) {
		parts = append(parts, notNull(one(a.text())))
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
	shapes := e.shapes(path)
	if _, typed := schema.Typed(path); typed {
		return attribute{true, "attributes.`" + path + "`", "attributes.`" + schema.ManyPath(path) + "`", "", shapes &^ schema.InRest}
	}
	column := "attributes." + e.p.Identifier(schema.StoredPath(path))
	a := attribute{false, column, column + stringList, "", shapes}
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

// notNull makes a test of a column that may be NULL 0 there. The server's index
// analysis sees through it.
func notNull(test string) string { return "ifNull(" + test + ", false)" }

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
		return sqlAny(parts...)
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
	return sqlAny(append(parts, boolIs(a, yes, no)...)...)
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
		parts = append(parts, notNull("("+a.column+v.scalar+" IN ("+list+"))"))
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
		parts = append(parts, notNull(test(a.column+v.scalar)))
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
			parts = append(parts, notNull("("+a.column+".:Bool = "+value+")"))
		}
		if asked && a.has(schema.ManyBools) {
			parts = append(parts, "has("+a.column+booleanList+", "+value+")")
		}
	}
	sort.Strings(parts)
	return parts
}

func (e *emitter) timestampEquals(values []string) string {
	var parts []string
	for _, v := range values {
		if moment, ok := parseMoment(v); ok && moment.isInt {
			parts = append(parts, e.timestampIn(span{moment.i, moment.i}))
		}
	}
	return sqlAny(parts...)
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
	return sqlAll(parts...)
}

// texts writes a test of the text of the field's values. The test must be a
// function of its argument alone, and NULL or 0 where that is NULL.
func (e *emitter) texts(f schema.Field, test func(x string) string) string {
	switch {
	case f.Kind == schema.FieldAttribute:
		a := e.attribute(f.Name)
		return sqlAny(a.texts(test, func(array string) string { return arrayExists(array, test) })...)
	case f.Kind == schema.FieldTag:
		key := f.Name + ":"
		return "arrayExists(t -> (startsWith(t, " + e.p.String(key) + ") AND " +
			test(fmt.Sprintf("substring(t, %s)", e.p.Int(int64(len(key)+1)))) + "), tags)"
	case f.Name == "tags":
		return "arrayExists(t -> " + test("t") + ", tags)"
	case f.Name == "timestamp":
		return test("toString(toUnixTimestamp64Milli(timestamp))")
	}
	return sqlAll("("+f.Name+" != '')", test(f.Name))
}

func arrayExists(array string, test func(x string) string) string {
	return "arrayExists(v -> " + notNull(test("v")) + ", " + array + ")"
}

// like holds when the text of a value of the field fits one of the patterns.
func (e *emitter) like(f schema.Field, patterns []Pattern) string {
	texts := func(x string) string { return e.fits(x, patterns) }
	numbers := func(x string) string { return "false" }
	if ofNumbers := fitting(patterns, "0123456789+-.e"); len(ofNumbers) > 0 {
		numbers = func(x string) string { return e.fits(x, ofNumbers) }
	}
	return e.anyText(f, texts, numbers, func(text string) bool {
		return slices.ContainsFunc(patterns, func(p Pattern) bool { return newWholeText(p, false).match(text) })
	})
}

// anyText writes a test of the texts of all values of the field: of strings, of
// numbers (false where no number can pass), and of true and false, in memory.
func (e *emitter) anyText(f schema.Field, texts, numbers func(x string) string, fits func(text string) bool) string {
	sql := e.texts(f, texts)
	if _, typed := schema.Typed(f.Name); f.Kind != schema.FieldAttribute || typed {
		return sql
	}
	a := e.attribute(f.Name)
	parts := []string{sql}
	if numbers("x") != "false" {
		test := func(x string) string { return numbers("toString(" + x + ")") }
		parts = append(parts, variantTest(a, schema.OneInt, test)...)
		parts = append(parts, variantTest(a, schema.OneFloat, test)...)
	}
	return sqlAny(append(parts, boolIs(a, fits("true"), fits("false"))...)...)
}

// fitting are the patterns whose text is made of these characters only.
func fitting(patterns []Pattern, alphabet string) []Pattern {
	var out []Pattern
	for _, p := range patterns {
		fits := true
		for _, g := range p.glyphs() {
			fits = fits && (g.kind != glyphRune || strings.ContainsRune(alphabet, g.r))
		}
		if fits {
			out = append(out, p)
		}
	}
	return out
}

// maxNeedles is how many texts multiSearchAny takes.
const maxNeedles = 255

// fits writes the test whether x fits one of the patterns. Those of the form
// `*text*`, the most frequent, are looked for together.
func (e *emitter) fits(x string, patterns []Pattern) string {
	var parts, needles []string
	var others []Pattern
	for _, p := range patterns {
		if needle, ok := contained(p); ok && len(patterns) > 1 {
			needles = append(needles, needle)
			continue
		}
		others = append(others, p)
	}
	for part := range slices.Chunk(needles, maxNeedles) {
		parts = append(parts, "multiSearchAny("+x+", "+e.p.Strings(part)+")")
	}
	return sqlAny(append(parts, e.likes(x, others)...)...)
}

// likes writes the tests of patterns of any form. Many are looked for together, like
// words, those that need a text after a search for it.
func (e *emitter) likes(x string, patterns []Pattern) (parts []string) {
	if len(patterns) <= maxTokens {
		for _, p := range patterns {
			parts = append(parts, "("+x+" LIKE "+e.p.String(likePattern(p))+")")
		}
		return parts
	}
	for part := range slices.Chunk(patterns, maxTokens) {
		var needles, regexps []string
		for _, p := range part {
			glyphs := p.glyphs()
			regexps = append(regexps, wholeRegexp(glyphs))
			if needle := longestASCII(glyphs); needle != "" {
				needles = append(needles, needle)
			}
		}
		guard := "true"
		if len(needles) == len(part) {
			guard = "multiSearchAny(" + x + ", " + e.p.Strings(needles) + ")"
		}
		parts = append(parts, sqlAll(guard, "match("+x+", "+e.p.String(`(?s)\A(?:`+strings.Join(regexps, "|")+`)\z`)+")"))
	}
	return parts
}

// wholeRegexp is an expression for the texts that the glyphs fit, in their letter
// case.
func wholeRegexp(glyphs []glyph) string {
	var b strings.Builder
	for _, g := range glyphs {
		switch g.kind {
		case glyphRun:
			b.WriteString(".*")
		case glyphAny:
			b.WriteByte('.')
		default:
			writeLiteral(&b, g.r)
		}
	}
	return b.String()
}

// contained is the text of a pattern of the form `*text*`.
func contained(p Pattern) (string, bool) {
	glyphs := p.glyphs()
	if len(glyphs) < 3 || glyphs[0].kind != glyphRun || glyphs[len(glyphs)-1].kind != glyphRun {
		return "", false
	}
	var b strings.Builder
	for _, g := range glyphs[1 : len(glyphs)-1] {
		if g.kind != glyphRune {
			return "", false
		}
		b.WriteRune(g.r)
	}
	return b.String(), true
}

// likePattern is the pattern in the language of LIKE.
func likePattern(p Pattern) string {
	var b strings.Builder
	for _, g := range p.glyphs() {
		switch {
		case g.kind == glyphRun:
			b.WriteByte('%')
		case g.kind == glyphAny:
			b.WriteByte('_')
		case g.r == '%' || g.r == '_' || g.r == '\\':
			b.WriteByte('\\')
			b.WriteRune(g.r)
		default:
			b.WriteRune(g.r)
		}
	}
	return b.String()
}

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
		parts = append(parts, "arrayExists(v -> "+notNull(sqlAny(ofMixed...))+", "+mixed+")")
	}
	if a.has(schema.InRest) {
		parts = append(parts, "arrayExists(v -> "+notNull(sqlAny(ofMixed...))+", "+a.rest+")")
	}
	return sqlAny(parts...)
}

// stored is the attribute without some of the forms that it may have.
func (a attribute) stored(of schema.Shapes) attribute {
	a.shapes &= of
	return a
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
	number := notNull(e.betweenFloats(v, float))
	if whole := "toInt64OrNull(" + x + ")"; !v.exactInFloats() {
		ints := "false"
		if !v.ints.empty() {
			ints = notNull(e.betweenInts(v.ints, whole))
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
	return sqlAll(parts...)
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
	return sqlAll(parts...)
}

func (e *emitter) betweenFloats(v interval, x string) string {
	var parts []string
	if !v.low.Open {
		parts = append(parts, "("+x+above(v.low.Inclusive)+e.p.Float(v.floatLow)+")")
	}
	if !v.high.Open {
		parts = append(parts, "("+x+below(v.high.Inclusive)+e.p.Float(v.floatHigh)+")")
	}
	return sqlAll(parts...)
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
		return sqlAny(parts...)
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
	return sqlAny(append(parts, fmt.Sprintf("(length(%s) > %d)", below, typed))...)
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

// network holds when a value of the field is an address in one of the blocks.
// The server reads addresses more leniently than parseAddress (leading zeros,
// `:::`), so what it finds must have the strict form too. Reading an address
// costs more than a look at its first digits, so that goes first.
func (e *emitter) network(n Network) string {
	test := func(x string) string { return e.addressIn(x, n) }
	if n.Field.Kind != schema.FieldAttribute {
		return e.texts(n.Field, test)
	}
	a := e.attribute(n.Field.Name)
	var parts []string
	if a.has(schema.OneString) {
		parts = append(parts, test(a.text()))
	}
	if a.has(schema.ManyStrings | schema.ManyMixed) {
		parts = append(parts, "arrayExists(v -> "+test("v")+", "+a.many+")")
	}
	if a.has(schema.InRest) {
		parts = append(parts, "arrayExists(v -> "+test("v")+", "+a.restTexts()+")")
	}
	return sqlAny(parts...)
}

// addressIn tests a text.
func (e *emitter) addressIn(x string, n Network) string {
	parts := make([]string, len(n.Blocks))
	for i, b := range n.Blocks {
		s := newAddressSpan(b)
		parts[i] = fmt.Sprintf("(toIPv6OrNull(%s) BETWEEN toIPv6(%s) AND toIPv6(%s))",
			x, e.p.String(s.low.StringExpanded()), e.p.String(s.high.StringExpanded()))
	}
	exact := notNull(sqlAll(sqlAny(parts...), "match("+x+", "+e.p.String(strictAddress)+")"))
	if hint := e.addressHint(x, n.Blocks); hint != "true" {
		return sqlAll(notNull(hint), exact) // the server runs them one after the other
	}
	return exact
}

// maxHints is up to how many blocks a look at the first digits pays.
const maxHints = 8

// addressHint holds for every text of an address in one of the blocks: an IPv6
// text has a colon, and an IPv4 text begins with the bytes that are the same in
// all of its block.
func (e *emitter) addressHint(x string, blocks []netip.Prefix) string {
	if len(blocks) > maxHints {
		return "true"
	}
	parts := []string{"(position(" + x + ", ':') > 0)"}
	for _, b := range blocks {
		s := newAddressSpan(b)
		if s.high.Compare(lowestIPv4) < 0 || highestIPv4.Compare(s.low) < 0 {
			continue
		}
		digits := commonDigits(s.low.Unmap(), s.high.Unmap())
		if digits == "" {
			return "true"
		}
		parts = append(parts, "startsWith("+x+", "+e.p.String(digits)+")")
	}
	return sqlAny(parts...)
}

// The IPv4 addresses among the IPv6 ones.
var (
	lowestIPv4  = netip.MustParseAddr("::ffff:0.0.0.0")
	highestIPv4 = netip.MustParseAddr("::ffff:255.255.255.255")
)

// commonDigits is how the texts of all addresses between two begin, as far as
// whole numbers go; empty where they are not all of IPv4.
func commonDigits(low, high netip.Addr) string {
	if !low.Is4() || !high.Is4() {
		return ""
	}
	if low == high {
		return low.String()
	}
	var b strings.Builder
	for i, n := range low.As4() {
		if n != high.As4()[i] {
			break
		}
		fmt.Fprintf(&b, "%d.", n)
	}
	return b.String()
}

// strictAddress is the form of the addresses that netip.ParseAddr reads, zones
// aside: the grammar of RFC 3986.
var strictAddress = func() string {
	const (
		byte4 = `(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
		v4    = `(?:` + byte4 + `\.){3}` + byte4
		h     = `[0-9a-fA-F]{1,4}`
		last  = `(?:` + h + `:` + h + `|` + v4 + `)`
	)
	before := func(n int) string { return fmt.Sprintf(`(?:(?:%s:){0,%d}%s)?::`, h, n, h) }
	after := func(n int) string { return fmt.Sprintf(`(?:%s:){%d}%s`, h, n, last) }
	forms := []string{v4, after(6), `::` + after(5), `(?:` + h + `)?::` + after(4)}
	for n := 1; n <= 4; n++ {
		forms = append(forms, before(n)+after(4-n))
	}
	forms = append(forms, before(5)+h, before(6))
	return `\A(?:` + strings.Join(forms, "|") + `)\z`
}()
