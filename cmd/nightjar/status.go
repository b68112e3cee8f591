package main

import (
	"encoding/json"
	"net/http"
	"os"
	"sort"

	"github.com/spf13/cobra"
)

func newStatus() *cobra.Command {
	c := &cobra.Command{
		Use:     "status",
		Short:   "Show how far the engine has come",
		Example: "  nightjar status --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			wantJSON, err := outputJSON(c)
			if err != nil {
				return err
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var answer map[string]any
			if err := cl.do(c.Context(), http.MethodGet, "/api/nightjar/v1/status", nil, nil, &answer); err != nil {
				return err
			}
			if wantJSON {
				return printJSON(os.Stdout, answer)
			}
			var rows [][]string
			for k, v := range answer {
				if f, ok := v.(float64); ok {
					v = json.Number(jsonNumber(f))
				}
				rows = append(rows, []string{k, cell(v)})
			}
			sort.Slice(rows, func(i, j int) bool { return rows[i][0] < rows[j][0] })
			return printTable(os.Stdout, []string{"WHAT", "VALUE"}, rows)
		},
	}
	addClientFlags(c)
	addOutput(c)
	return c
}

func jsonNumber(f float64) string {
	text, err := json.Marshal(f)
	if err != nil {
		return "0"
	}
	return string(text)
}
