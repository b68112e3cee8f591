// Package clickhouse is how the API reads ClickHouse: searches over the signals,
// and the ad hoc queries of analysts.
//
// It knows tables and the driver. It does not know HTTP or gRPC, and what it
// says of an error is meant for package api (errors.go), which decides who is told.
package clickhouse
