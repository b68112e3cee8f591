package main

import (
	"encoding/json"
	"net/http"
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
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var answer map[string]any
			if err := cl.do(c.Context(), http.MethodGet, "/api/nightjar/v1/status", nil, nil, &answer); err != nil {
				return err
			}
			var rows [][]string
			for k, v := range answer {
				if f, ok := v.(float64); ok {
					v = json.Number(jsonNumber(f))
				}
				rows = append(rows, []string{k, cell(v)})
			}
			sort.Slice(rows, func(i, j int) bool { return rows[i][0] < rows[j][0] })
			return result{data: answer, header: []string{"WHAT", "VALUE"}, rows: rows}.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

func jsonNumber(f float64) string {
	text, err := json.Marshal(f)
	if err != nil {
		return "0"
	}
	return string(text)
}
