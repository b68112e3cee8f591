package clickhouse

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api/services/operations"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// Agents reads what agents report of themselves. They do so in events: nothing
// else is kept, and a restart changes nothing.
type Agents struct {
	conn  driver.Conn
	known knownSettings
}

// NewAgents reads over conn.
func NewAgents(conn driver.Conn) *Agents { return &Agents{conn: conn} }

// Agents implements api.Agents.
func (a *Agents) Agents(ctx context.Context, since schema.Millis) ([]operations.AgentReport, error) {
	all, err := a.read(ctx, "heartbeat OR lost_events", func(p *search.Params) string {
		return " AND seen >= " + moment(p, since) + " ORDER BY seq DESC LIMIT 1 BY host, JSONExtractString(raw, 'agent', 'report', 'instance')"
	})
	slices.SortFunc(all, func(a, b operations.AgentReport) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Seq, b.Seq))
	})
	return all, err
}

// maxLosses bounds an answer.
const maxLosses = 10_000

// AgentLosses implements api.Agents.
func (a *Agents) AgentLosses(ctx context.Context, after, through uint64) ([]operations.AgentReport, bool, error) {
	all, err := a.read(ctx, schema.AgentLost, func(p *search.Params) string {
		return fmt.Sprintf(" AND seq > %d AND seq <= %d ORDER BY seq DESC LIMIT %d", after, through, maxLosses+1)
	})
	more := len(all) > maxLosses
	all = all[:min(len(all), maxLosses)]
	slices.Reverse(all)
	return all, more, err
}

// read reads the reports with one of these values as their agent.rule_id, of those
// that the rest of the statement leaves. An event without a report is left out.
func (a *Agents) read(ctx context.Context, ruleIDs string, rest func(*search.Params) string) ([]operations.AgentReport, error) {
	query, err := search.Parse("source:" + schema.AgentSource + " @agent.rule_id:(" + ruleIDs + ")")
	if err != nil {
		return nil, err
	}
	var p search.Params
	where, err := query.SQL(&p)
	if err != nil {
		return nil, err
	}
	sql := "SELECT host, seq, toUnixTimestamp64Milli(seen), raw FROM events WHERE " + where + rest(&p)
	rows, err := a.conn.Query(ch.Context(ctx, ch.WithParameters(p.Map()), ch.WithSettings(a.known.statement(ctx, a.conn))), sql)
	if err != nil {
		return nil, fmt.Errorf("read reports of agents: %w", err)
	}
	defer rows.Close()
	var out []operations.AgentReport
	for rows.Next() {
		var r operations.AgentReport
		var seen int64
		var raw string
		if err := rows.Scan(&r.Host, &r.Seq, &seen, &raw); err != nil {
			return nil, fmt.Errorf("scan a report: %w", err)
		}
		r.Seen = schema.Millis(seen)
		var event struct {
			Agent struct{ Report *schema.AgentReport }
		}
		if json.Unmarshal([]byte(raw), &event) != nil || event.Agent.Report == nil {
			continue
		}
		r.AgentReport = *event.Agent.Report
		out = append(out, r)
	}
	return out, rows.Err()
}
