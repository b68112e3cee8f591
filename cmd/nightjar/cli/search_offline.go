package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/dustin/go-humanize"

	"nightjar/clickhouse"
	"nightjar/compiler/search"
	"nightjar/engine"
	"nightjar/ingest"
	intakestore "nightjar/ingest/clickhouse"
	"nightjar/ingest/files"
	"nightjar/migrations"
	"nightjar/schema"
	"nightjar/schema/vocabulary"
)

// question is a query, and in whose names it is asked and answered.
type question struct {
	text  string
	names vocabulary.Vocabulary
}

func (q question) parse() (*search.Query, error) {
	query, err := search.Parse(q.text)
	if err == nil && q.names != vocabulary.Own {
		query = query.Renamed(q.names.Rename)
	}
	return query, err
}

// searchEvent tells whether the one event of a file matches.
func searchEvent(w io.Writer, asked question, path string, decoder *ingest.Decoder) error {
	query, err := asked.parse()
	if err != nil {
		return errors.Join(err, writeMistake(w, err))
	}
	body, err := readFile(path)
	if err != nil {
		return err
	}
	e, err := decoder.Record(body, true)
	if err != nil {
		return fmt.Errorf("%s: %w; --events takes a file of several", path, err)
	}
	return json.NewEncoder(w).Encode(struct {
		Match bool `json:"match"`
	}{query.Match(withTime(&e))})
}

func readFile(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(path)
}

// mistake is what is wrong with a query, as data.
type mistake struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

