package clickhouse

import (
	"context"
	"fmt"
	"strconv"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api/access/audit"
	server "nightjar/clickhouse"
	"nightjar/schema"
)

// Audit implements audit.Store.
type Audit struct{ Conn driver.Conn }

const auditColumns = `seq, toUnixTimestamp64Milli(at), kind, action, outcome, caller_id, caller, role, address, request, object, detail, count, previous, hash`

// Last implements audit.Store.
func (a Audit) Last(ctx context.Context) (last audit.Row, err error) {
	err = a.read(ctx, "SELECT "+auditColumns+" FROM audit ORDER BY seq DESC LIMIT 1", server.Params{}, func(r audit.Row) error {
		last = r
		return nil
	})
	return last, err
}

// Rows implements audit.Store.
func (a Audit) Rows(ctx context.Context, from uint64, show func(audit.Row) error) error {
	ctx = ch.Context(ctx, ch.WithSettings(ch.Settings{"max_execution_time": 0, "max_threads": 1}))
	return a.read(ctx, "SELECT "+auditColumns+" FROM audit WHERE seq >= "+strconv.FormatUint(from, 10)+" ORDER BY seq", server.Params{}, show)
}

// List shows entries, the newest first.
func (a Audit) List(ctx context.Context, q audit.Query) (out []audit.Row, err error) {
	if q.To == 0 {
		q.To = schema.MaxMillis
	}
	params := server.Params{}.String("caller", q.Caller).String("kind", q.Kind).String("outcome", q.Outcome).String("text", q.Text).String("object", q.Object).Uint("before", q.Before)
	sql := fmt.Sprintf(`SELECT %s FROM audit
		WHERE at >= fromUnixTimestamp64Milli(%d, 'UTC') AND at < fromUnixTimestamp64Milli(%d, 'UTC')
		AND ({caller:String} = '' OR caller = {caller:String} OR caller_id = {caller:String})
		AND ({kind:String} = '' OR kind = {kind:String}) AND ({outcome:String} = '' OR outcome = {outcome:String})
		AND ({text:String} = '' OR positionCaseInsensitiveUTF8(concat(action, ' ', object, ' ', detail), {text:String}) > 0)
		AND ({object:String} = '' OR positionCaseInsensitiveUTF8(object, {object:String}) > 0) AND ({before:UInt64} = 0 OR seq < {before:UInt64})
		ORDER BY seq DESC LIMIT %d`, auditColumns, q.From, q.To, q.Limit)
	err = a.read(ctx, sql, params, func(r audit.Row) error {
		out = append(out, r)
		return nil
	})
	return out, err
}

func (a Audit) read(ctx context.Context, sql string, params server.Params, show func(audit.Row) error) error {
	rows, err := a.Conn.Query(params.Context(ctx), sql)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r audit.Row
		var at int64
		var outcome string
		if err := rows.Scan(&r.Seq, &at, &r.Kind, &r.Action, &outcome, &r.CallerID, &r.Caller, &r.Role, &r.Address, &r.Request, &r.Object, &r.Detail, &r.Count, &r.Previous, &r.Hash); err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
		r.At, r.Outcome = schema.Millis(at), audit.Outcome(outcome)
		if err := show(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Insert implements audit.Store: rows of one insert are one block, which is stored whole
// or not at all.
func (a Audit) Insert(ctx context.Context, rows []audit.Row) error {
	batch, err := a.Conn.PrepareBatch(ctx, "INSERT INTO audit (seq, at, kind, action, outcome, caller_id, caller, role, address, request, object, detail, count, previous, hash)")
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	defer batch.Close()
	for _, r := range rows {
		if err := batch.Append(r.Seq, r.At.Time(), r.Kind, r.Action, string(r.Outcome), r.CallerID, r.Caller, r.Role, r.Address, r.Request, r.Object, r.Detail, r.Count, r.Previous, r.Hash); err != nil {
			return fmt.Errorf("write the audit log: %w", err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}
