package clickhouse

import (
	"context"
	"fmt"
	"math"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api/services/facets"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// Sources implements facets.Store. What is counted reads attributes, so only the counted
// stretch is; of older events who sent them is enough.
func (f *Facets) Sources(ctx context.Context, q facets.SourcesQuestion) (facets.Sources, error) {
	everything, err := search.Parse("*")
	if err != nil {
		return facets.Sources{}, err
	}
	all := facets.Selection{Of: facets.Events, Query: everything}
	var out facets.Sources
	counted, err := f.run(ctx, all, func(c *counting) (string, error) { return c.sourcesSQL(q) }, func(rows driver.Rows) error {
		out = facets.Sources{} // of a statement that is run again
		return scanSources(rows, &out)
	})
	if err != nil {
		return facets.Sources{}, fmt.Errorf("count by source: %w", searchError(ctx, err))
	}
	sends := map[string]bool{}
	var most []string
	for _, c := range out.All {
		sends[c.Source] = true
		most = append(most, c.Source)
	}
	var older []facets.SourceCounts
	known, err := f.run(ctx, all, func(c *counting) (string, error) {
		return c.olderSourcesSQL(q, most[:min(len(most), maxSourcesLeftOut)]), nil
	}, func(rows driver.Rows) (err error) {
		older, err = scanOlderSources(rows)
		return err
	})
	if err != nil {
		return facets.Sources{}, fmt.Errorf("find sources that are silent: %w", searchError(ctx, err))
	}
	out.Partial = counted || known || len(out.All) == maxSourcesRead || len(older) == maxSourcesRead
	for _, o := range older {
		if !sends[o.Source] {
			o.Counts = make([]uint64, q.Stretches)
			out.All = append(out.All, o)
		}
	}
	out.Distinct = uint64(len(out.All))
	out.All = out.All[:min(len(out.All), q.Limit)]
	return out, nil
}

// maxSourcesRead bounds the sources that are told apart; an answer with as many is partial.
// Somebody who writes what users say into the source of events makes many.
const maxSourcesRead = 100_000

// maxSourcesLeftOut are as many as a statement names.
const maxSourcesLeftOut = 500

func (c *counting) sourcesSQL(q facets.SourcesQuestion) (string, error) {
	unread, err := q.Unread.SQL(c.p)
	if err != nil {
		return "", queryError(err)
	}
	failed, err := q.Failed.SQL(c.p)
	if err != nil {
		return "", queryError(err)
	}
	start := moment(c.p, q.Start)
	return fmt.Sprintf(`SELECT source, count() AS n, countIf(seen >= %[1]s), countIf(%[2]s), countIf(%[3]s),
			countResample(0, %[4]d, 1)(intDiv(toUnixTimestamp64Milli(seen) - toUnixTimestamp64Milli(%[5]s), %[6]d)),
			quantilesDeterministic(0.5, 0.95)(toUnixTimestamp64Milli(seen) - toUnixTimestamp64Milli(timestamp), seq),
			toUnixTimestamp64Milli(max(seen)), argMax(toUnixTimestamp64Milli(timestamp), seq), max(events.seq)
		FROM %[7]s WHERE seen >= %[5]s AND %[8]s GROUP BY source ORDER BY n DESC, source LIMIT %[9]d`,
		moment(c.p, q.Hour), unread, failed, q.Stretches, start, q.Width, c.table, c.where, maxSourcesRead), nil
}

// olderSourcesSQL leaves out those that send the most: the table is ordered by source, so
// what they sent before is not read.
func (c *counting) olderSourcesSQL(q facets.SourcesQuestion, most []string) string {
	return fmt.Sprintf(`SELECT source, toUnixTimestamp64Milli(max(seen)), argMax(toUnixTimestamp64Milli(timestamp), seq), max(events.seq)
		FROM %s WHERE seen >= %s AND seen < %s AND source NOT IN (%s) AND %s GROUP BY source ORDER BY max(seen) DESC, source LIMIT %d`,
		c.table, moment(c.p, q.Known), moment(c.p, q.Start), c.p.Strings(most), c.where, maxSourcesRead)
}

func scanSources(rows driver.Rows, out *facets.Sources) error {
	for rows.Next() {
		var c facets.SourceCounts
		var lags []float64
		var arrived, happened int64
		if err := rows.Scan(&c.Source, &c.Events, &c.Hour, &c.Unread, &c.Failed, &c.Counts, &lags, &arrived, &happened, &c.Seq); err != nil {
			return fmt.Errorf("scan source: %w", err)
		}
		c.Arrived, c.Happened = schema.Millis(arrived), schema.Millis(happened)
		if len(lags) == 2 && !math.IsNaN(lags[0]) && !math.IsNaN(lags[1]) {
			c.Lags = &[2]float64{lags[0], lags[1]}
		}
		out.Total += c.Events
		out.All = append(out.All, c)
	}
	return rows.Err()
}

func scanOlderSources(rows driver.Rows) (out []facets.SourceCounts, err error) {
	for rows.Next() {
		var c facets.SourceCounts
		var arrived, happened int64
		if err := rows.Scan(&c.Source, &arrived, &happened, &c.Seq); err != nil {
			return nil, fmt.Errorf("scan source: %w", err)
		}
		c.Arrived, c.Happened = schema.Millis(arrived), schema.Millis(happened)
		out = append(out, c)
	}
	return out, rows.Err()
}
