// Package hec takes events from senders that speak to Splunk's HTTP Event Collector.
// Start at Door.ServeHTTP.
//
// What a request means is decided here, what an event means by ingest.Decoder.
package hec
