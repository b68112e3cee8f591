package clickhouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/ingest"
	"nightjar/schema"
)

// beside is for statements that read everything and that nobody waits for. They take one
// thread, and no part in priorities: searches of people would pause while one of them runs.
func beside(ctx context.Context) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"check_query_single_value_result": 0, "max_threads": 1, "priority": 0, "max_execution_time": 0}))
}

// Verify implements ingest.Verifier: the server compares every part with its
// checksums, by itself.
func (s *Sink) Verify(ctx context.Context) ([]ingest.BrokenPart, error) {
	rows, err := s.conn.Query(beside(ctx), "CHECK TABLE "+schema.Events.Name)
	if err != nil {
		return nil, fmt.Errorf("check the events: %w", err)
	}
	var broken []ingest.BrokenPart
	for rows.Next() {
		var name, message string
		var passed uint8
		if err := rows.Scan(&name, &passed, &message); err != nil {
			rows.Close()
			return nil, fmt.Errorf("check the events: %w", err)
		}
		if passed == 0 {
			broken = append(broken, ingest.BrokenPart{Name: path.Base(name), Reason: firstLine(message)})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("check the events: %w", err)
	}
	return s.putAside(ctx, broken)
}

// putAside detaches the parts: one that can't be read fails every search.
func (s *Sink) putAside(ctx context.Context, broken []ingest.BrokenPart) (put []ingest.BrokenPart, err error) {
	for _, b := range broken {
		// A part that was merged meanwhile is no more.
		count := s.conn.QueryRow(ctx, "SELECT sum(rows) FROM system.parts WHERE database = currentDatabase() AND table = ? AND active AND name = ?", schema.Events.Name, b.Name)
		if err := count.Scan(&b.Rows); err != nil {
			return put, fmt.Errorf("put aside part %s: %w", b.Name, err)
		}
		if b.Rows == 0 {
			continue
		}
		if err := s.conn.Exec(ctx, "ALTER TABLE "+schema.Events.Name+" DETACH PART '"+partName(b.Name)+"'"); err != nil {
			return put, fmt.Errorf("put aside part %s: %w", b.Name, err)
		}
		put = append(put, b)
	}
	return put, nil
}

// partName leaves of a name what names of parts are made of.
func partName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r == '_' || r == '-' {
			return r
		}
		return -1
	}, name)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// bucket is how many arrivals are counted together.
const bucket = 1 << 16

// Missing implements ingest.Verifier. Only where the count of a range of numbers is
// not what it should be, they are looked at one by one.
func (s *Sink) Missing(ctx context.Context, through uint64) ([]ingest.Span, error) {
	rows, err := s.conn.Query(beside(ctx), fmt.Sprintf("SELECT intDiv(seq, %d) AS b, count(), min(seq) FROM %s WHERE seq <= %d GROUP BY b ORDER BY b", bucket, schema.Events.Name, through))
	if err != nil {
		return nil, fmt.Errorf("count the events: %w", err)
	}
	defer rows.Close()
	var short []ingest.Span // ranges with fewer events than numbers
	next := uint64(0)       // the number that comes next; 0: none was seen
	for rows.Next() {
		var b, n, lowest uint64
		if err := rows.Scan(&b, &n, &lowest); err != nil {
			return nil, fmt.Errorf("count the events: %w", err)
		}
		from, to := b*bucket, min(through, b*bucket+bucket-1)
		switch {
		case next == 0:
			from = lowest
		case from > next:
			short = append(short, ingest.Span{First: next, Last: from - 1})
		}
		if n < to-from+1 {
			short = append(short, ingest.Span{First: from, Last: to})
		}
		next = to + 1
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("count the events: %w", err)
	}
	if next > 0 && next <= through {
		short = append(short, ingest.Span{First: next, Last: through})
	}
	return s.lookAt(ctx, short)
}

// Deleted implements ingest.Verifier.
func (s *Sink) Deleted(ctx context.Context, in ingest.Span) ([]ingest.Span, error) {
	// Numbers that stand side by side have the same distance to their place in the order.
	rows, err := s.conn.Query(ctx, fmt.Sprintf(`SELECT min(seq), max(seq) FROM (
		SELECT seq, seq - row_number() OVER (ORDER BY seq) AS run FROM (SELECT DISTINCT seq FROM %s WHERE seq BETWEEN %d AND %d)
	) GROUP BY run ORDER BY min(seq)`, schema.DeletedEvents.Name, in.First, in.Last))
	if err != nil {
		return nil, fmt.Errorf("look for deleted events: %w", err)
	}
	defer rows.Close()
	var out []ingest.Span
	for rows.Next() {
		var span ingest.Span
		if err := rows.Scan(&span.First, &span.Last); err != nil {
			return nil, fmt.Errorf("look for deleted events: %w", err)
		}
		out = append(out, span)
	}
	return out, rows.Err()
}

// lookAt finds what is missing in the ranges.
func (s *Sink) lookAt(ctx context.Context, ranges []ingest.Span) ([]ingest.Span, error) {
	var out []ingest.Span
	for _, r := range ranges {
		if r.Last-r.First >= bucket { // nothing of it is there
			out = append(out, r)
			continue
		}
		there, err := s.Present(ctx, r.First, r.Last)
		if err != nil {
			return nil, err
		}
		for seq := r.First; seq <= r.Last; seq++ {
			switch n := len(out); {
			case there[seq]:
			case n > 0 && out[n-1].Last+1 == seq:
				out[n-1].Last = seq
			default:
				out = append(out, ingest.Span{First: seq, Last: seq})
			}
		}
	}
	return out, nil
}

// Firsts implements ingest.Verifier. Day by day, the index on arrivals leaves little to
// read; min(seq) of all days at once reads the number of every event.
func (s *Sink) Firsts(ctx context.Context) (map[string]uint64, error) {
	var days []string
	list := "SELECT groupUniqArray(partition_id) FROM system.parts WHERE database = currentDatabase() AND table = ? AND active"
	if err := s.conn.QueryRow(ctx, list, schema.Events.Name).Scan(&days); err != nil {
		return nil, fmt.Errorf("look which days there are: %w", err)
	}
	out := map[string]uint64{}
	for _, day := range days {
		var first uint64
		of := clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"day": day}))
		err := s.conn.QueryRow(of, "SELECT seq FROM "+schema.Events.Name+" WHERE _partition_id = {day:String} ORDER BY seq LIMIT 1").Scan(&first)
		if errors.Is(err, sql.ErrNoRows) {
			continue // dropped since, or all of it deleted
		}
		if err != nil {
			return nil, fmt.Errorf("look where days begin: %w", err)
		}
		out[day] = first
	}
	return out, nil
}
