package clickhouse

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"nightjar/schema"
)

// The JSON column is sent as the server keeps it, every path a column of its
// own, so the server parses no text and takes no list of whole numbers for one
// of doubles because it has seen such a list. What is stored is what the server
// makes of schema's Projection, one row at a time
// (TestAttributesAreStoredAsTheirProjection). In the format, which ClickHouse
// calls flattened, there are
//
//	the version 3 (UInt64), the number of untyped paths, their names,
//	the prefixes of the typed paths, in the order of their names,
//	for each untyped path the version 3, the number of its types, their names,
//	the data of the typed paths,
//	for each untyped path the number of each row's type, or the number of types
//	where it has none, and then the values of each type.

const (
	versionFlattened  = 3
	versionDictionary = 1
	dictionaryFlags   = 3 << 9 // keys beside a dictionary of this block's own
)

// maxCells bounds untyped paths × rows of a block: a path has a byte for every
// row, there or not.
const maxCells = 32 << 20

// errTooManyPaths says that the block is beyond maxCells.
var errTooManyPaths = errors.New("too many different paths in one block")

// attributesColumn collects the attributes of a block.
type attributesColumn struct {
	rows    int
	untyped []*pathColumn
	typed   []*typedColumn
	byPath  map[string]*pathColumn
	first   *pathColumn
	rest    map[string]bool // paths that are left out
}

// pathColumn is what rows have at a path.
type pathColumn struct {
	path  string
	typed *typedColumn // where the values go, at a typed path

	stored string
	forms  []byte // of each row, an index into values, or noForm
	values [len(storedTypes)]valueList
	mixed  *pathColumn // at the MixedPath

	// next is the column of the path that came after this one the last time:
	// events of a kind have the same paths.
	next *pathColumn
}

const noForm = math.MaxUint8

// storedTypes are the types of the forms, in the order of schema's Shapes.
var storedTypes = [...]string{
	"String", "Int64", "Float64", "Bool",
	"Array(Nullable(String))", "Array(Nullable(Int64))", "Array(Nullable(Float64))", "Array(Nullable(Bool))",
}

// lists is where the lists begin among the storedTypes.
const lists = 4

// valueList is values of one type, and for lists where each one ends.
type valueList struct {
	data, ends []byte
	count      int
}

// typedColumn is what rows have at a typed path, one value or several.
type typedColumn struct {
	path  string
	words bool // with a dictionary
	done  int  // rows
	nulls []byte
	one   valueList
	keys  []uint32
	known map[string]uint32
	many  valueList
}

func newAttributesColumn(rows int) *attributesColumn {
	c := &attributesColumn{rows: rows, byPath: map[string]*pathColumn{}}
	for _, p := range schema.TypedPaths {
		t := &typedColumn{path: p.Path, words: strings.HasPrefix(p.Type, "LowCardinality"), known: map[string]uint32{}}
		t.nulls = bytes.Repeat([]byte{1}, rows)
		c.typed = append(c.typed, t)
		c.byPath[p.Path] = &pathColumn{path: p.Path, typed: t}
	}
	return c
}

// add takes the attributes of a row; rows come in order.
func (c *attributesColumn) add(row int, a *schema.Attributes) (err error) {
	guess := &c.first
	a.Paths(func(leaves []schema.Leaf, s schema.Shapes) {
		if c.rest[leaves[0].Path] {
			return
		}
		p := *guess
		if p == nil || p.path != leaves[0].Path {
			if p, err = c.at(leaves[0].Path, err); err != nil {
				return
			}
			*guess = p
		}
		err = c.put(p, row, leaves, s)
		guess = &p.next
	})
	return err
}

func (c *attributesColumn) at(path string, err error) (*pathColumn, error) {
	p := c.byPath[path]
	if p != nil || err != nil {
		return p, err
	}
	p, err = c.newPath(path, schema.StoredPath(path))
	c.byPath[path] = p
	return p, err
}

