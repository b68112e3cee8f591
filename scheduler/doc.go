// Package scheduler decides which rule is evaluated over which arrivals, and
// turns what matched into signals.
//
// It owns the windows and the life of signals, in one implementation that live
// evaluation, backtest and rule test share: matches of one group go in, the
// signals of in-order processing come out, whatever order and size the pieces
// arrived in. It does not know ClickHouse (scheduler/clickhouse does), and it
// reads the clock only to pace itself.
package scheduler
