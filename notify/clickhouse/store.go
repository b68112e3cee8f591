package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	server "nightjar/clickhouse"
	"nightjar/notify"
	"nightjar/scheduler"
	"nightjar/schema"
)

// Signals reads signals in the order in which they were published. scheduler/clickhouse
// implements it.
type Signals interface {
	ChangedAfter(ctx context.Context, after, through uint64, limit int) ([]scheduler.Published, uint64, error)
}

// Store implements notify.Store.
type Store struct {
	Conn    driver.Conn
	Signals Signals
}

// page is how many signals are read at a time.
const page = 1000

// placeID is the id of the row that says how far signals were looked at.
const placeID = "place"

const columns = `id, version, target, kind, state, digest, toUnixTimestamp64Milli(created), toUnixTimestamp64Milli(due), attempts,
	toUnixTimestamp64Milli(tried), answer, about`

// Place implements notify.Store.
func (s Store) Place(ctx context.Context) (place uint64, ok bool, err error) {
	var text string
	if err := s.Conn.QueryRow(ctx, "SELECT argMax(about, version) FROM notifications WHERE target = '' AND id = '"+placeID+"'").Scan(&text); err != nil || text == "" {
		return 0, false, err
	}
	place, err = strconv.ParseUint(text, 10, 64)
	return place, true, err
}

// SavePlace implements notify.Store.
func (s Store) SavePlace(ctx context.Context, place uint64) error {
	return s.insert(ctx, []row{{id: placeID, version: place + 1, about: strconv.FormatUint(place, 10)}})
}

// Changed implements notify.Store.
func (s Store) Changed(ctx context.Context, after, through uint64) ([]scheduler.Published, uint64, error) {
	return s.Signals.ChangedAfter(ctx, after, through, page)
}

// Of implements notify.Store.
func (s Store) Of(ctx context.Context, signals []string) ([]notify.News, error) {
	return s.read(ctx, "SELECT "+columns+" FROM notifications FINAL WHERE target != '' AND signal IN {signals:Array(String)} ORDER BY created, id", server.Params{}.Strings("signals", signals))
}

// InDigest implements notify.Store.
func (s Store) InDigest(ctx context.Context, target, digest string) ([]notify.News, error) {
	return s.read(ctx, "SELECT "+columns+" FROM notifications FINAL WHERE target = {target:String} AND digest = {digest:String} ORDER BY created, id", server.Params{}.String("target", target).String("digest", digest))
}

// Named implements notify.Store.
func (s Store) Named(ctx context.Context, target, id string) (n notify.News, ok bool, err error) {
	all, err := s.read(ctx, "SELECT "+columns+" FROM notifications FINAL WHERE target = {target:String} AND id = {id:String}", server.Params{}.String("target", target).String("id", id))
	if err != nil || len(all) == 0 || target == "" {
		return n, false, err
	}
	return all[0], true, nil
}

// Waiting implements notify.Store.
func (s Store) Waiting(ctx context.Context) ([]notify.News, error) {
	return s.read(ctx, "SELECT "+columns+" FROM notifications FINAL WHERE target != '' AND state = 'waiting' ORDER BY due, created, id", server.Params{})
}

// Query selects news to be shown; empty fields select all.
type Query struct {
	Signal, Target, State string
	Key                   string // as notify.News.Key has it
	Limit                 int
}

// List reads news, the newest first.
func (s Store) List(ctx context.Context, q Query) ([]notify.News, error) {
	return s.read(ctx, `SELECT `+columns+` FROM notifications FINAL WHERE target != ''
		AND ({signal:String} = '' OR signal = {signal:String}) AND ({target:String} = '' OR target = {target:String}) AND ({state:String} = '' OR state = {state:String})
		AND ({key:String} = '' OR if(digest = '', id, lower(hex(substring(SHA256(concat(target, '\0', digest)), 1, 16)))) = {key:String})
		ORDER BY created DESC, id LIMIT `+strconv.Itoa(q.Limit), server.Params{}.String("signal", q.Signal).String("target", q.Target).String("state", q.State).String("key", q.Key))
}

func (s Store) read(ctx context.Context, sql string, params server.Params) ([]notify.News, error) {
	rows, err := s.Conn.Query(params.Context(ctx), sql)
	if err != nil {
		return nil, fmt.Errorf("read notifications: %w", err)
	}
	defer rows.Close()
	var out []notify.News
	for rows.Next() {
		var n notify.News
		var kind, state, about string
		var created, due, tried int64
		if err := rows.Scan(&n.ID, &n.Version, &n.Target, &kind, &state, &n.Digest, &created, &due, &n.Attempts, &tried, &n.Answer, &about); err != nil {
			return nil, err
		}
		n.Kind, n.State = notify.Kind(kind), notify.State(state)
		n.Created, n.Due, n.Tried = schema.Millis(created), schema.Millis(due), schema.Millis(tried)
		if err := json.Unmarshal([]byte(about), &n.About); err != nil {
			return nil, fmt.Errorf("notification %s: %w", n.ID, err)
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

// Put implements notify.Store.
func (s Store) Put(ctx context.Context, news []notify.News) error {
	rows := make([]row, len(news))
	for i, n := range news {
		about, err := json.Marshal(n.About)
		if err != nil {
			return err
		}
		rows[i] = row{
			n.ID, n.Version, n.Target, n.About.SignalID, string(n.Kind), string(n.State), n.Digest, n.Created, n.Due, n.Attempts, n.Tried, n.Answer, string(about),
		}
	}
	return s.insert(ctx, rows)
}

type row struct {
	id                          string
	version                     uint64
	target, signal, kind, state string
	digest                      string
	created, due                schema.Millis
	attempts                    uint32
	tried                       schema.Millis
	answer, about               string
}

func (s Store) insert(ctx context.Context, rows []row) error {
	batch, err := s.Conn.PrepareBatch(ctx, "INSERT INTO notifications (id, version, target, signal, kind, state, digest, created, due, attempts, tried, answer, about)")
	if err != nil {
		return fmt.Errorf("write notifications: %w", err)
	}
	defer batch.Close()
	for _, r := range rows {
		if err := batch.Append(r.id, r.version, r.target, r.signal, r.kind, r.state, r.digest, at(r.created), at(r.due), r.attempts, at(r.tried), r.answer, r.about); err != nil {
			return err
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("write notifications: %w", err)
	}
	return nil
}

func at(m schema.Millis) time.Time { return m.Time() }
