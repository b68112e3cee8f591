// Package migrations brings a database to the tables that schema declares,
// from nothing or from any earlier state.
//
// ClickHouse has no transactions over DDL, so every statement can be repeated:
// a run that was killed after any statement is completed by the next. It adds
// what is missing and never drops or rewrites a column; a difference that it
// can't add its way out of is an error that names both sides.
//
// From every schema that was ever shipped, cut off after any statement, it reaches the
// present one (TestEveryEarlierStateReachesThePresentOne); a change of schema without its
// state fails (TestThePresentSchemaIsTheNewestState).
package migrations
