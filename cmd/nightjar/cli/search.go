package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"nightjar/schema"
)

// searchOptions are the flags of search.
type searchOptions struct {
	span          spanFlags
	limit         int
	explain, raw  bool
	patterns      bool
	events, event string
	reader        string
	reading       readingFlags
	schema        schemaFlag
}

func newSearch() *cobra.Command {
	var o searchOptions
	c := &cobra.Command{
		Use:   "search QUERY",
		Short: "Find events, in the engine or in a file",
		Long: `Finds the events that a query selects, the newest first: a table on a terminal,
elsewhere one JSON object a line, as "nightjar ingest" and "backtest --events"
read them. The query may begin with a minus, and '' finds every event. Its
functions are ICASE, REGEX, ANY, SAME, LENGTH, COUNT and CIDR. Where nothing is
found, it says what no event has and what is near.

With --events the engine is not asked: the lines of a file that match are
printed as they are, in their order. They are matched in memory, or with
--reader sql by an embedded ClickHouse that is started for it; the two agree.

With --event the file holds one event, and the answer is {"match":true} or
{"match":false}. A query that does not parse is told there as
{"error":{"line":1,"column":7,"message":"…"}}.

With --patterns it groups events by the shape of their messages, the most frequent
first: what differs is named instead, as <number> or <ip>. --limit is then how many
shapes, 500 at most; how many others there are is told.

With --schema ecs or ocsf the query may name attributes as that schema does, and
what is printed are its documents; nightjar's own names stay what they are. Names
are translated, values are not.

It exits with 0 when the search was done, whether or not anything was found,
with 1 when it failed or the query does not parse, and with 2 for wrong usage.`,
		Example: `  nightjar search 'source:sshd "Failed password"' --from -1h
  nightjar search '-status:info @http.status_code:>=500' --limit 0 > events.ndjson
  nightjar search 'source:sshd @network.client.ip:203.0.113.66' --explain
  nightjar search 'source:sshd status:error' --from -1d --patterns
  nightjar search 'ANY(@authorizationInfo, @permission:x @granted:false)'
  nightjar search 'CIDR(@ip, 10.0.0.0/8)' --events events.ndjson --reader sql
  nightjar search '@source.ip:203.0.113.66 @event.outcome:failure' --schema ecs
  nightjar search '"Failed password"' --events /var/log/auth.log.2.gz --source sshd`,
		// A query that begins with a minus is no flag.
		DisableFlagParsing: true,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		query, help, err := searchArgs(c, args)
		if help {
			return c.Help()
		}
		if err == nil {
			err = o.check()
		}
		if err != nil {
			return &usageError{c.CommandPath(), err}
		}
		return o.run(c, query)
	}
	addClientFlags(c)
	f := c.Flags()
	o.span.add(c, "(default: all time) ", "before then")
	f.IntVar(&o.limit, "limit", 100, "how many events at most; 0 for all")
	addTerminalOutput(c, asTable, asLines, tableFormats...)
	f.BoolVar(&o.explain, "explain", false, "show how the query is understood and run, instead of running it")
	f.BoolVar(&o.patterns, "patterns", false, "show what shapes messages have, and how many have each")
	f.BoolVar(&o.raw, "raw", false, "show events as they came, where pipelines changed them: in a field raw, or in the place of the message")
	f.StringVar(&o.events, "events", "", "search this file of events, in any form that backtest reads (- for standard input)")
	f.StringVar(&o.event, "event", "", "tell whether the one event in this file matches (- for standard input)")
	o.reading.add(f)
	o.schema.add(f, "ask and answer in the names of this schema: ecs or ocsf")
	f.StringVar(&o.reader, "reader", "memory", "what searches --events: memory or sql")
	return c
}

// searchArgs reads the flags, and the query from among them.
func searchArgs(c *cobra.Command, args []string) (query string, help bool, err error) {
	flags, rest := splitArgs(c.Flags(), args)
	if err := c.Flags().Parse(flags); err != nil {
		err = nearFlag(c, err)
		return "", errors.Is(err, pflag.ErrHelp), err
	}
	if help, _ := c.Flags().GetBool("help"); help {
		return "", true, nil
	}
	if len(rest) != 1 {
		return "", false, fmt.Errorf("takes one query, got %d; put quotes around it", len(rest))
	}
	return rest[0], false, nil
}

