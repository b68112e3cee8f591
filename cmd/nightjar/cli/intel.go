package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"
)

const threatListsPath = "/api/nightjar/v1/threat-lists"

// threatList is a list as the API shows it.
type threatList struct {
	ID         string            `json:"id,omitempty"`
	Name       string            `json:"name"`
	URL        string            `json:"url,omitempty"`
	File       string            `json:"file,omitempty"`
	Format     string            `json:"format,omitempty"`
	Type       string            `json:"type,omitempty"`
	Category   string            `json:"category,omitempty"`
	Intention  string            `json:"intention,omitempty"`
	Refresh    string            `json:"refresh,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
	Enabled    *bool             `json:"enabled,omitempty"`
	Indicators int64             `json:"indicators,omitempty"`
	Skipped    map[string]int64  `json:"skipped,omitempty"`
	Problems   []string          `json:"problems,omitempty"`
	Refreshed  string            `json:"refreshed,omitempty"`
	Tried      string            `json:"tried,omitempty"`
	Error      string            `json:"error,omitempty"`
	Table      string            `json:"table,omitempty"`
}

func newIntel() *cobra.Command {
	c := &cobra.Command{
		Use:   "intel",
		Short: "Keep threat lists, and look values up in them",
		Long: `Keeps lists of addresses, domains, hashes and URLs that somebody warned of. Events
that have one in their standard attributes are marked as they come in
(@threat_intel.indicators_matched, @threat_intel.results.category, …), and rules can
ask a list as reference table threat_NAME.`,
		Example: `  nightjar intel add tor --url https://feeds.example/tor.txt --category tor --intention suspicious
  nightjar intel lookup 203.0.113.7`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newIntelList(), newIntelAdd(), newIntelRemove(), newIntelRefresh(), newIntelLookup())
	return c
}

func newIntelList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List the threat lists, and how they are doing",
		Example: "  nightjar intel list\n  nightjar intel list --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			all, err := cl.threatLists(c.Context())
			if err != nil {
				return err
			}
			r := result{data: all, header: []string{"NAME", "INDICATORS", "SKIPPED", "REFRESHED", "EVERY", "FROM", "ERROR"}, none: "no threat lists"}
			for _, l := range all {
				skipped := int64(0)
				for _, n := range l.Skipped {
					skipped += n
				}
				r.rows = append(r.rows, []string{l.Name, fmt.Sprint(l.Indicators), fmt.Sprint(skipped), l.Refreshed, l.Refresh, l.URL + l.File, l.Error})
			}
			return r.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

func (c *client) threatLists(ctx context.Context) ([]threatList, error) {
	var answer struct{ Lists []threatList }
	err := c.do(ctx, http.MethodGet, threatListsPath, nil, nil, &answer)
	return answer.Lists, err
}

func (c *client) threatList(ctx context.Context, idOrName string) (threatList, error) {
	all, err := c.threatLists(ctx)
	for _, l := range all {
		if l.ID == idOrName || l.Name == idOrName {
			return l, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("there is no threat list %q", idOrName)
	}
	return threatList{}, err
}

func newIntelAdd() *cobra.Command {
	var l threatList
	var headers []string
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a threat list, and read it",
		Long: `Adds a threat list, and waits until it was read. A list is at a URL, or a file in
the folder intel of the engine's data folder. Its format is told by its text, but
for a TAXII 2.1 collection, whose URL goes with --kind taxii:

  list   a value a line, or a file of hosts
  csv    a table; its header says which column has the value, category, intention
  misp   an event, a search's answer, a warning list, or a feed by its manifest
  stix   a bundle; its indicators' patterns that want one value, or one of several
  taxii  a collection of STIX 2.1

A header that a key is sent in is written as secret:NAME; the secret is in the file
secrets/NAME of the data folder, or in the environment as NIGHTJAR_SECRET_NAME. Where it
may be sent, the operator says (nightjar up --outbound-secret); else only administrators
may name it.
Which hosts may be reached, and through which proxy, is the engine's to say
(nightjar up --outbound-host, --outbound-proxy, --outbound-private).`,
		Example: `  nightjar intel add tor --url https://feeds.example/tor.txt --category tor --intention suspicious
  nightjar intel add partner --kind taxii --url https://taxii.example/api/collections/6b8c/ --header 'Authorization: secret:partner'
  nightjar intel add ours --file ours.csv --refresh 5m`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			l.Name = args[0]
			var err error
			if l.Headers, err = headersOf(c, headers); err != nil {
				return err
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var made threatList
			if err := cl.send(c.Context(), http.MethodPost, threatListsPath, l, &made); err != nil {
				return err
			}
			return cl.awaitList(c, made)
		},
	}
	addClientFlags(c)
	f := c.Flags()
	f.StringVar(&l.URL, "url", "", "where the list is")
	f.StringVar(&l.File, "file", "", "name of a file in the folder intel of the engine's data folder")
	f.StringVar(&l.Format, "kind", "auto", "form of the list: auto, list, csv, misp, stix or taxii")
	f.StringVar(&l.Type, "type", "", "IP, DOMAIN, URL or HASH, of values that don't show it")
	f.StringVar(&l.Category, "category", "", "of indicators of which the list says none: attack, malware, tor, scanner, …")
	f.StringVar(&l.Intention, "intention", "", "malicious, suspicious, benign or unknown, of those")
	f.StringVar(&l.Refresh, "refresh", "1h", "how often it is read")
	f.StringArrayVar(&headers, "header", nil, "a header of each request, as NAME: VALUE")
	return c
}

// awaitList waits until a list was tried, and says what came of it.
func (c *client) awaitList(cmd *cobra.Command, l threatList) error {
	tried := l.Tried
	for limit := time.Now().Add(10 * time.Minute); l.Tried == tried && time.Now().Before(limit); {
		select {
		case <-time.After(200 * time.Millisecond):
		case <-cmd.Context().Done():
			return cmd.Context().Err()
		}
		var err error
		if l, err = c.threatList(cmd.Context(), l.ID); err != nil {
			return err
		}
	}
	if l.Error != "" {
		return fmt.Errorf("list %s (%s) is kept, and was not read: %s; it is tried again", l.Name, l.ID, l.Error)
	}
	fmt.Fprintf(os.Stderr, "list %s (%s): %d indicators, also in reference table %s\n", l.Name, l.ID, l.Indicators, l.Table)
	for why, n := range l.Skipped {
		fmt.Fprintf(os.Stderr, "  left out: %d, %s\n", n, why)
	}
	for _, p := range l.Problems {
		fmt.Fprintf(os.Stderr, "  %s\n", p)
	}
	return nil
}

// intelOne is a command about one list.
func intelOne(use, short string, run func(c *cobra.Command, cl *client, l threatList) error) *cobra.Command {
	c := &cobra.Command{
		Use: use + " NAME|ID", Short: short, Example: "  nightjar intel " + use + " tor",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			l, err := cl.threatList(c.Context(), args[0])
			if err != nil {
				return err
			}
			return run(c, cl, l)
		},
	}
	addClientFlags(c)
	return c
}

func newIntelRemove() *cobra.Command {
	return intelOne("remove", "Delete a threat list and its reference table; events keep their marks", func(c *cobra.Command, cl *client, l threatList) error {
		return cl.do(c.Context(), http.MethodDelete, threatListsPath+"/"+url.PathEscape(l.ID), nil, nil, nil)
	})
}

func newIntelRefresh() *cobra.Command {
	return intelOne("refresh", "Read a threat list now", func(c *cobra.Command, cl *client, l threatList) error {
		if err := cl.send(c.Context(), http.MethodPost, threatListsPath+"/"+url.PathEscape(l.ID)+"/refresh", struct{}{}, nil); err != nil {
			return err
		}
		return cl.awaitList(c, l)
	})
}

func newIntelLookup() *cobra.Command {
	c := &cobra.Command{
		Use: "lookup VALUE", Short: "Say what the threat lists have of an address, a domain, a hash or a URL",
		Example: "  nightjar intel lookup 203.0.113.7\n  nightjar intel lookup www.evil.example --output json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var answer struct{ Indicators []json.RawMessage }
			if err := cl.do(c.Context(), http.MethodGet, threatListsPath+":lookup?value="+url.QueryEscape(args[0]), nil, nil, &answer); err != nil {
				return err
			}
			r := result{data: answer.Indicators, header: []string{"INDICATOR", "TYPE", "CATEGORY", "INTENTION", "LIST", "ABOUT"}, none: "no list has it"}
			for _, raw := range answer.Indicators {
				var i struct{ Indicator, Type, Category, Intention, List, About string }
				if err := json.Unmarshal(raw, &i); err != nil {
					return errors.Join(errors.New("read the engine's answer"), err)
				}
				r.rows = append(r.rows, []string{i.Indicator, i.Type, i.Category, i.Intention, i.List, i.About})
			}
			return r.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}
