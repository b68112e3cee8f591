package schema

import (
	"fmt"
	"strings"
)

// Table declares a stored table. Its DDL, the encoder, the compiler and the
// migrations all read this declaration.
type Table struct {
	Name    string
	Comment string
	Columns []Column
	Indexes []Index
	// Engine is the table engine with its arguments.
	Engine string
	// PartitionBy and OrderBy are expressions over columns.
	PartitionBy, OrderBy string
	// Settings are appended as they are.
	Settings string
}

// Column is one stored column.
type Column struct {
	Name, Type string
	Codec      string // empty: the server's default
	Comment    string
}

// Index is a skipping index.
type Index struct {
	Name, Expr, Type string
	Granularity      int
}

// CreateSQL is the statement that creates the table when it is absent.
func (t Table) CreateSQL() string {
	var lines []string
	for _, c := range t.Columns {
		lines = append(lines, "    "+c.SQL())
	}
	for _, i := range t.Indexes {
		lines = append(lines, "    INDEX "+i.SQL())
	}
	sql := fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (\n%s\n) ENGINE = %s", t.Name, strings.Join(lines, ",\n"), t.Engine)
	if t.PartitionBy != "" {
		sql += "\nPARTITION BY " + t.PartitionBy
	}
	sql += "\nORDER BY " + t.OrderBy
	if t.Settings != "" {
		sql += "\nSETTINGS " + t.Settings
	}
	return sql + "\nCOMMENT '" + t.Comment + "'"
}

// SQL is the column as CREATE TABLE and ADD COLUMN write it.
func (c Column) SQL() string {
	sql := "`" + c.Name + "` " + c.Type
	if c.Comment != "" {
		sql += " COMMENT '" + c.Comment + "'"
	}
	if c.Codec != "" {
		sql += " CODEC(" + c.Codec + ")"
	}
	return sql
}

// SQL is the index as CREATE TABLE and ADD INDEX write it.
func (i Index) SQL() string {
	return fmt.Sprintf("%s %s TYPE %s GRANULARITY %d", i.Name, i.Expr, i.Type, i.Granularity)
}

// ColumnNames are the names in declared order.
func (t Table) ColumnNames() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}