func writeMistake(w io.Writer, err error) error {
	var placed *schema.SyntaxError
	if !errors.As(err, &placed) {
		return nil
	}
	m := mistake{Line: placed.Line, Column: placed.Column, Message: placed.Message}
	if placed.Hint != "" {
		m.Message += "; " + placed.Hint
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(map[string]mistake{"error": m})
}

// matcher tells which of some events match.
type matcher func(context.Context, []schema.Event) ([]bool, error)

// maxHeld is how many events of a file are held at once.
const maxHeld = 20_000

// searchEvents prints the lines of a file that have a matching event within the
// time, or their events in the names of the schema that was asked for.
func searchEvents(ctx context.Context, w io.Writer, asked question, path, reader string, decoder *ingest.Decoder, within func(*schema.Event) bool) error {
	query, err := asked.parse()
	if err != nil {
		return err
	}
	match := inMemory(query)
	if reader == "sql" {
		s, err := startReader(ctx, query)
		if err != nil {
			return err
		}
		defer s.close()
		match = s.match
	}
	b := &batchOfLines{w: w, match: match, within: within}
	err = eventFile{path, decoder}.each(func(r files.Record, e *schema.Event) error {
		withTime(e)
		if asked.names != vocabulary.Own {
			return b.add(ctx, asked.names.Document(e), *e)
		}
		return b.add(ctx, r.Text, *e)
	})
	// What stands before a line that can't be read is answered all the same.
	err = errors.Join(err, b.flush(ctx))
	if b.printed == 0 {
		fmt.Fprintf(os.Stderr, "%s read, 0 matched\n", humanize.Comma(int64(b.read)))
	}
	return err
}

// withTime gives an event that has no time the beginning of all: it is within no
// time that is asked for.
func withTime(e *schema.Event) *schema.Event {
	if e.At == ingest.NoTime {
		e.At, e.Seen = 0, 0
	}
	return e
}

func inMemory(query *search.Query) matcher {
	match := query.Matcher()
	return func(_ context.Context, events []schema.Event) ([]bool, error) {
		out := make([]bool, len(events))
		for i := range events {
			out[i] = match(&events[i])
		}
		return out, nil
	}
}

// batchOfLines are lines that are matched together.
type batchOfLines struct {
	w      io.Writer
	match  matcher
	within func(*schema.Event) bool

	lines  [][]byte
	events []schema.Event

	read, printed int
}

// add keeps an event and a copy of the record that it is of, as one line.
func (b *batchOfLines) add(ctx context.Context, record []byte, e schema.Event) error {
	var line bytes.Buffer
	if bytes.IndexByte(record, '\n') < 0 || json.Compact(&line, record) != nil {
		line.Reset()
		line.Write(record)
	}
	line.WriteByte('\n')
	b.read++
	b.events = append(b.events, e)
	b.lines = append(b.lines, line.Bytes())
	if len(b.events) < maxHeld {
		return nil
	}
	return b.flush(ctx)
}

func (b *batchOfLines) flush(ctx context.Context) error {
	if len(b.events) == 0 {
		return nil
	}
	matched, err := b.match(ctx, b.events)
	if err != nil {
		return err
	}
	for i, yes := range matched {
		if !yes || !b.within(&b.events[i]) {
			continue
		}
		b.printed++
		if _, err := b.w.Write(b.lines[i]); err != nil {
			return err
		}
	}
	b.lines, b.events = nil, nil
	return nil
}

// sqlReader is an embedded server that is there for one search.
type sqlReader struct {
	dir    string
	server *clickhouse.Embedded
	conn   driver.Conn
	sink   *intakestore.Sink
	query  *search.Query
	last   uint64 // arrival number
}

func startReader(ctx context.Context, query *search.Query) (*sqlReader, error) {
	r := &sqlReader{query: query}
	if err := r.start(ctx); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *sqlReader) start(ctx context.Context) (err error) {
	if r.dir, err = os.MkdirTemp("", "nightjar-search-"); err != nil {
		return err
	}
	if _, err := clickhouse.LockDataDir(r.dir); err != nil {
		return err
	}
	if r.server, err = clickhouse.StartEmbedded(ctx, clickhouse.EmbeddedConfig{DataDir: r.dir}); err != nil {
		return err
	}
	options := r.server.Options(clickhouse.Admin)
	options.Auth.Database = engine.DatabaseName
	if err := migrations.CreateDatabase(ctx, options); err != nil {
		return err
	}
	if r.conn, err = clickhouse.Open(ctx, options); err != nil {
		return err
	}
	if _, err := migrations.Apply(ctx, r.conn, schema.Tables); err != nil {
		return err
	}
	r.sink = intakestore.New(r.conn)
	return nil
}

// readerStopTimeout is how long the server of a reader may take to end.
const readerStopTimeout = 30 * time.Second

// close leaves nothing behind.
func (r *sqlReader) close() {
	if r.conn != nil {
		_ = r.conn.Close()
	}
	if r.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), readerStopTimeout)
		defer cancel()
		_ = r.server.Close(ctx) // killed, if it does not end
	}
	if r.dir != "" {
		_ = os.RemoveAll(r.dir)
	}
}

// match stores the events and asks which of them the statement finds.
func (r *sqlReader) match(ctx context.Context, events []schema.Event) ([]bool, error) {
	first := r.last + 1
	for i := range events {
		r.last++
		events[i].Seq = r.last
	}
	if err := r.sink.Insert(ctx, fmt.Sprintf("search %d", first), events); err != nil {
		return nil, err
	}
	var p search.Params
	predicate, err := r.query.SQL(&p)
	if err != nil {
		return nil, err
	}
	sql := fmt.Sprintf("SELECT seq FROM events WHERE seq BETWEEN %d AND %d AND %s", first, r.last, predicate)
	rows, err := r.conn.Query(ch.Context(ctx, ch.WithParameters(p.Map())), sql)
	if err != nil {
		return nil, fmt.Errorf("search the events: %w", err)
	}
	defer rows.Close()
	out := make([]bool, len(events))
	for rows.Next() {
		var seq uint64
		if err := rows.Scan(&seq); err != nil {
			return nil, fmt.Errorf("read what was found: %w", err)
		}
		out[seq-first] = true
	}
	return out, rows.Err()
}
