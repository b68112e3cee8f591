package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// format is how a command prints its data: the values of --output.
type format string

const (
	asTable format = "table" // for people: a table, or text where that says more
	asJSON  format = "json"  // one document, an array where it is a list
	asLines format = "jsonl" // one document a line
	asCSV   format = "csv"   // a table for other programs
)

// The formats of a command whose data is a table, of one that has more to say to
// people, and of one that shows a document.
var (
	tableFormats    = []format{asTable, asJSON, asLines, asCSV}
	textFormats     = []format{asTable, asJSON, asLines}
	documentFormats = []format{asJSON, asLines, asTable, asCSV}
)

// outputFlag is the flag's value. It refuses what the command does not print.
type outputFlag struct {
	value   format
	formats []format
}

// Set implements pflag.Value.
func (o *outputFlag) Set(s string) error {
	if !slices.Contains(o.formats, format(s)) {
		return fmt.Errorf("want %s", o.names())
	}
	o.value = format(s)
	return nil
}

// String implements pflag.Value.
func (o *outputFlag) String() string { return string(o.value) }

// Type implements pflag.Value.
func (o *outputFlag) Type() string { return "FORMAT" }

func (o *outputFlag) names() string {
	names := make([]string, len(o.formats))
	for i, f := range o.formats {
		names[i] = string(f)
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// addOutput adds --output to a command that prints data; the first format is
// what it prints unasked.
func addOutput(c *cobra.Command, formats ...format) {
	o := &outputFlag{formats[0], formats}
	c.Flags().Var(o, "output", o.names())
}

// addTerminalOutput is addOutput for a command that prints one format unasked on
// a terminal, and another elsewhere.
func addTerminalOutput(c *cobra.Command, terminal, elsewhere format, formats ...format) {
	o := &outputFlag{elsewhere, formats}
	if term.IsTerminal(int(os.Stdout.Fd())) {
		o.value = terminal
	}
	c.Flags().Var(o, "output", fmt.Sprintf("%s (default: %s on a terminal, else %s)", o.names(), terminal, elsewhere))
	c.Flags().Lookup("output").DefValue = "" // it is in the text
}

// outputOf is the format that was asked for.
func outputOf(c *cobra.Command) format {
	return c.Flags().Lookup("output").Value.(*outputFlag).value
}

// result is what a command prints to standard output.
type result struct {
	// data is for programs. Of a slice, each element is a document of its own
	// where there is one a line.
	data any
	// header and rows are a table.
	header []string
	rows   [][]string
	// widest is how many characters of a cell people are shown; 0: all.
	widest int
	// fit cuts cells so that a table fits the terminal, if it goes to one.
	fit bool
	// none is told instead of a table without rows; "": its header is shown.
	none string
	// text is for people, where there is more to say than a table.
	text func(w io.Writer) error
}

// print prints the result as the command was asked to.
func (r result) print(c *cobra.Command) error { return r.write(os.Stdout, outputOf(c)) }

func (r result) write(w io.Writer, f format) error {
	switch {
	case f == asJSON:
		return printJSON(w, r.data)
	case f == asLines:
		return printLines(w, r.data)
	case f == asCSV:
		return printCSV(w, r.header, r.rows)
	case r.text != nil:
		return r.text(w)
	}
	if len(r.rows) == 0 && r.none != "" {
		fmt.Fprintln(os.Stderr, r.none)
		return nil
	}
	rows := cut(r.rows, r.widest)
	if width := widthOf(w); r.fit && width > 0 {
		rows = fitted(r.header, rows, width)
	}
	return printTable(w, r.header, rows)
}

// widthOf is how many characters a line has; 0, if w is no terminal.
func widthOf(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// narrowest is below what no column is cut.
const narrowest = 12

// fitted cuts the cells of the widest columns until a line fits.
func fitted(header []string, rows [][]string, width int) [][]string {
	const gap = 2
	widths := make([]int, len(header))
	for _, r := range append([][]string{header}, rows...) {
		for i, cell := range r {
			widths[i] = max(widths[i], text.StringWidthWithoutEscSequences(cell))
		}
	}
	total := 0
	for _, w := range widths {
		total += w + gap
	}
	for total > width {
		at := slices.Index(widths, slices.Max(widths))
		if at < 0 || widths[at] <= narrowest {
			break
		}
		widths[at]--
		total--
	}
	out := make([][]string, len(rows))
	for i, r := range rows {
		out[i] = slices.Clone(r)
		for j, cell := range r {
			out[i][j] = text.Snip(cell, widths[j], "…")
		}
	}
	return out
}

func cut(rows [][]string, widest int) [][]string {
	if widest == 0 {
		return rows
	}
	out := make([][]string, len(rows))
	for i, row := range rows {
		out[i] = slices.Clone(row)
		for j, text := range row {
			if r := []rune(text); len(r) > widest {
				out[i][j] = string(r[:widest]) + "…"
			}
		}
	}
	return out
}

func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

func printJSON(w io.Writer, v any) error {
	e := encoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printLines prints each element of a slice on a line, or else the document.
func printLines(w io.Writer, v any) error {
	list := reflect.ValueOf(v)
	raw, isRaw := v.(json.RawMessage)
	if isRaw {
		var elements []json.RawMessage
		if json.Unmarshal(raw, &elements) == nil {
			list, isRaw = reflect.ValueOf(elements), false
		}
	}
	e := encoder(w)
	if isRaw || list.Kind() != reflect.Slice {
		return e.Encode(v)
	}
	for i := range list.Len() {
		if err := e.Encode(list.Index(i).Interface()); err != nil {
			return err
		}
	}
	return nil
}

// plainTable parts columns by two blanks, and nothing else.
var plainTable = table.Style{
	Box:     table.BoxStyle{PaddingRight: "  "},
	Options: table.OptionsNoBordersAndSeparators,
}

// printTable aligns rows under a header. What a cell contains can't break the
// table or drive the terminal.
func printTable(w io.Writer, header []string, rows [][]string) error {
	t := table.NewWriter()
	t.SetStyle(plainTable)
	t.SuppressTrailingSpaces()
	t.AppendHeader(tableRow(header))
	for _, r := range rows {
		t.AppendRow(tableRow(r))
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}

func tableRow(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = printable(c)
	}
	return row
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

// numbers decodes JSON with its numbers as they are written.
func numbers(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(into)
}
