// Package ingest takes events in and keeps the promise of the intake: what was
// acknowledged is in ClickHouse in the end, once, in the order of its arrival
// sequence.
//
// Submit makes events durable in a local log (ingest/wal) and numbers them; Run
// carries the log into the Sink in blocks that never change, each under one
// deduplication token. Handler is the HTTP door, Decoder what it reads a body
// with, Parsers turn raw lines into attributes.
//
// It does not know ClickHouse (ingest/clickhouse does), rules or keys of access,
// and it reads the time of day only through Deps.Now.
package ingest
