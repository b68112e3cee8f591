// Package clickhouse is how the API reads ClickHouse: searches over the signals,
// and the ad hoc queries of analysts.
//
// It knows tables and the driver. It does not know HTTP or gRPC, and what it
// says of an error is meant for package api (errors.go), which decides who is told.
//
// Pages hold still under inserts (TestPagesAreStableUnderInserts). Events and aggregations
// are those that memory finds (TestLogsAreThoseOfMemoryInTheOrderOfTime,
// TestAggregationsAreThoseOfMemory). Ad hoc SQL has no way out, and every query ends with
// its caller (TestAdHocSQLHasNoWayOut, TestQueriesEndWhenTheirCallerHangsUp in e2e).
// Signals are found and counted by their states (states.go), which give what signals
// themselves do (TestStatesAnswerAsSignalsDo).
// logs.go walks through time from the end where a page begins, because the events table is
// ordered by source first; over time without events it goes by the index on time
// (TestLogsOnBothSidesOfGapsAreThoseOfMemory).
package clickhouse
