// Package clickhouse keeps the scheduler's state in ClickHouse: it implements
// the interfaces that package scheduler declares, over the tables that schema
// declares. It knows SQL and nothing about rules.
package clickhouse
