package reference

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Field is a column of a table, as its schema declares it.
type Field struct {
	Name string `json:"name"`
	// Type is STRING or INT32. Values of either compare as texts, a number as it
	// is written without a plus sign and leading zeros.
	Type string `json:"type"`
	// Match is the kind of comparison, of our own making beside the API's keys.
	Match Kind `json:"match,omitempty"`
}

// The types of a field.
const (
	String = "STRING"
	Int32  = "INT32"
)

// MaxFields is how many columns a table has at most.
const MaxFields = 200

// byteOrderMark is what some programs begin a UTF-8 file with.
const byteOrderMark = "\ufeff"

// UnnamedColumn is the name of the first column of a file that names none; those
// behind it are column2, column3 and so on.
const UnnamedColumn = "value"

// CSVOptions say what a file does not say of itself.
type CSVOptions struct {
	// Columns are the names of the columns. A first line that has just these names,
	// in any order, is the header all the same.
	Columns []string
	// NoHeader says that the first line is a row, whatever it looks like.
	NoHeader bool
}

// CSV reads a table from a file: RFC 4180 with commas, tabs or semicolons between
// the cells, the first line naming the columns. A name may end with the kind of
// comparison, as in `domain:wildcard`. Blanks around a cell are left out, and so
// are empty lines and lines that begin with # or ;, unless in quotes. A file whose
// first line looks like its second, with addresses, domains, hashes or the like in
// the same place, has no header.
type CSV struct {
	Fields []Field
	// Header reports whether the first line named the columns.
	Header bool

	csv  *csv.Reader
	held []csvRow // read ahead
	last csvRow
}

// csvRow is a row and where its cells begin.
type csvRow struct {
	cells         []string
	lines, starts []int
}

// NewCSV reads the header. Errors begin with line:column.
func NewCSV(r io.Reader, o CSVOptions) (*CSV, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if mark, _ := in.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = in.Discard(len(byteOrderMark))
	}
	rows := bufio.NewReaderSize(&uncommented{in: in}, 1<<16)
	c := &CSV{csv: csv.NewReader(rows)}
	c.csv.ReuseRecord, c.csv.TrimLeadingSpace, c.csv.Comma, c.csv.FieldsPerRecord = true, true, delimiter(rows), -1
	first, err := c.next()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("1:1: the file is empty; its first line names the columns")
	}
	if err != nil {
		return nil, err
	}
	return c, c.begin(first, o)
}

// begin decides what the first row is.
func (c *CSV) begin(first csvRow, o CSVOptions) error {
	first.cells = c.list(first.cells)
	c.last = first
	names := first.cells
	switch {
	case len(o.Columns) > 0:
		names, c.Header = o.Columns, sameNames(first.cells, o.Columns)
		if c.Header {
			names = inOrderOf(first.cells, o.Columns)
		} else if len(names) != len(first.cells) {
			return fmt.Errorf("%d:1: the line has %d values, and the columns are %s", first.lines[0], len(first.cells), strings.Join(names, ", "))
		}
	case o.NoHeader:
		names = unnamed(len(first.cells))
	default:
		second, err := c.next()
		if err == nil {
			c.held = append(c.held, second)
		} else if !errors.Is(err, io.EOF) {
			return err
		}
		if c.Header = !isRow(first.cells, second.cells); !c.Header {
			names = unnamed(len(first.cells))
		}
	}
	if err := c.header(names); err != nil {
		return err
	}
	if !c.Header {
		c.held = append([]csvRow{first}, c.held...)
	}
	return nil
}

func unnamed(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("column%d", i+1)
	}
	names[0] = UnnamedColumn
	return names
}

