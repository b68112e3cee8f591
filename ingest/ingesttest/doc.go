// Package ingesttest runs an intake without a database, for the tests of the
// protocols in front of it.
package ingesttest
