// Package compiler reads what was asked (log searches, rules and their
// conditions) and lowers it to SQL over the tables of schema, or answers it for
// one event in memory.
//
// The two readers of a query never disagree. Text that a user typed reaches SQL
// only as a parameter. The package does no I/O and does not know the server.
package compiler
