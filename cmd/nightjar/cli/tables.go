package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/scheduler/reference"
	"nightjar/schema"
)

const (
	tablesPath  = "/api/v2/reference-tables/tables"
	uploadsPath = "/api/v2/reference-tables/uploads"
	// partBytes is how large the parts of an upload are, unless there would be
	// more than maxParts of them.
	partBytes = 64 << 20
	maxParts  = 20
)

// tableItem is a reference table as the API shows it.
type tableItem struct {
	ID         string `json:"id"`
	Attributes struct {
		TableName    string   `json:"table_name"`
		Description  string   `json:"description"`
		Tags         []string `json:"tags"`
		Status       string   `json:"status"`
		RowCount     int64    `json:"row_count"`
		UpdatedAt    string   `json:"updated_at"`
		FileMetadata struct {
			ErrorMessage string `json:"error_message,omitempty"`
		} `json:"file_metadata"`
		Schema tableSchema `json:"schema"`
	} `json:"attributes"`
}

type tableSchema struct {
	Fields      []reference.Field `json:"fields"`
	PrimaryKeys []string          `json:"primary_keys"`
}

func newTablesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "tables",
		Short:   "Fill and show reference tables, which rules compare events with",
		Example: "  nightjar tables import bad_addresses ipsum.csv",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newTablesImport(), newTablesList(), newTablesGet(), newTablesRows(), newTablesDelete())
	return c
}

func newTablesImport() *cobra.Command {
	var key string
	var how reference.CSVOptions
	c := &cobra.Command{
		Use:   "import NAME FILE",
		Short: "Make a table of a file, or make its rows those of the file",
		Long: `Makes a table of a CSV file, or makes the rows of a table that there is those of
the file. What it held before stays known for the events of that time.

The file's first line names the columns. A name may say how values are compared,
as in domain:wildcard (exact, cidr, prefix or wildcard); without that, an address
or network stands for all addresses in it, a domain for itself in capital and small
letters, and anything else for itself. Blanks around values, empty lines and lines
that begin with # or ; are left out.

A file whose first line is addresses, domains or hashes like the lines below it has
no header: its columns are ` + reference.UnnamedColumn + `, column2 and so on. --columns names them, and
--no-header says so of a file where it can't be seen. A table that rules ask for a
column which the file does not have is not imported.`,
		Example: `  nightjar tables import bad_addresses ipsum.txt --columns address,reports
  nightjar tables import staff people.csv --key mail`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			return cl.importTable(c.Context(), args[0], args[1], key, how)
		},
	}
	addClientFlags(c)
	c.Flags().StringVar(&key, "key", "", "the column that tells rows apart (default: the first)")
	c.Flags().StringSliceVar(&how.Columns, "columns", nil, "names of the columns, for a file that does not name them")
	c.Flags().BoolVar(&how.NoHeader, "no-header", false, "the first line is a row, whatever it looks like")
	return c
}

func (c *client) importTable(ctx context.Context, name, path, key string, how reference.CSVOptions) error {
	headers, fields, err := readHeader(path, how)
	if err != nil {
		return err
	}
	if err := c.checkAsked(ctx, name, fields); err != nil {
		return err
	}
	if key != "" {
		fields.PrimaryKeys = []string{key}
	}
	upload, err := c.upload(ctx, name, path, headers)
	if err != nil {
		return err
	}
	metadata := map[string]any{"upload_id": upload}
	table, err := c.table(ctx, name)
	switch {
	case err == nil:
		err = c.send(ctx, http.MethodPatch, tablesPath+"/"+table.ID, tableDocument(map[string]any{"file_metadata": metadata}), nil)
	case errors.Is(err, errNoTable):
		err = c.send(ctx, http.MethodPost, tablesPath, tableDocument(map[string]any{
			"table_name": name, "source": "LOCAL_FILE", "schema": fields, "file_metadata": metadata,
		}), nil)
	}
	if err != nil {
		return err
	}
	if table, err = c.table(ctx, name); err != nil {
		return err
	}
	if problem := table.Attributes.FileMetadata.ErrorMessage; problem != "" {
		return errors.New(problem)
	}
	fmt.Fprintf(os.Stderr, "reference table %s has %d rows\n", name, table.Attributes.RowCount)
	return nil
}

