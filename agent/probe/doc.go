// Package probe puts the programs into the kernel: it tries which of them load,
// attaches those that events are wanted of, tells the kernel which events no rule
// can match, and counts what became of all of them.
//
// It does not know what a record means, and keeps no state about the host.
package probe
