// Package clickhouse stores events in the table `events`: one block of events
// is one insert, one part and one deduplication token.
//
// It knows the table from schema.Events and the driver. It does not know where
// events come from, and it does not retry: it says whether trying again makes
// sense.
package clickhouse
