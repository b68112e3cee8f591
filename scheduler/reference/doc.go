// Package reference keeps reference tables: lists of addresses, domains, users
// and the like that rules compare events with (IN and NOT IN).
//
// A table is versioned: every change has a moment, and Has answers for any of
// them, so that live evaluation and a backtest see a table as it was when the
// event arrived. The columns that rules ask are held in memory; rows are kept by
// a Store, which is declared here. The package does not know ClickHouse.
package reference
