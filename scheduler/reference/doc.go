// Package reference keeps reference tables: lists of addresses, domains, users
// and the like that rules compare events with (IN and NOT IN).
//
// A table is versioned: every change has a moment, and Has answers for any of
// them, so that live evaluation and a backtest see a table as it was when the
// event arrived. The columns that rules ask are held in memory; rows are kept by
// a Store, which is declared here. The package does not know ClickHouse.
//
// Start at Tables.Has and Tables.Import; the README says what values mean and cost. What
// it promises:
//
//   - An event sees a table as it was at its arrival, live as in a backtest:
//     TestAnEventSeesTheTableOfItsArrival.
//   - A change is seen in full or not at all, through faults and restarts, and by all that
//     arrives after it: TestTablesAreAtEveryMomentWhatWasPutIntoThem,
//     TestAChangeIsSeenByWhatArrivesAfterIt.
//   - Its indexes find what comparing with every row finds:
//     TestColumnsHaveWhatLookingAtEveryRowFinds.
package reference
