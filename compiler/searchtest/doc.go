// Package searchtest has what tests of searches stand on: events and queries that are
// generated to meet often and oddly, and a World of events that a real server and
// memory are both asked about.
package searchtest
