// Package lookups holds the rows of the reference tables that pipelines look up, so that
// an event asks memory and no database.
//
// Start at Tables. A change of a table counts for events that arrive within
// a second or two after.
package lookups
