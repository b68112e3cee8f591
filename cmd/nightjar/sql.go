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
	var format string
	var params []string
	c := &cobra.Command{
		Use:   "sql QUERY",
		Short: "Investigate the stored events with SQL, read-only",
		Long: `Runs one SELECT on the engine's ClickHouse, as a user that can read the tables
events and signals and nothing else, within limits of time, memory and rows.
Attributes are the columns attributes.<path>; "DESCRIBE events" lists the rest.`,
		Example: `  nightjar sql "SELECT attributes.network.client.ip AS ip, count() FROM events WHERE source = 'sshd' GROUP BY ip ORDER BY 2 DESC LIMIT 10"
  nightjar sql "SELECT count() FROM events WHERE host = {host:String}" --param host=web-1 --format json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("format") {
				if wantJSON, err := outputJSON(c); err != nil {
					return err
				} else if wantJSON {
					format = "json"
				}
			}
			return runSQL(c, args[0], params, format)
		},
	}
	addClientFlags(c)
	addOutput(c)
	c.Flags().StringVar(&format, "format", "table", "table, json or csv")
	c.Flags().StringArrayVar(&params, "param", nil, "name=value for a {name:Type} in the query")
	return c
}

func runSQL(c *cobra.Command, query string, params []string, format string) error {
	if format != "table" && format != "json" && format != "csv" {
		return &usageError{c.CommandPath(), fmt.Errorf("--format: want table, json or csv, got %q", format)}
	}
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
	return printSQL(raw, format)
}

func printSQL(raw json.RawMessage, format string) error {
	var answer sqlAnswer
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&answer); err != nil {
		return errors.New("the engine's answer is no result")
	}
	if answer.Truncated {
		fmt.Fprintf(os.Stderr, "truncated: only the first %d rows\n", len(answer.Rows))
	}
	if format == "json" {
		_, err := fmt.Printf("%s\n", bytes.TrimSpace(raw))
		return err
	}
	header := make([]string, len(answer.Columns))
	for i, col := range answer.Columns {
		header[i] = col.Name
	}
	rows := make([][]string, len(answer.Rows))
	for i, r := range answer.Rows {
		for _, v := range r {
			rows[i] = append(rows[i], cell(v))
		}
	}
	if format == "csv" {
		return printCSV(os.Stdout, header, rows)
	}
	err := printTable(os.Stdout, header, rows)
	fmt.Fprintf(os.Stderr, "%d rows in %d ms\n", len(rows), answer.Elapsed)
	return err
}
