// Package api is the one way in for users: a gRPC server and, by grpc-gateway,
// the same services over REST in the wire form of Datadog's security-monitoring
// API. Start at New.
//
// It owns the key check, the wire form (codec.go), the defaults that a rule gets
// (complete.go), and what an error says to a caller (errors.go). It declares the
// interfaces it needs from the rest; it does not know ClickHouse (api/clickhouse
// does) and does not evaluate rules.
package api
