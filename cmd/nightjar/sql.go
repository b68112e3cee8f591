package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

type sqlAnswer struct {
	Columns   []struct{ Name, Type string } `json:"columns"`
	Rows      [][]any                       `json:"rows"`
	Truncated bool                          `json:"truncated"`
	Elapsed   int64                         `json:"elapsed_ms"`
}

func newSQL() *cobra.Command {
	var params []string
	c := &cobra.Command{
		Use:   "sql QUERY",
		Short: "Investigate the stored events with SQL, read-only",
		Long: `Runs one SELECT on the engine's ClickHouse, as a user that can read the tables
events and signals and nothing else, within limits of time, memory and rows.
Attributes are the columns attributes.<path>; "DESCRIBE events" lists the rest.`,
		Example: `  nightjar sql "SELECT attributes.network.client.ip AS ip, count() FROM events WHERE source = 'sshd' GROUP BY ip ORDER BY 2 DESC LIMIT 10"
  nightjar sql "SELECT count() FROM events WHERE host = {host:String}" --param host=web-1 --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return runSQL(c, args[0], params)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.Flags().Var(c.Flags().Lookup("output").Value, "format", "another name of --output")
	_ = c.Flags().MarkHidden("format") // it was just made
	c.Flags().StringArrayVar(&params, "param", nil, "name=value for a {name:Type} in the query")
	return c
}

func runSQL(c *cobra.Command, query string, params []string) error {
	values := map[string]string{}
	for _, p := range params {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return &usageError{c.CommandPath(), fmt.Errorf("--param: want name=value, got %q", p)}
		}
		values[name] = value
	}
	cl, err := newClient(c)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"query": query, "params": values})
	if err != nil {
		return err
	}
	var raw json.RawMessage
	if err := cl.do(c.Context(), http.MethodPost, "/api/nightjar/v1/sql", nil, body, &raw); err != nil {
		return err
	}
	return printSQL(c, raw)
}

// printSQL prints an answer: as JSON in full, and as lines each row as an object
// of its columns.
func printSQL(c *cobra.Command, raw json.RawMessage) error {
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
	err := result{data: lines, header: header, rows: rows}.print(c)
	if format == asTable {
		fmt.Fprintf(os.Stderr, "%d rows in %d ms\n", len(rows), answer.Elapsed)
	}
	return err
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