func (c *attributesColumn) newPath(path, stored string) (*pathColumn, error) {
	if (len(c.untyped)+1)*c.rows > maxCells {
		return nil, errTooManyPaths
	}
	p := &pathColumn{path: path, stored: stored, forms: bytes.Repeat([]byte{noForm}, c.rows)}
	c.untyped = append(c.untyped, p)
	return p, nil
}

func (c *attributesColumn) put(p *pathColumn, row int, leaves []schema.Leaf, s schema.Shapes) error {
	switch {
	case p.typed != nil:
		p.typed.put(row, leaves)
		return nil
	case s != schema.ManyMixed:
		form := bits.TrailingZeros16(uint16(s))
		p.forms[row] = byte(form)
		p.values[form].putLeaves(leaves, form >= lists)
		return nil
	}
	if p.mixed == nil {
		var err error
		if p.mixed, err = c.newPath(p.path, schema.MixedPath(p.path)); err != nil {
			return err
		}
	}
	p.forms[row], p.mixed.forms[row] = lists, lists
	for i := range leaves {
		p.values[lists].putString(leaves[i].Text())
		p.mixed.values[lists].putString(leaves[i].Tagged())
	}
	p.values[lists].end()
	p.mixed.values[lists].end()
	return nil
}

// asList has several values of one path written as a list.
const asList = true

func (v *valueList) putLeaves(leaves []schema.Leaf, list bool) {
	for i := range leaves {
		v.count++
		switch l := &leaves[i]; l.Kind {
		case schema.KindString:
			v.data = appendText(v.data, l.Str)
		case schema.KindInt:
			v.data = binary.LittleEndian.AppendUint64(v.data, uint64(l.Int))
		case schema.KindFloat:
			v.data = binary.LittleEndian.AppendUint64(v.data, math.Float64bits(l.Num))
		case schema.KindBool:
			v.data = append(v.data, byte(l.Int))
		}
	}
	if list {
		v.end()
	}
}

func (v *valueList) putString(s string) {
	v.data = appendText(v.data, s)
	v.count++
}

// end ends a list.
func (v *valueList) end() { v.ends = binary.LittleEndian.AppendUint64(v.ends, uint64(v.count)) }

// put takes a row's values, which are strings at a typed path.
func (t *typedColumn) put(row int, leaves []schema.Leaf) {
	t.skip(row)
	t.done = row + 1
	if len(leaves) > 1 {
		t.putNone()
		t.many.putLeaves(leaves, asList)
		return
	}
	t.many.end()
	t.nulls[row] = 0
	if !t.words {
		t.one.putString(leaves[0].Str)
		return
	}
	key, known := t.known[leaves[0].Str]
	if !known {
		key = uint32(len(t.known) + dictionaryStart)
		t.known[leaves[0].Str] = key
		t.one.putString(leaves[0].Str)
	}
	t.keys = append(t.keys, key)
}

// dictionaryStart is the first key of a dictionary that is not NULL.
const dictionaryStart = 1

// skip fills the rows up to this one.
func (t *typedColumn) skip(row int) {
	for ; t.done < row; t.done++ {
		t.putNone()
		t.many.end()
	}
}

func (t *typedColumn) putNone() {
	if t.words {
		t.keys = append(t.keys, 0)
		return
	}
	t.one.putString("")
}

// encode writes the column.
func (c *attributesColumn) encode() []byte {
	dst := make([]byte, 0, c.size())
	dst = binary.LittleEndian.AppendUint64(dst, versionFlattened)
	dst = binary.AppendUvarint(dst, uint64(len(c.untyped)))
	for _, p := range c.untyped {
		dst = appendText(dst, p.stored)
	}
	typed := c.typedData()
	for _, t := range typed {
		if t.words {
			dst = binary.LittleEndian.AppendUint64(dst, versionDictionary)
		}
	}
	for _, p := range c.untyped {
		dst = p.appendTypes(dst)
	}
	for _, t := range typed {
		dst = t.append(dst)
	}
	for _, p := range c.untyped {
		dst = p.append(dst)
	}
	return dst
}

