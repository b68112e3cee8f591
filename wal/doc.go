// Package wal is an append log on local disk: what Append has returned for is
// there after a crash, in order, once. The intake keeps in it what it has acknowledged,
// an agent what waits for its server, and the audit log its entries.
//
// It numbers entries (a record carries one or several) and groups concurrent
// appends under one fsync. It does not know what the records mean, and it never
// stops a start-up: what a damaged disk took is skipped, set aside and counted.
package wal
