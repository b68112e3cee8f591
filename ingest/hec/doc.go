// Package hec takes events from senders that speak to Splunk's HTTP Event Collector.
// Start at Door.ServeHTTP.
//
// What a request means is decided here, what an event means by ingest.Decoder.
//
// What an envelope says counts before its event (TestEventsAreReadAsTheirSendersMeanThem).
// Senders that are refused, and whose answers get lost, have their events stored once
// (TestSendersThatCannotBeHadAreReplayed in e2e; real ones in make test-senders).
package hec
