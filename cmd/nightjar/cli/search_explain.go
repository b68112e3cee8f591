package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// explanation is the API's answer.
type explanation struct {
	Canonical, Tree, SQL string
	Params               map[string]string
	Indexes              []struct {
		Kind, Name, Condition string
		Keys                  []string
		PartsBefore           int64 `json:"parts_before"`
		PartsAfter            int64 `json:"parts_after"`
		GranulesBefore        int64 `json:"granules_before"`
		GranulesAfter         int64 `json:"granules_after"`
	}
}

// explainSearch shows how a query is understood and run.
func explainSearch(c *cobra.Command, cl *client, filter map[string]string) error {
	body, err := json.Marshal(map[string]any{"filter": filter})
	if err != nil {
		return err
	}
	var raw json.RawMessage
	if err := cl.do(c.Context(), http.MethodPost, "/api/nightjar/v1/search/explain", nil, body, &raw); err != nil {
		return err
	}
	if c.Flags().Changed("output") && outputOf(c) != asTable {
		return result{data: raw}.print(c)
	}
	var e explanation
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("read the explanation: %w", err)
	}
	fmt.Printf("QUERY\n  %s\n\nTREE\n%s\nSQL\n%s\nPARAMETERS\n", printable(e.Canonical), indented(e.Tree), indented(e.brokenSQL()))
	for _, name := range e.names() {
		fmt.Printf("  %s = %s\n", name, printable(e.Params[name]))
	}
	fmt.Print("\nINDEXES\n")
	return e.printIndexes()
}

// brokenSQL is the statement with its clauses on lines of their own.
func (e *explanation) brokenSQL() string {
	sql := e.SQL
	for _, clause := range []string{" FROM ", " WHERE ", " ORDER BY ", " LIMIT "} {
		sql = strings.Replace(sql, clause, "\n"+clause[1:], 1)
	}
	return sql
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + printable(strings.TrimSuffix(line, "\n")) + "\n")
	}
	return b.String()
}

// names are the parameters', p2 before p10.
func (e *explanation) names() []string {
	var names []string
	for name := range e.Params {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		return len(names[i]) < len(names[j]) || len(names[i]) == len(names[j]) && names[i] < names[j]
	})
	return names
}

func (e *explanation) printIndexes() error {
	var rows [][]string
	for _, i := range e.Indexes {
		asked := i.Condition
		if asked == "" {
			asked = strings.Join(i.Keys, ", ")
		}
		rows = append(rows, []string{
			strings.TrimSpace(i.Kind + " " + i.Name), change(i.PartsBefore, i.PartsAfter), change(i.GranulesBefore, i.GranulesAfter), asked,
		})
	}
	if len(rows) == 0 {
		_, err := fmt.Println("  none: nothing is stored yet, or all of it has to be read")
		return err
	}
	return printTable(os.Stdout, []string{"  INDEX", "PARTS", "GRANULES", "ASKED"}, prefixed(rows))
}

func prefixed(rows [][]string) [][]string {
	for _, r := range rows {
		r[0] = "  " + r[0]
	}
	return rows
}

func change(before, after int64) string {
	return strconv.FormatInt(before, 10) + " → " + strconv.FormatInt(after, 10)
}
