// Package schema holds the nouns that every other package speaks in (Event,
// Rule, Signal, Field, Table) and declares every stored field once.
//
// It decides what an event's attributes mean: which path a value is found
// under, what its text is, what happens to duplicate keys and odd numbers. It
// imports nothing of ours, does no I/O and does not know the search language.
//
// That a table is declared once and read by
// migrations, encoders and the compiler alike is held by
// TestThePresentSchemaIsTheNewestState in migrations.
package schema
