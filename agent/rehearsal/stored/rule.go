package stored

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"nightjar/agent/rehearsal"
	"nightjar/compiler/search"
	"nightjar/schema"
	"nightjar/secl/policy"
	"nightjar/secl/sql"
)

// Ask has the database answer a query all of whose columns are texts.
type Ask func(ctx context.Context, query string, params *search.Params) ([][]string, error)

// Span is the time of the events that are asked: From is in it, To is not.
type Span struct{ From, To schema.Millis }

// sql is the condition on the column that events are ordered by, which leaves the other
// days unread.
func (s Span) sql(p *search.Params) string {
	moment := func(m schema.Millis) string { return "fromUnixTimestamp64Milli(" + p.Int(int64(m)) + ", 'UTC')" }
	return "timestamp >= " + moment(s.From) + " AND timestamp < " + moment(s.To)
}

// Rule asks the stored events for what a rule would have matched, and killed.
func Rule(ctx context.Context, ask Ask, r *policy.Rule, span Span, c rehearsal.Config) (rehearsal.Found, error) {
	found, err := matches(ctx, ask, r, span)
	if err != nil || found.Events == 0 || found.Not != "" || len(rehearsal.KillsOf(r)) == 0 {
		return found, err
	}
	err = kills(ctx, ask, r, span, rehearsal.Of(r.ID, c), &found) // before found is returned
	return found, err
}

// errNoResult is an answer of another form than what was asked for.
var errNoResult = errors.New("the engine's answer is no result")

// matches counts the stored events that a rule matches.
func matches(ctx context.Context, ask Ask, r *policy.Rule, span Span) (rehearsal.Found, error) {
	out := rehearsal.Found{Rule: r.ID}
	params := &search.Params{}
	condition, err := sql.Where(r.Rule, params)
	if err != nil {
		out.Not = err.Error()
		return out, nil
	}
	query := `SELECT toString(count()), toString(toUnixTimestamp64Milli(min(timestamp))), toString(toUnixTimestamp64Milli(max(timestamp))), arrayStringConcat(arraySort(groupUniqArray(100)(toString(host))), '\n')
FROM events
WHERE ` + span.sql(params) + ` AND ` + condition
	rows, err := ask(ctx, query, params)
	if err != nil {
		return out, err
	}
	if len(rows) != 1 || len(rows[0]) != 4 {
		return out, errNoResult
	}
	var numbers [3]int64
	for i := range numbers {
		if numbers[i], err = strconv.ParseInt(rows[0][i], 10, 64); err != nil {
			return out, fmt.Errorf("%w: %w", errNoResult, err)
		}
	}
	if numbers[0] == 0 {
		return out, nil
	}
	out.Events, out.First, out.Last = uint64(numbers[0]), schema.Millis(numbers[1]), schema.Millis(numbers[2])
	out.Hosts = strings.Split(rows[0][3], "\n")
	out.Actions = rehearsal.ActionsOf(r)
	return out, nil
}
