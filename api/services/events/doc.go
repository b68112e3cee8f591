// Package events serves stored events: search, aggregation, explanation of a search, ad
// hoc SQL; and takes logs in over gRPC. Start at SearchService.
//
// Store and SQL are what it reads; api/clickhouse implements them.
package events
