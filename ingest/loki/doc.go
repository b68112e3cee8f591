// Package loki takes in logs as senders push them to Loki: Promtail, Alloy, Vector,
// Fluent Bit.
//
// Start at Door. What makes two entries one is here; what their lines and labels mean
// is the intake's to say (ingest.Decoder). It does not know who may send.
//
// Equal entries of a stream are one (TestEqualEntriesAreOne).
package loki