// sameNames reports whether the cells of a line are the names, whatever kinds they
// have.
func sameNames(cells, names []string) bool {
	plain := func(list []string) []string {
		out := make([]string, len(list))
		for i, name := range list {
			out[i], _ = cutKind(strings.TrimSpace(name))
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(plain(cells), plain(names))
}

// inOrderOf puts the names, which may have kinds, into the order of the cells.
func inOrderOf(cells, names []string) []string {
	out := make([]string, len(cells))
	for i, cell := range cells {
		plain, _ := cutKind(cell)
		n := slices.IndexFunc(names, func(name string) bool { before, _ := cutKind(strings.TrimSpace(name)); return before == plain })
		if out[i] = names[n]; strings.Contains(cell, ":") {
			out[i] = cell // it says more
		}
	}
	return out
}

// cutKind parts the name of a column from the kind of comparison behind it.
func cutKind(name string) (string, Kind) {
	if before, kind, ok := cutLast(name, ":"); ok && slices.Contains(Kinds, Kind(kind)) {
		return before, Kind(kind)
	}
	return name, Auto
}

func (c *CSV) header(names []string) error {
	if len(names) > MaxFields {
		return fmt.Errorf("1:1: %d columns; a table has at most %d", len(names), MaxFields)
	}
	for i, name := range names {
		f := Field{Type: String}
		f.Name, f.Match = cutKind(strings.TrimSpace(name))
		if f.Name == "" {
			return c.errorAt(i, "the name of a column is empty")
		}
		if slices.ContainsFunc(c.Fields, func(g Field) bool { return g.Name == f.Name }) {
			return c.errorAt(i, fmt.Sprintf("two columns are named %q", f.Name))
		}
		c.Fields = append(c.Fields, f)
	}
	return nil
}

// Declare gives the columns the types and kinds of a schema, which must have the
// same ones, in any order.
func (c *CSV) Declare(fields []Field) error {
	for i, f := range c.Fields {
		n := slices.IndexFunc(fields, func(g Field) bool { return g.Name == f.Name })
		if n < 0 {
			return fmt.Errorf("1:1: the table's schema has no column %q; it has %s", f.Name, fieldNames(fields))
		}
		c.Fields[i] = fields[n]
	}
	for _, f := range fields {
		if !slices.ContainsFunc(c.Fields, func(g Field) bool { return g.Name == f.Name }) {
			return fmt.Errorf("1:1: column %q of the table's schema is not in the file, which has %s", f.Name, fieldNames(c.Fields))
		}
	}
	return nil
}

// Read is the next row, or io.EOF. It is good until the next call.
func (c *CSV) Read() ([]string, error) {
	if len(c.held) > 0 {
		c.last, c.held = c.held[0], c.held[1:]
	} else {
		cells, err := c.csv.Read()
		if err != nil {
			return nil, csvError(err)
		}
		c.last = csvRow{cells: cells}
	}
	row := c.last.cells
	if len(c.Fields) == 1 {
		row = c.list(row)
	}
	if len(row) != len(c.Fields) {
		return nil, c.errorAt(0, fmt.Sprintf("the line has %d values, and there are %d columns: %s", len(row), len(c.Fields), fieldNames(c.Fields)))
	}
	for i := range row {
		text, err := c.Fields[i].Normal(row[i])
		if err != nil {
			return nil, c.errorAt(i, err.Error())
		}
		row[i] = text
	}
	return row, nil
}

// list is a row of a file with one column, without the remark behind its value,
// whatever that has of delimiters.
func (c *CSV) list(row []string) []string {
	if value := withoutRemark(row[0]); len(value) < len(row[0]) {
		row[0] = value
		return row[:1]
	}
	return row
}

// next is the next row of the file, to be kept.
func (c *CSV) next() (csvRow, error) {
	cells, err := c.csv.Read()
	if err != nil {
		return csvRow{}, csvError(err)
	}
	row := csvRow{cells: slices.Clone(cells)}
	for i := range cells {
		line, start := c.csv.FieldPos(i)
		row.lines, row.starts = append(row.lines, line), append(row.starts, start)
		row.cells[i] = strings.TrimSpace(row.cells[i])
	}
	return row, nil
}

// Line is the line of the row that was read last.
func (c *CSV) Line() int {
	line, _ := c.place(0)
	return line
}

// place is where a cell of the row that was read last is.
func (c *CSV) place(cell int) (line, column int) {
	if c.last.lines == nil {
		return c.csv.FieldPos(cell)
	}
	cell = min(cell, len(c.last.lines)-1)
	return c.last.lines[cell], c.last.starts[cell]
}

// errorAt is an error at a cell of the line that was read last.
func (c *CSV) errorAt(cell int, message string) error {
	line, column := c.place(cell)
	return fmt.Errorf("%d:%d: %s", line, column, message)
}

// Normal is a value of the field as it is kept and compared: without blanks around
// it.
func (f *Field) Normal(value string) (string, error) {
	value = strings.TrimSpace(value)
	if len(value) > MaxCell {
		return "", fmt.Errorf("column %s: the value has %d bytes; at most %d are kept", f.Name, len(value), MaxCell)
	}
	if !utf8.ValidString(value) {
		return "", fmt.Errorf("column %s: %.40q is not UTF-8 text", f.Name, value)
	}
	if f.Type != Int32 || value == "" {
		return value, nil
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return "", fmt.Errorf("column %s: %.40q is no INT32; want a whole number from -2147483648 to 2147483647", f.Name, value)
	}
	return strconv.FormatInt(n, 10), nil
}

func csvError(err error) error {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return err
	}
	return fmt.Errorf("%d:%d: %w", p.Line, p.Column, p.Err)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func fieldNames(fields []Field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = strconv.Quote(f.Name)
	}
	return strings.Join(names, ", ")
}
