// Package signals serves signals: searches, triage by id and by query, the
// investigation of one, and the indicators that signals named. Start at SignalService.
//
// Store is what it reads; api/clickhouse implements it.
package signals
