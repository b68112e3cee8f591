// Package audit writes down what callers changed, asked in SQL, were refused, and how
// people signed in, so that it can't be changed afterwards without being noticed.
//
// Start at Log.Write and Log.Run. An entry goes to a log on disk first, where it is safe
// from a kill, and from there, in order, to table audit: row by row, each with the hash
// of the one before. Entries of the kinds that the operator chose also become events of
// source:nightjar-audit, each once, so that searches find them and rules watch them.
//
// What it promises:
//
//   - A change whose entry can't be kept is not made: Write is called before it, and an
//     error refuses it. How the change went is a second entry, which nothing waits for;
//     the same is true of refusals, of which there may be many. What of those can't be
//     kept is counted (nightjar_audit_lost_total, and in nightjar status).
//   - Verify finds a row that was changed, taken out, put in between or moved, and a table
//     that was cut off or whose every hash was made anew: the newest hash is also in a file
//     of the data folder (head). Against somebody who can write both there is no promise,
//     and none in the moment before an entry goes from the log on disk to the table.
//   - List shows whatever was written or noted before it was asked, while the table takes
//     entries (TestAListHasWhatWasNotedBeforeIt).
//   - Many refusals alike are written one by one up to a bound, and after that as one
//     entry a minute that says how many there were.
//
// It never contains a secret: what a call said is in it by names and ids only, and an SQL
// statement as it was written. It knows no transport and no database (access/clickhouse
// has the table).
package audit
