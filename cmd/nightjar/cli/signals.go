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

	"nightjar/compiler/search"
	"nightjar/schema"
)

// signalItem is a signal as the API lists it, as far as the tool shows it.
type signalItem struct {
	ID         string `json:"id"`
	Attributes struct {
		Timestamp  string                `json:"timestamp"`
		Message    string                `json:"message"`
		Tags       []string              `json:"tags"`
		Attributes schema.SignalDocument `json:"attributes"`
	} `json:"attributes"`
}

func newSignals() *cobra.Command {
	c := &cobra.Command{
		Use:     "signals",
		Short:   "Look at what the rules found, and say what you make of it",
		Example: "  nightjar signals list 'status:high'",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newSignalsList(), newSignalsGet(), newSignalsTriage(), newSignalsRespond())
	return c
}

func newSignalsList() *cobra.Command {
	var limit int
	var query string
	var all bool
	var span spanFlags
	c := &cobra.Command{
		Use:   "list [QUERY]",
		Short: "List signals, the newest first",
		Long: `Lists signals, the newest first, without those that are archived unless the query
says a state, as in state:archived, or --all is given. A query that begins with a minus is no flag
behind --query, or behind --, as in: nightjar signals list -- -status:info`,
		Example: `  nightjar signals list
  nightjar signals list 'status:high @network.client.ip:203.0.113.66' --limit 100 --output json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 1 {
				return &usageError{c.CommandPath(), errors.New("--limit: at least 1")}
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			if len(args) > 0 && query != "" {
				return &usageError{c.CommandPath(), errors.New("the query is given twice: as an argument and as --query")}
			}
			filter := map[string]string{"query": withoutArchived(query+strings.Join(args, " "), all)}
			if err := span.into(c, filter); err != nil {
				return err
			}
			items, more, err := cl.signals(c.Context(), filter, limit)
			if err != nil {
				return err
			}
			if more {
				fmt.Fprintf(os.Stderr, "only the first %d; --limit shows more\n", limit)
			}
			err = printSignals(c, items)
			if slices.ContainsFunc(items, func(i json.RawMessage) bool { return mentionsGeoIP(i) }) {
				cl.credit(c.Context())
			}
			return err
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.Flags().StringVar(&query, "query", "", "the query, instead of an argument")
	c.Flags().BoolVar(&all, "all", false, "archived ones too; a query that says a state shows what it asks for in any case")
	c.Flags().IntVar(&limit, "limit", 50, "how many signals at most")
	span.add(c, "(default: all time) first seen ", "before then")
	return c
}

// withoutArchived leaves archived signals out of a search that says no state.
func withoutArchived(query string, all bool) string {
	parsed, err := search.ParseForSignals(query)
	if all || err != nil || search.SaysState(parsed.Root) { // what is wrong with it is the server's to say
		return query
	}
	if strings.TrimSpace(query) == "" {
		query = "*"
	}
	return "(" + query + ") -state:archived"
}

// signals reads up to limit signals, page by page; more says that there are
// others.
func (c *client) signals(ctx context.Context, filter map[string]string, limit int) (items []json.RawMessage, more bool, err error) {
	cursor := ""
	for {
		page := map[string]any{"limit": min(1000, limit-len(items))}
		if cursor != "" {
			page["cursor"] = cursor
		}
		body, err := json.Marshal(map[string]any{"filter": filter, "page": page, "sort": "-timestamp"})
		if err != nil {
			return nil, false, err
		}
		var answer struct {
			Data []json.RawMessage `json:"data"`
			Meta struct {
				Page struct {
					After string `json:"after"`
				} `json:"page"`
			} `json:"meta"`
		}
		if err := c.do(ctx, http.MethodPost, "/api/v2/security_monitoring/signals/search", nil, body, &answer); err != nil {
			return nil, false, err
		}
		items = append(items, answer.Data...)
		cursor = answer.Meta.Page.After
		if cursor == "" || len(answer.Data) == 0 || len(items) >= limit {
			return items, cursor != "", nil
		}
	}
}

func printSignals(c *cobra.Command, items []json.RawMessage) error {
	listed, err := listOfSignals(items)
	if err != nil {
		return err
	}
	return listed.print(c)
}

var signalColumns = []string{"FIRST SEEN", "LAST SEEN", "STATUS", "TITLE", "GROUP", "EVENTS", "ID"}

func listOfSignals(items []json.RawMessage) (result, error) {
	rows := make([][]string, len(items))
	for i, raw := range items {
		var s signalItem
		if err := json.Unmarshal(raw, &s); err != nil {
			return result{}, fmt.Errorf("read signal %d of the answer: %w", i, err)
		}
		a := s.Attributes.Attributes
		rows[i] = []string{a.Workflow.FirstSeen, a.Workflow.LastSeen, a.Status, a.Title,
			strings.Join(a.Nightjar.Group, ", "), fmt.Sprint(a.Nightjar.Events), s.ID}
	}
	return result{data: items, header: signalColumns, rows: rows, none: "no signals"}, nil
}

func newSignalsGet() *cobra.Command {
	c := &cobra.Command{
		Use:   "get ID",
		Short: "Show one signal: what, whom, when, why, and what to do next",
		Long: `Shows a signal on a screen: what it is, whom it is about, when and why it came,
three of its events, and commands that go on from there. JSON has all of it, and is
what is written where there is no terminal.`,
		Example: `  nightjar signals get 7cP1I9tDnaT_fd07FLiCwDPO
  nightjar signals get 7cP1I9tDnaT_fd07FLiCwDPO --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var answer json.RawMessage
			if err := cl.do(c.Context(), http.MethodGet, "/api/v2/security_monitoring/signals/"+url.PathEscape(args[0]), nil, nil, &answer); err != nil {
				return err
			}
			if mentionsGeoIP(answer) {
				defer cl.credit(c.Context())
			}
			return result{data: answer, text: func(w io.Writer) error {
				s, err := readFullSignal(answer)
				if err != nil {
					return err
				}
				return s.show(w, terminalWidth(), cl.filterOf(c.Context(), s.ID))
			}}.print(c)
		},
	}
	addClientFlags(c)
	addTerminalOutput(c, asTable, asJSON, textFormats...)
	return c
}
