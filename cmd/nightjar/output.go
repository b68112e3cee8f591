package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// addOutput adds --output to a command that prints data.
func addOutput(c *cobra.Command) {
	c.Flags().String("output", "table", "table or json")
}

// outputJSON tells which output was asked for.
func outputJSON(c *cobra.Command) (bool, error) {
	switch v, _ := c.Flags().GetString("output"); v {
	case "json":
		return true, nil
	case "table":
		return false, nil
	default:
		return false, &usageError{c.CommandPath(), fmt.Errorf("--output: want table or json, got %q", v)}
	}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printTable aligns rows under a header. What a cell contains can't break the
// table or drive the terminal.
func printTable(w io.Writer, header []string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(header, "\t"))
	for _, r := range rows {
		cells := make([]string, len(r))
		for i, c := range r {
			cells[i] = printable(c)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	return t.Flush()
}

// printable shows control characters rather than obeying them.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '�'
		}
		return r
	}, s)
}

func printCSV(w io.Writer, header []string, rows [][]string) error {
	c := csv.NewWriter(w)
	err := c.Write(header)
	for _, r := range rows {
		err = errors.Join(err, c.Write(r))
	}
	c.Flush()
	return errors.Join(err, c.Error())
}

// cell is a JSON value as one cell of a table.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
