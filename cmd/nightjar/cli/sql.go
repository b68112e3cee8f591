package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

type sqlAnswer struct {
	Columns   []struct{ Name, Type string } `json:"columns"`
	Rows      [][]any                       `json:"rows"`
	Truncated bool                          `json:"truncated"`
	Elapsed   int64                         `json:"elapsed_ms"`
}

func newSQL() *cobra.Command {
	var params []string
	var names schemaFlag
	c := &cobra.Command{
		Use:   "sql [QUERY | -]",
		Short: "Investigate the stored events with SQL, read-only",
		Long: `Runs one SELECT on the engine's ClickHouse, as a user that can read the tables
events and signals and nothing else, within limits of time, memory and rows.
Attributes are the columns attributes.<path>; "DESCRIBE events" lists the rest.
With --schema ecs or ocsf, @name in the query is the column that holds what that
schema has by the name: @source.ip, @src_endpoint.ip.

Without a query it is a shell on a terminal, with history and completion: a
statement ends with ; or, to have every column on a line, with \G. With - or
without a terminal the statements are read from standard input.`,
		Example: `  nightjar sql "SELECT attributes.network.client.ip AS ip, count() FROM events WHERE source = 'sshd' GROUP BY ip ORDER BY 2 DESC LIMIT 10"
  nightjar sql "SELECT count() FROM events WHERE host = {host:String}" --param host=web-1 --output json
  nightjar sql "SELECT @source.ip AS ip, count() FROM events GROUP BY ip" --schema ecs
  nightjar sql < report.sql`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			values, err := paramValues(c, params)
			if err == nil {
				_, err = names.parse(c)
			}
			switch {
			case err != nil:
				return err
			case len(args) == 0 && term.IsTerminal(int(os.Stdin.Fd())):
				return runSQLShell(c, values)
			case len(args) == 0 || args[0] == "-":
				text, err := io.ReadAll(io.LimitReader(os.Stdin, 64<<20))
				if err != nil {
					return fmt.Errorf("read standard input: %w", err)
				}
				return runSQLText(c, string(text), values)
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			text, vertical := strings.CutSuffix(strings.TrimRight(args[0], "; \t\r\n"), `\G`)
			return runStatement(c, cl, statement{text, vertical}, values)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.Flags().Var(c.Flags().Lookup("output").Value, "format", "another name of --output")
	_ = c.Flags().MarkHidden("format") // it was just made
	names.add(c.Flags(), "name columns as this schema does, as @name: ecs or ocsf")
	c.Flags().StringArrayVar(&params, "param", nil, "name=value for a {name:Type} in the query")
	return c
}

func paramValues(c *cobra.Command, params []string) (map[string]string, error) {
	values := map[string]string{}
	for _, p := range params {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return nil, &usageError{c.CommandPath(), fmt.Errorf("--param: want name=value, got %q", p)}
		}
		values[name] = value
	}
	return values, nil
}

// runStatement runs a statement and prints its answer.
func runStatement(c *cobra.Command, cl *client, s statement, params map[string]string) error {
	names, err := c.Flags().GetString("schema")
	if err != nil {
		return err
	}
	raw, err := askSQL(c.Context(), cl, s.text, names, params)
	if err != nil {
		return err
	}
	return printSQL(c, raw, s.vertical)
}

// askSQL asks the engine; names is a schema's, whose names the query may have, or
// empty.
func askSQL(ctx context.Context, cl *client, query, names string, params map[string]string) (json.RawMessage, error) {
	body, err := json.Marshal(map[string]any{"query": query, "params": params, "schema": names})
	if err != nil {
		return nil, err
	}
	var raw json.RawMessage
	return raw, cl.do(ctx, http.MethodPost, "/api/nightjar/v1/sql", nil, body, &raw)
}

// querySQL is askSQL for those who read the answer.
func querySQL(ctx context.Context, cl *client, query string, params map[string]string) (sqlAnswer, error) {
	var answer sqlAnswer
	raw, err := askSQL(ctx, cl, query, "", params)
	if err == nil {
		err = numbers(raw, &answer)
	}
	return answer, err
}

// printSQL prints an answer: as JSON in full, and as lines each row as an object
// of its columns.
func printSQL(c *cobra.Command, raw json.RawMessage, vertical bool) error {
	var answer sqlAnswer
	if err := numbers(raw, &answer); err != nil {
		return errors.New("the engine's answer is no result")
	}
	if answer.Truncated {
		fmt.Fprintf(os.Stderr, "truncated: only the first %d rows\n", len(answer.Rows))
	}
	format := outputOf(c)
	if format == asJSON {
		_, err := fmt.Printf("%s\n", bytes.TrimSpace(raw))
		return err
	}
	header := make([]string, len(answer.Columns))
	for i, col := range answer.Columns {
		header[i] = col.Name
	}
	rows, lines := make([][]string, len(answer.Rows)), make([]json.RawMessage, len(answer.Rows))
	for i, r := range answer.Rows {
		for _, v := range r {
			rows[i] = append(rows[i], cell(v))
		}
		line, err := object(header, r)
		if err != nil {
			return err
		}
		lines[i] = line
	}
	r := result{data: lines, header: header, rows: rows, fit: true}
	if vertical {
		r.text = func(w io.Writer) error { return printVertical(w, header, rows) }
	}
	err := r.print(c)
	if format == asTable {
		fmt.Fprintf(os.Stderr, "%d rows in %d ms\n", len(rows), answer.Elapsed)
	}
	return err
}

// printVertical prints a line a column, and a head before every row.
func printVertical(w io.Writer, header []string, rows [][]string) error {
	widest := 0
	for _, h := range header {
		widest = max(widest, utf8.RuneCountInString(h))
	}
	b := bufio.NewWriter(w)
	for i, r := range rows {
		fmt.Fprintf(b, "── row %d ──\n", i+1)
		for j, cell := range r {
			fmt.Fprintf(b, "%*s: %s\n", widest, header[j], printable(cell))
		}
	}
	return b.Flush()
}

// object is a row as a JSON object, its keys in the order of the columns.
func object(names []string, values []any) (json.RawMessage, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encoder(&b).Encode(names[i]); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := encoder(&b).Encode(v); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
