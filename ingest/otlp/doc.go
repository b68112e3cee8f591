// Package otlp takes in logs as OpenTelemetry's SDKs and collectors send them: over
// HTTP (Door), as protobuf or JSON, and over gRPC (Register).
//
// Start at decode, which makes log objects of records: what their members mean is
// the intake's to say (ingest.Decoder). It does not know who may send.
//
// A record is one event as protobuf, as JSON and over gRPC
// (TestARecordBecomesTheEventThatItSays); one that can't be read costs no other
// (TestWhatCannotBeReadIsRefusedOrRejected, FuzzRequest).
package otlp
