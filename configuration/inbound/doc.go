// Package inbound is about what the engine listens on: which addresses are beyond
// loopback, what is refused there, and certificates, which are read anew when their files
// change.
//
// Start at Check, and at Certificates.Server. It knows no protocol but TLS; its counterpart
// for what the engine asks of others is configuration/outbound.
//
// Certificates: TestOnlyCertifiedSendersSpeakTLSAndCertificatesAreReadAnew in
// ingest/syslog, TestTheAPIIsServedOverTLS in e2e; addresses:
// TestTheAPIIsNotServedToEverybodyByMistake in e2e.
package inbound