// checkAsked refuses a table that lacks a column which rules ask: nothing would be
// in it, in silence.
func (c *client) checkAsked(ctx context.Context, table string, has tableSchema) error {
	rules, err := listRules(ctx, c, "")
	if err != nil {
		return err
	}
	var columns []string
	for _, f := range has.Fields {
		columns = append(columns, f.Name)
	}
	var bad []error
	for _, d := range rules {
		var rule schema.Rule
		_ = json.Unmarshal(d.shown, &rule) // what does not fit asks nothing
		for _, t := range rule.ReferenceTables {
			if t.TableName == table && !slices.Contains(columns, t.ColumnName) {
				bad = append(bad, fmt.Errorf("rule %q (%s) asks table %s for column %s, and the file has %s: name its columns with --columns, or change the rule",
					d.name, d.id, table, t.ColumnName, strings.Join(columns, ", ")))
			}
		}
	}
	return errors.Join(bad...)
}

func tableDocument(attributes map[string]any) map[string]any {
	return map[string]any{"data": map[string]any{"type": "reference_table", "attributes": attributes}}
}

// send is do with a value for a body.
func (c *client) send(ctx context.Context, method, path string, body, out any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.do(ctx, method, path, nil, text, out)
}

// readHeader reads what the columns of a file are called, and which fields they
// make.
func readHeader(path string, how reference.CSVOptions) (headers []string, fields tableSchema, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fields, err
	}
	defer file.Close()
	csv, err := reference.NewCSV(file, how)
	if err != nil {
		return nil, fields, fmt.Errorf("%s:%w", path, err)
	}
	for _, f := range csv.Fields {
		header := f.Name
		if f.Match != reference.Auto {
			header += ":" + string(f.Match)
		}
		headers = append(headers, header)
	}
	if !csv.Header && len(how.Columns) == 0 {
		fmt.Fprintf(os.Stderr, "%s names no columns: they are %s; --columns gives them other names\n", path, strings.Join(headers, ", "))
	}
	return headers, tableSchema{csv.Fields, []string{csv.Fields[0].Name}}, nil
}

// upload sends a file in parts, and returns the upload's id.
func (c *client) upload(ctx context.Context, table, path string, headers []string) (id string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	size := max(partBytes, (info.Size()+maxParts-1)/maxParts)
	parts := max(1, (info.Size()+size-1)/size)
	var made struct {
		Data struct {
			ID         string `json:"id"`
			Attributes struct {
				PartURLs []string `json:"part_urls"`
			} `json:"attributes"`
		} `json:"data"`
	}
	request := map[string]any{"data": map[string]any{"type": "upload", "attributes": map[string]any{
		"table_name": table, "headers": headers, "part_count": parts, "part_size": size,
	}}}
	if err := c.send(ctx, http.MethodPost, uploadsPath, request, &made); err != nil {
		return "", err
	}
	for i, to := range made.Data.Attributes.PartURLs {
		part := io.NewSectionReader(file, int64(i)*size, min(size, info.Size()-int64(i)*size))
		if err := c.put(ctx, to, part); err != nil {
			return "", fmt.Errorf("send part %d of %d: %w", i+1, parts, err)
		}
	}
	return made.Data.ID, nil
}

func (c *client) put(ctx context.Context, to string, part *io.SectionReader) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to, part)
	if err != nil {
		return err
	}
	req.ContentLength = part.Size()
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 300 {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // for the message
	return answerError(resp, text)
}

var errNoTable = errors.New("there is no such reference table")

// table finds a table by its name.
func (c *client) table(ctx context.Context, name string) (tableItem, error) {
	var found struct {
		Data []tableItem `json:"data"`
	}
	err := c.do(ctx, http.MethodGet, tablesPath+"?"+url.Values{"filter[table_name][exact]": {name}}.Encode(), nil, nil, &found)
	if err == nil && len(found.Data) == 0 {
		err = fmt.Errorf("%w: %s", errNoTable, name)
	}
	if err != nil {
		return tableItem{}, err
	}
	return found.Data[0], nil
}

