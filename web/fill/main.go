// Command fill makes signals and events in a data folder whose engine is not running, on
// the server, by INSERT … SELECT: a million signals in seconds. What measures the page
// (web/test/million.test.mjs, make bench-web) looks at them. They end at the present and
// begin so many days before; three in a hundred signals have an earlier version.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	apistore "nightjar/api/clickhouse"
	"nightjar/clickhouse"
	"nightjar/migrations"
	"nightjar/schema"
)

func main() {
	clickhouse.RunChild() // returns, unless this process is to be the server
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir := flag.String("data-dir", "", "folder to fill")
	var of amounts
	flag.IntVar(&of.signals, "signals", 0, "signals to make")
	flag.IntVar(&of.events, "events", 0, "events to make")
	flag.IntVar(&of.days, "days", 30, "days to spread them over")
	flag.Parse()
	if err := run(ctx, *dir, of); err != nil {
		fmt.Fprintln(os.Stderr, "fill:", err)
		os.Exit(1)
	}
}

// database is what the engine calls its own.
const database = "nightjar"

type amounts struct{ signals, events, days int }

func run(ctx context.Context, dir string, of amounts) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	unlock, err := clickhouse.LockDataDir(dir)
	if err != nil {
		return err
	}
	defer unlock()
	server, err := clickhouse.StartEmbedded(ctx, clickhouse.EmbeddedConfig{DataDir: dir})
	if err != nil {
		return err
	}
	defer func() { _ = server.Close(context.WithoutCancel(ctx)) }()
	options := server.Options(clickhouse.Admin)
	options.Auth.Database = database
	options.ReadTimeout = time.Hour
	if err := migrations.CreateDatabase(ctx, options); err != nil {
		return err
	}
	conn, err := clickhouse.Open(ctx, options)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := migrations.Apply(ctx, conn, schema.Tables); err != nil {
		return err
	}
	if err := apistore.NewStates(conn).Prepare(ctx); err != nil {
		return err
	}
	began := time.Now()
	if err := inParts(ctx, conn, of.signals, 250_000, of.signal); err != nil {
		return fmt.Errorf("signals: %w", err)
	}
	if of.signals > 0 {
		if err := conn.Exec(ctx, "OPTIMIZE TABLE "+schema.SignalStates.Name+" FINAL"); err != nil {
			return err
		}
	}
	signals := time.Since(began)
	if err := fillEvents(ctx, conn, of); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	fmt.Printf("%d signals in %s, %d events in %s\n", of.signals, signals.Round(time.Millisecond), of.events, (time.Since(began) - signals).Round(time.Millisecond))
	return nil
}

// inParts runs a statement for each part of so many rows, in their order.
func inParts(ctx context.Context, conn driver.Conn, rows, part int, sql func(from, n int) string) error {
	for at := 0; at < rows; at += part {
		if err := conn.Exec(ctx, sql(at, min(part, rows-at))+" SETTINGS max_threads = 1, max_insert_threads = 1, max_insert_block_size = 1048576"); err != nil {
			return err
		}
	}
	return nil
}

// moment is the time of a row, as SQL over its number.
func (of amounts) moment(rows int) string {
	span := int64(of.days) * 86_400_000
	return fmt.Sprintf("fromUnixTimestamp64Milli(toInt64(%d + intDiv(number * %d, %d)), 'UTC')", time.Now().UnixMilli()-span, span, rows)
}

// signal makes signals of 300 rules about 5,000 people, 65,000 addresses and 100 hosts; a
// tenth of them is archived.
func (of amounts) signal(from, n int) string {
	return fmt.Sprintf(`INSERT INTO signals (id, version, key, rule_key, rule_id, rule_version, "group", timestamp, first_seen, last_seen, events, opened, place, state, source, service, host, status, message, tags, attributes, raw)
		WITH cityHash64(number) AS h, %s AS at, arrayJoin(if(number %% 33 = 0, [1, 2], [2])) AS v,
			if(h %% 10 = 0, 'archived', if(h %% 10 = 1, 'under_review', 'open')) AS st, ['info', 'low', 'medium', 'high', 'critical'][h %% 5 + 1] AS sev,
			concat('10.', toString(h %% 256), '.', toString(intDiv(h, 256) %% 256), '.1') AS ip, toString(h %% 300) AS r, toUnixTimestamp64Milli(at) AS ms,
			concat('{"title":"Brute force of kind ', r, '","status":"', sev, '","usr":{"id":"u', toString(h %% 5000), '"},"network":{"client":{"ip":"', ip,
				'"}},"nightjar":{"case":0,"case_name":"many","group_by":["@usr.id","@network.client.ip"],"group":["u', toString(h %% 5000), '","', ip, '"],"rule_id":"r', r,
				'","first_seen":', toString(ms), ',"last_seen":', toString(ms + h %% 3600000), ',"window":300000,"events":', toString(h %% 1000), ',"state":"', st, '","reason":"', if(st = 'archived', 'false_positive', ''), '","severity":"', sev,
				'"},"workflow":{"triage":{"state":"', st, '","version":', toString(v), '},"rule":{"id":"r', r, '","name":"Brute force of kind ', r, '","version":1,"detectionMethod":"threshold"}}}') AS json
		SELECT hex(sipHash128(number)), v, h, concat('r', r), concat('r', r), 1, [concat('u', toString(h %% 5000)), ip], at, at, fromUnixTimestamp64Milli(toInt64(ms + h %% 3600000), 'UTC'), h %% 1000, number + 1, number * 2 + v, st,
			'nightjar', concat('service', toString(h %% 20)), concat('host', toString(h %% 100)), sev, concat(toString(h %% 1000), ' failures from ', ip, ' within five minutes'),
			['env:prod', concat('team:', toString(h %% 5)), 'tactic:TA0006-credential-access', concat('technique:T11', toString(h %% 20), '-kind'), concat('source:source', toString(h %% 8))], json,
			concat(substring(json, 1, length(json) - 1), ',"samples":[]}')
		FROM numbers(%d, %d)`, of.moment(of.signals), from, n)
}
