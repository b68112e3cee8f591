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

// UnnamedColumn is the name of the column of a file that is a mere list of
// addresses or networks.
const UnnamedColumn = "value"

// CSV reads a table from a file: RFC 4180, the first line naming the columns. A
// name may end with the kind of comparison, as in `domain:wildcard`. A file whose
// first line is one address or network is a list without a header.
type CSV struct {
	Fields []Field
	csv    *csv.Reader
	first  []string // a list's first line, not yet read
}

// byteOrderMark is what some programs begin a UTF-8 file with.
const byteOrderMark = "\ufeff"

// NewCSV reads the header. Errors begin with line:column.
func NewCSV(r io.Reader) (*CSV, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	if mark, _ := b.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = b.Discard(len(byteOrderMark))
	}
	c := &CSV{csv: csv.NewReader(b)}
	c.csv.ReuseRecord = true
	header, err := c.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("1:1: the file is empty; its first line names the columns")
	}
	if err != nil {
		return nil, csvError(err)
	}
	header = slices.Clone(header)
	if _, ok := ParseNetwork(header[0]); ok && len(header) == 1 {
		c.first = header
		header = []string{UnnamedColumn}
	}
	return c, c.header(header)
}

func (c *CSV) header(names []string) error {
	if len(names) > MaxFields {
		return fmt.Errorf("1:1: %d columns; a table has at most %d", len(names), MaxFields)
	}
	for i, name := range names {
		f := Field{Name: name, Type: String}
		if before, kind, ok := cutLast(name, ":"); ok && slices.Contains(Kinds, Kind(kind)) {
			f.Name, f.Match = before, Kind(kind)
		}
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
	row := c.first
	if row == nil {
		var err error
		if row, err = c.csv.Read(); err != nil {
			return nil, csvError(err)
		}
	}
	c.first = nil
	for i := range row {
		text, err := c.Fields[i].Normal(row[i])
		if err != nil {
			return nil, c.errorAt(i, err.Error())
		}
		row[i] = text
	}
	return row, nil
}

// Line is the line of the row that was read last.
func (c *CSV) Line() int {
	line, _ := c.csv.FieldPos(0)
	return line
}

// errorAt is an error at a cell of the line that was read last.
func (c *CSV) errorAt(cell int, message string) error {
	line, column := c.csv.FieldPos(cell)
	return fmt.Errorf("%d:%d: %s", line, column, message)
}

// Normal is a value of the field as it is kept and compared.
func (f *Field) Normal(value string) (string, error) {
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
	reason := p.Err.Error()
	if errors.Is(p.Err, csv.ErrFieldCount) {
		reason = "the line has more or fewer values than the header has columns"
	}
	return fmt.Errorf("%d:%d: %s", p.Line, p.Column, reason)
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
