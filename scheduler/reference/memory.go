package reference

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"nightjar/compiler"
	"nightjar/schema"
)

// Memory is tables read from files, for evaluation without a store: their only
// version counts at every moment. It implements compiler.Tables.
type Memory struct {
	tables map[string]map[string]*column
	fields map[string][]Field
}

// Report says what was read of a file.
type Report struct {
	Fields []Field
	Rows   int
	// Replaced are the rows whose key a later row has too: the last one counts.
	Replaced int
	// Foreign are values that are none of their column's kind, such as a name in
	// a column of networks. No event is in them.
	Foreign int
}

// NewMemory makes one without tables.
func NewMemory() *Memory { return &Memory{map[string]map[string]*column{}, map[string][]Field{}} }

// Add reads a table. Its first column is its key. Of the columns, only those
// that are wanted are kept.
func (m *Memory) Add(name string, file io.Reader, wanted []compiler.TableColumn) (Report, error) {
	c, err := NewCSV(file, CSVOptions{})
	if err != nil {
		return Report{}, err
	}
	b := builder{keys: newTexts(1)}
	table := map[string]*column{}
	for i, f := range c.Fields {
		table[f.Name] = nil
		if !slices.Contains(wanted, compiler.TableColumn{Table: name, Column: f.Name}) {
			continue
		}
		column, err := newColumn(f.Match)
		if err != nil {
			return Report{}, err
		}
		b.cells, b.columns = append(b.cells, i), append(b.columns, column)
		table[f.Name] = column
	}
	if err := b.read(c); err != nil {
		return Report{}, err
	}
	m.tables[name], m.fields[name] = table, c.Fields
	report := Report{Fields: c.Fields, Rows: b.keys.n, Replaced: b.replaced, Foreign: b.foreign}
	return report, nil
}

// builder fills columns with the rows of a file.
type builder struct {
	keys     *texts // with the number of the row, from 1
	cells    []int  // where the columns are in a line of the file
	columns  []*column
	rows     []ref // the columns' values, row by row
	replaced int
	foreign  int
}

const onlyVersion Version = 1

func (b *builder) read(c *CSV) error {
	row := make([]ref, len(b.columns))
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i, column := range b.columns {
			if row[i], err = column.intern(cells[b.cells[i]]); err != nil {
				return c.errorAt(b.cells[i], err.Error())
			}
			if row[i] == 0 && cells[b.cells[i]] != "" {
				b.foreign++
			}
		}
		if err := b.row(cells[0], row); err != nil {
			return c.errorAt(0, err.Error())
		}
	}
}

// row puts a row into the place of the one that has its key.
func (b *builder) row(key string, row []ref) error {
	r, isNew, err := b.keys.add(key)
	if err != nil {
		return err
	}
	if isNew {
		b.rows = append(b.rows, row...)
		b.keys.setWord(r, 0, uint32(b.keys.n))
	}
	at := int(b.keys.word(r, 0)-1) * len(row)
	if !isNew {
		b.replaced++
	}
	for i, column := range b.columns {
		if !isNew {
			column.drop(b.rows[at+i], onlyVersion)
		}
		column.add(row[i], onlyVersion)
		b.rows[at+i] = row[i]
	}
	return nil
}

// Has implements compiler.Tables.
func (m *Memory) Has(table, column, value string, _ schema.Millis) bool {
	c := m.tables[table][column]
	return c != nil && c.has(value, onlyVersion)
}

// Check is a ColumnError when there is the table and it has no such column.
func (m *Memory) Check(c compiler.TableColumn) error {
	table, there := m.tables[c.Table]
	if _, ok := table[c.Column]; there && !ok {
		return &ColumnError{c, m.fields[c.Table]}
	}
	return nil
}

// Missing says of the columns which there are not.
func (m *Memory) Missing(columns []compiler.TableColumn) []string {
	var out []string
	for _, c := range columns {
		if _, ok := m.tables[c.Table]; !ok {
			out = append(out, noTable(c, slices.Collect(maps.Keys(m.tables))))
		} else if err := m.Check(c); err != nil {
			out = append(out, err.Error())
		}
	}
	return out
}

func noTable(c compiler.TableColumn, names []string) string {
	text := fmt.Sprintf("there is no reference table %q: until there is, nothing is in it", c.Table)
	if near := schema.Closest(c.Table, names, 3); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return text
}

// ColumnError is a column that somebody asks and that a table does not have.
type ColumnError struct {
	compiler.TableColumn
	Fields []Field
}

// Error implements error.
func (e *ColumnError) Error() string {
	return fmt.Sprintf("reference table %q has no column %q; it has %s", e.Table, e.Column, fieldNames(e.Fields))
}

// String is the report in words.
func (r Report) String() string {
	s := fmt.Sprintf("%d rows with columns %s", r.Rows, fieldNames(r.Fields))
	if r.Replaced > 0 {
		s += fmt.Sprintf("; %d rows left out, a later one has their key", r.Replaced)
	}
	if r.Foreign > 0 {
		s += fmt.Sprintf("; %d values are not of their column's kind and match nothing", r.Foreign)
	}
	return s
}
