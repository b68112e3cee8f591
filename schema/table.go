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
	// Settings are the table's own, beside those of every table.
	Settings string
	// Rewrites bring rows of earlier states up to the present meaning.
	Rewrites []Rewrite
}

// Rewrite is the rest of an ALTER TABLE that is carried out before the column is
// added. It may be carried out twice.
type Rewrite struct{ Before, SQL string }

// durable are the settings of every table: when an insert has returned, its rows
// survive a power cut. What is acknowledged is let go of elsewhere after that.
const durable = "fsync_after_insert = 1, fsync_part_directory = 1"

// AllSettings are the table's settings by name.
func (t Table) AllSettings() map[string]string { return ParseSettings(t.settings()) }

// ParseSettings reads settings as CREATE TABLE writes them.
func ParseSettings(text string) map[string]string {
	out := map[string]string{}
	for s := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(s, "=")
		out[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return out
}

func (t Table) settings() string {
	if t.Settings == "" {
		return durable
	}
	return t.Settings + ", " + durable
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
	Granularity      int // 0: the server's default
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
	return sql + "\nSETTINGS " + t.settings() + "\nCOMMENT '" + t.Comment + "'"
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
	sql := i.Name + " " + i.Expr + " TYPE " + i.Type
	if i.Granularity > 0 {
		sql += fmt.Sprintf(" GRANULARITY %d", i.Granularity)
	}
	return sql
}

// ColumnNames are the names in declared order.
func (t Table) ColumnNames() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}