// splitArgs tells flags, which have two dashes, from queries.
func splitArgs(known *pflag.FlagSet, args []string) (flags, rest []string) {
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			return flags, append(rest, args[i+1:]...)
		case a == "-h" || strings.HasPrefix(a, "--"):
			flags = append(flags, a)
			f := known.Lookup(strings.TrimPrefix(a, "--"))
			if f != nil && f.NoOptDefVal == "" && i+1 < len(args) {
				i++
				flags = append(flags, args[i])
			}
		default:
			rest = append(rest, a)
		}
	}
	return flags, rest
}

func (o *searchOptions) check() error {
	switch {
	case o.limit < 0:
		return errors.New("--limit: 0 for all, or how many")
	case o.reader != "memory" && o.reader != "sql":
		return fmt.Errorf("--reader: want memory or sql, got %q", o.reader)
	case o.events != "" && o.event != "":
		return errors.New("--events and --event: one of them")
	case o.reading.given() && o.events == "" && o.event == "":
		return errors.New("--geoip, --pipelines, --source, --year and --tz go with --events or --event; the engine reads events when they arrive")
	case o.raw && (o.explain || o.events != "" || o.event != ""):
		return errors.New("--raw shows what the engine has stored; it does not go with --explain, --events or --event")
	case o.patterns && (o.raw || o.explain || o.events != "" || o.event != ""):
		return errors.New("--patterns asks the engine for shapes of messages; it does not go with --raw, --explain, --events or --event")
	case o.patterns && o.limit > maxPatterns:
		return fmt.Errorf("--limit: at most %d shapes with --patterns", maxPatterns)
	case o.explain && (o.events != "" || o.event != ""):
		return errors.New("--explain asks the engine; it does not go with --events or --event")
	}
	return nil
}

func (o *searchOptions) run(c *cobra.Command, query string) error {
	names, err := o.schema.parse(c)
	if err != nil {
		return err
	}
	decoder, err := o.reading.decoder(c)
	if err != nil {
		return err
	}
	asked := question{query, names}
	switch {
	case o.event != "":
		return searchEvent(os.Stdout, asked, o.event, decoder)
	case o.events != "":
		from, to, err := o.span.bounds(c)
		if err != nil {
			return err
		}
		return searchEvents(c.Context(), os.Stdout, asked, o.events, o.reader, decoder, func(e *schema.Event) bool { return e.At >= from && e.At < to })
	}
	cl, err := newClient(c)
	if err != nil {
		return err
	}
	filter := map[string]string{"query": query, "from": schema.MinMillis.String(), "to": schema.MaxMillis.String(), "schema": string(names)}
	if err := o.span.into(c, filter); err != nil {
		return err
	}
	if o.explain {
		return explainSearch(c, cl, filter)
	}
	if o.patterns {
		return searchPatterns(c, cl, filter, o.limit)
	}
	return o.live(c, cl, filter)
}

// foundEvent is an event that was found, and the engine's id for it.
type foundEvent struct {
	eventLine
	id string
}

// live searches the engine.
func (o *searchOptions) live(c *cobra.Command, cl *client, filter map[string]string) error {
	ctx, output := c.Context(), outputOf(c)
	var kept []foundEvent
	n, located := 0, false
	more, err := cl.logs(ctx, logQuery{filter, o.raw}, o.limit, func(e foundEvent) error {
		n++
		located = located || mentionsGeoIP(e.Attributes)
		if output == asLines && o.schema.name != "" {
			return writeLine(os.Stdout, e.Attributes)
		}
		if output == asLines {
			return writeLine(os.Stdout, e.eventLine)
		}
		kept = append(kept, e)
		return nil
	})
	if err != nil {
		return err
	}
	if output != asLines {
		err = o.table(kept).print(c)
	}
	if n == 0 {
		fmt.Fprintf(os.Stderr, "looked from %s to %s\n", filter["from"], filter["to"])
	}
	if more {
		fmt.Fprintf(os.Stderr, "only the first %d; --limit shows more\n", n)
	}
	if located {
		cl.credit(ctx)
	}
	return err
}

func writeLine(w io.Writer, l any) error { return encoder(w).Encode(l) }

// maxMessage is how much of a message a table shows.
const maxMessage = 160