// size is about how long the encoding gets.
func (c *attributesColumn) size() int {
	size := 0
	for _, p := range c.untyped {
		size += len(p.stored) + 64 + c.rows
		for i := range p.values {
			size += len(p.values[i].data) + len(p.values[i].ends) + p.values[i].count
		}
	}
	for _, t := range c.typed {
		size += len(t.one.data) + len(t.many.data) + 14*c.rows
	}
	return size
}

// typedData are the typed paths as the server lists them.
type typedData struct {
	path   string
	words  bool
	append func([]byte) []byte
}

func (c *attributesColumn) typedData() []typedData {
	var out []typedData
	for _, t := range c.typed {
		t.skip(c.rows)
		out = append(out,
			typedData{t.path, t.words, t.appendOne},
			typedData{schema.ManyPath(t.path), false, func(dst []byte) []byte { return append(append(dst, t.many.ends...), t.many.data...) }})
	}
	slices.SortFunc(out, func(a, b typedData) int { return strings.Compare(a.path, b.path) })
	return out
}

func (t *typedColumn) appendOne(dst []byte) []byte {
	if !t.words {
		return append(append(dst, t.nulls...), t.one.data...)
	}
	width := 0 // of a key, as a power of two
	for width < 2 && len(t.known)+dictionaryStart > 1<<(8<<width) {
		width++
	}
	dst = binary.LittleEndian.AppendUint64(dst, dictionaryFlags|uint64(width))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(t.known)+dictionaryStart))
	dst = append(appendText(dst, ""), t.one.data...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(t.keys)))
	for _, key := range t.keys {
		switch width {
		case 0:
			dst = append(dst, byte(key))
		case 1:
			dst = binary.LittleEndian.AppendUint16(dst, uint16(key))
		default:
			dst = binary.LittleEndian.AppendUint32(dst, key)
		}
	}
	return dst
}

func (p *pathColumn) appendTypes(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, versionFlattened)
	used := 0
	for form := range p.values {
		if p.values[form].count > 0 {
			used++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(used))
	for form, name := range storedTypes {
		if p.values[form].count > 0 {
			dst = appendText(dst, name)
		}
	}
	return dst
}

func (p *pathColumn) append(dst []byte) []byte {
	var number [noForm + 1]byte
	used := byte(0)
	for form := range p.values {
		if p.values[form].count > 0 {
			number[form] = used
			used++
		}
	}
	number[noForm] = used
	at := len(dst)
	dst = append(dst, p.forms...)
	for i, form := range dst[at:] {
		dst[at+i] = number[form]
	}
	for form := range p.values {
		v := &p.values[form]
		if form >= lists && v.count > 0 {
			dst = append(dst, v.ends...)
			dst = append(dst, make([]byte, v.count)...) // none of the elements is NULL
		}
		dst = append(dst, v.data...)
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// nativeAttributes are the events' attributes in the native format, but for those
// of some paths. The error is errTooManyPaths, and never for a single event.
func nativeAttributes(events []schema.Event, rest map[string]bool) ([]byte, error) {
	c := newAttributesColumn(len(events))
	c.rest = rest
	for i := range events {
		if err := c.add(i, &events[i].Attributes); err != nil && len(events) > 1 {
			return nil, err
		}
	}
	return c.encode(), nil
}

// fill makes a column in the native format the content of the driver's, by the
// way on which the driver reads columns from a server.
func fill(into column.Interface, native []byte, rows int) error {
	prefixed, ok := into.(column.CustomSerialization)
	if !ok {
		return fmt.Errorf("the driver has a %T for a JSON column", into)
	}
	r := proto.NewReader(bytes.NewReader(native))
	if err := prefixed.ReadStatePrefix(r); err != nil {
		return fmt.Errorf("hand a JSON column to the driver: %w", err)
	}
	if err := into.Decode(r, rows); err != nil {
		return fmt.Errorf("hand a JSON column to the driver: %w", err)
	}
	return nil
}
