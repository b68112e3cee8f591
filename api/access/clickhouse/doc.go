// Package clickhouse keeps the table of the audit log, and deletes events that must not be
// kept. Start at Audit and at Events.
package clickhouse
