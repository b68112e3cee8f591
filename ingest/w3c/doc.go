// Package w3c reads logs in W3C's extended format, as IIS and others write them: lines
// that begin with # are directives, and one of these, #Fields, names the fields of the
// lines that follow it, in their order (W3C, Extended Log File Format, WD-logfile-960323).
package w3c
