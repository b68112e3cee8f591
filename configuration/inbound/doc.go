// Package inbound is about what the engine listens on: which addresses are beyond
// loopback, what is refused there, and certificates, which are read anew when their files
// change.
//
// Start at Check, and at Certificates.Server. It knows no protocol but TLS; its counterpart
// for what the engine asks of others is configuration/outbound.
package inbound