// eventTable is a list of events; their ids are what explain and coverage ask for.
func eventTable(events []foundEvent) result {
	lines, rows := make([]eventLine, len(events)), make([][]string, len(events))
	for i, e := range events {
		text := e.Message
		if e.Raw != "" {
			text = e.Raw
		}
		if text == "" {
			text = string(e.Attributes)
		}
		lines[i] = e.eventLine
		rows[i] = []string{e.Timestamp.String(), e.Status, e.Source, e.Host, e.Service, e.id, text}
	}
	return result{data: lines, header: []string{"TIME", "STATUS", "SOURCE", "HOST", "SERVICE", "ID", "MESSAGE"}, rows: rows, widest: maxMessage, none: "no events"}
}

// table is what was found; as data, documents of the schema that was asked for.
func (o *searchOptions) table(events []foundEvent) result {
	r := eventTable(events)
	if o.schema.name == "" {
		return r
	}
	documents := make([]json.RawMessage, len(events))
	for i := range events {
		documents[i] = events[i].Attributes
	}
	r.data = documents
	return r
}

// logItem is an event as the API has it.
type logItem struct {
	ID         string `json:"id"`
	Attributes struct {
		Timestamp                              time.Time
		Source, Service, Host, Status, Message string
		Tags                                   []string
		Attributes                             json.RawMessage
		Raw                                    string `json:",omitempty"`
	} `json:"attributes"`
}

// logQuery is what is asked for.
type logQuery struct {
	filter map[string]string
	raw    bool // events as they came, too
}

// maxPage is how many events the API gives at once.
const maxPage = 1000

// logs calls use with up to limit events, all if that is 0, page by page; more
// says that there are others.
func (c *client) logs(ctx context.Context, q logQuery, limit int, use func(foundEvent) error) (more bool, err error) {
	bar := newCounter()
	defer func() { _ = bar.Finish() }() // a bar that can't be drawn stops nothing
	cursor := ""
	for n := 0; ; {
		size := maxPage
		if limit > 0 {
			size = min(size, limit-n+1) // one more tells whether there are others
		}
		page, err := c.logPage(ctx, q, cursor, size)
		if err != nil {
			return false, err
		}
		for i := range page.Data {
			if limit > 0 && n == limit {
				return true, nil
			}
			l, err := page.Data[i].line()
			if err == nil {
				err = use(foundEvent{l, page.Data[i].ID})
			}
			if err != nil {
				return false, err
			}
			n++
		}
		_ = bar.Add(len(page.Data))
		for _, w := range page.Meta.Warnings {
			fmt.Fprintln(os.Stderr, strings.TrimSuffix(w.Title+": "+w.Detail, ": "))
		}
		timeout := page.Meta.Status == "timeout"
		if cursor = page.Meta.Page.After; cursor == "" || len(page.Data) < size && !timeout {
			return false, nil
		}
		if timeout {
			fmt.Fprintln(os.Stderr, "this takes long; it goes on …")
		}
	}
}

// newCounter counts on a terminal what has come so far.
func newCounter() *progressbar.ProgressBar {
	return progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetVisibility(term.IsTerminal(int(os.Stderr.Fd()))),
		progressbar.OptionSetDescription("events"), progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

type logPage struct {
	Data []logItem
	Meta struct {
		Status   string
		Page     struct{ After string }
		Warnings []struct{ Title, Detail string }
	}
}

func (c *client) logPage(ctx context.Context, q logQuery, cursor string, size int) (logPage, error) {
	request := map[string]any{"limit": size}
	if cursor != "" {
		request["cursor"] = cursor
	}
	body, err := json.Marshal(map[string]any{"filter": q.filter, "page": request, "sort": "-timestamp", "hints": true, "raw": q.raw})
	if err != nil {
		return logPage{}, err
	}
	var page logPage
	return page, c.do(ctx, http.MethodPost, "/api/v2/logs/events/search", nil, body, &page)
}

func (i *logItem) line() (eventLine, error) {
	a := i.Attributes
	l := eventLine{
		Timestamp: schema.MillisOf(a.Timestamp), Source: a.Source, Service: a.Service, Host: a.Host, Status: a.Status,
		Message: a.Message, Tags: a.Tags, Attributes: a.Attributes, Raw: a.Raw,
	}
	if l.Tags == nil {
		l.Tags = []string{}
	}
	if l.Attributes == nil {
		l.Attributes = json.RawMessage("{}")
	}
	return l, l.withID(i.ID)
}