func newTablesList() *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the tables",
		Example: "  nightjar tables list --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			all := []tableItem{}
			for {
				var page struct {
					Data []tableItem `json:"data"`
				}
				path := fmt.Sprintf("%s?sort=table_name&page[limit]=100&page[offset]=%d", tablesPath, len(all))
				if err := cl.do(c.Context(), http.MethodGet, path, nil, nil, &page); err != nil {
					return err
				}
				if all = append(all, page.Data...); len(page.Data) < 100 {
					break
				}
			}
			return printTables(c, all, all)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

func printTables(c *cobra.Command, data any, all []tableItem) error {
	rows := make([][]string, len(all))
	for i, t := range all {
		var columns []string
		for _, f := range t.Attributes.Schema.Fields {
			columns = append(columns, f.Name)
		}
		a := &t.Attributes
		rows[i] = []string{a.TableName, a.Status, fmt.Sprint(a.RowCount), a.UpdatedAt, strings.Join(columns, ", "), t.ID}
	}
	return result{data: data, header: []string{"NAME", "STATUS", "ROWS", "UPDATED", "COLUMNS", "ID"}, rows: rows, none: "no reference tables"}.print(c)
}

func newTablesGet() *cobra.Command {
	c := &cobra.Command{
		Use:     "get NAME",
		Short:   "Show a table's definition",
		Example: "  nightjar tables get bad_addresses",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			table, err := cl.table(c.Context(), args[0])
			if err != nil {
				return err
			}
			return printTables(c, table, []tableItem{table})
		},
	}
	addClientFlags(c)
	addOutput(c, documentFormats...)
	return c
}

func newTablesRows() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:     "rows NAME",
		Short:   "Show a table's rows, in the order of their keys",
		Example: "  nightjar tables rows bad_addresses --limit 1000 --output json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 1 {
				return &usageError{c.CommandPath(), errors.New("--limit: at least 1")}
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			table, err := cl.table(c.Context(), args[0])
			if err != nil {
				return err
			}
			rows, more, err := cl.tableRows(c.Context(), table.ID, limit)
			if err != nil {
				return err
			}
			if more {
				fmt.Fprintf(os.Stderr, "only the first %d of %d; --limit shows more\n", len(rows), table.Attributes.RowCount)
			}
			return printRows(c, &table, rows)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.Flags().IntVar(&limit, "limit", 100, "how many rows at most")
	return c
}

// tableRows reads up to limit rows, page by page; more says that there are
// others.
func (c *client) tableRows(ctx context.Context, id string, limit int) (rows []map[string]any, more bool, err error) {
	rows = []map[string]any{}
	for token := ""; ; {
		values := url.Values{"page[limit]": {fmt.Sprint(min(1000, limit-len(rows)))}}
		if token != "" {
			values.Set("page[continuation_token]", token)
		}
		var page struct {
			Data []struct {
				Attributes struct {
					Values map[string]any `json:"values"`
				} `json:"attributes"`
			} `json:"data"`
			Meta struct {
				Page struct {
					Next string `json:"next_continuation_token"`
				} `json:"page"`
			} `json:"meta"`
		}
		if err := c.do(ctx, http.MethodGet, tablesPath+"/"+id+"/rows/list?"+values.Encode(), nil, nil, &page); err != nil {
			return nil, false, err
		}
		for _, r := range page.Data {
			rows = append(rows, r.Attributes.Values)
		}
		if token = page.Meta.Page.Next; token == "" || len(rows) >= limit {
			return rows, token != "", nil
		}
	}
}

func printRows(c *cobra.Command, t *tableItem, rows []map[string]any) error {
	var columns []string
	for _, f := range t.Attributes.Schema.Fields {
		columns = append(columns, f.Name)
	}
	lines := make([][]string, len(rows))
	for i, r := range rows {
		for _, name := range columns {
			cell := ""
			if v, ok := r[name]; ok {
				cell = fmt.Sprint(v)
			}
			lines[i] = append(lines[i], cell)
		}
	}
	return result{data: rows, header: columns, rows: lines}.print(c)
}

func newTablesDelete() *cobra.Command {
	c := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a table; rules that ask it find nothing in it from then on",
		Example: "  nightjar tables delete bad_addresses",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			table, err := cl.table(c.Context(), args[0])
			if err != nil {
				return err
			}
			return cl.do(c.Context(), http.MethodDelete, tablesPath+"/"+table.ID, nil, nil, nil)
		},
	}
	addClientFlags(c)
	return c
}
