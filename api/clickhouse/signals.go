package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api"
	"nightjar/compiler"
	"nightjar/schema"
)

// Signals reads the table of signals.
type Signals struct{ conn driver.Conn }

// NewSignals reads over conn.
func NewSignals(conn driver.Conn) *Signals { return &Signals{conn} }

const signalColumns = "id, timestamp, message, status, service, host, tags, raw"

// SearchSignals implements api.Signals.
func (s *Signals) SearchSignals(ctx context.Context, search api.SignalSearch) (api.SignalPage, error) {
	sql, params, err := searchSQL(search)
	if err != nil {
		return api.SignalPage{}, err
	}
	found, err := s.read(ctx, sql, params)
	if err != nil {
		return api.SignalPage{}, fmt.Errorf("search signals: %w", err)
	}
	page := api.SignalPage{Signals: found}
	if len(found) > search.Limit {
		page.Signals = found[:search.Limit]
		last := page.Signals[search.Limit-1]
		page.Next = api.SignalCursor{At: last.At, ID: last.ID}
	}
	return page, nil
}

// Signal implements api.Signals.
func (s *Signals) Signal(ctx context.Context, id string) (api.Signal, error) {
	var p compiler.Params
	sql := "SELECT " + signalColumns + " FROM signals WHERE id = " + p.String(id) + " ORDER BY version DESC LIMIT 1"
	found, err := s.read(ctx, sql, p.Map())
	if err != nil {
		return api.Signal{}, fmt.Errorf("read signal: %w", err)
	}
	if len(found) == 0 {
		return api.Signal{}, &schema.NotFound{Kind: "signal", ID: id}
	}
	return found[0], nil
}

// searchSQL asks for one signal more than the page holds, which tells whether
// another page follows. The inner query orders all that match by two narrow
// columns; only those of the page are then read whole, by primary key.
func searchSQL(search api.SignalSearch) (sql string, params map[string]string, err error) {
	query, err := compiler.ParseQuery(search.Query)
	if err != nil {
		return "", nil, queryError(err)
	}
	var p compiler.Params
	predicate, err := query.SQL(&p)
	if err != nil {
		return "", nil, queryError(err)
	}
	where := []string{"(" + predicate + ")"}
	if !asksForArchived(query.Root) {
		where = append(where, fmt.Sprintf("NOT (state = '%s' AND reason IN ('%s', '%s'))",
			schema.StateArchived, schema.ReasonMerged, schema.ReasonRetracted))
	}
	if search.From != nil {
		where = append(where, "timestamp >= "+moment(&p, *search.From))
	}
	if search.To != nil {
		where = append(where, "timestamp < "+moment(&p, *search.To))
	}
	order, after := "timestamp DESC, id DESC", "<"
	if search.Ascending {
		order, after = "timestamp, id", ">"
	}
	if search.After.ID != "" {
		where = append(where, fmt.Sprintf("(timestamp, id) %s (%s, %s)", after, moment(&p, search.After.At), p.String(search.After.ID)))
	}
	page := "SELECT key, id FROM signals FINAL WHERE " + strings.Join(where, " AND ") +
		fmt.Sprintf(" ORDER BY %s LIMIT %d", order, search.Limit+1)
	return "SELECT " + signalColumns + " FROM signals FINAL WHERE (key, id) IN (" + page + ") ORDER BY " + order, p.Map(), nil
}

func moment(p *compiler.Params, m schema.Millis) string {
	return "fromUnixTimestamp64Milli(" + p.Int(int64(m)) + ", 'UTC')"
}

// queryError places what is wrong with a search.
func queryError(err error) error {
	return &schema.Invalid{Details: []schema.Detail{{Target: "filter.query", Message: err.Error()}}}
}

// asksForArchived tells whether a query names the archived signals, which are
// otherwise no answer where the engine itself archived them.
func asksForArchived(n compiler.Node) bool {
	switch n := n.(type) {
	case compiler.Conjunction:
		return anyAsks(n.Nodes)
	case compiler.Disjunction:
		return anyAsks(n.Nodes)
	case compiler.Negation:
		return asksForArchived(n.Node)
	case compiler.Equals:
		return n.Field == schema.ParseField("@nightjar.state") && n.Value == schema.StateArchived
	}
	return false
}

func anyAsks(nodes []compiler.Node) bool {
	for _, n := range nodes {
		if asksForArchived(n) {
			return true
		}
	}
	return false
}

func (s *Signals) read(ctx context.Context, sql string, params map[string]string) ([]api.Signal, error) {
	rows, err := s.conn.Query(ch.Context(ctx, ch.WithParameters(params)), sql)
	if err != nil {
		return nil, connError(err)
	}
	defer rows.Close()
	var out []api.Signal
	for rows.Next() {
		var found api.Signal
		var at time.Time
		if err := rows.Scan(&found.ID, &at, &found.Message, &found.Status, &found.Service, &found.Host, &found.Tags, &found.Attributes); err != nil {
			return nil, fmt.Errorf("scan signal: %w", err)
		}
		found.At = schema.MillisOf(at)
		out = append(out, found)
	}
	return out, connError(rows.Err())
}

// connError marks what is not the database's answer but its silence.
func connError(err error) error {
	var said *ch.Exception
	if err == nil || errors.As(err, &said) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", api.ErrUnavailable, err)
}
