// Package clickhouse keeps what is told of signals, and to whom.
package clickhouse
