// Package heads reads the head that syslog daemons write before a line: time, host,
// program and its id, in the forms that are in use. It does not know what follows it,
// but for a caller that says how texts of its program begin.
//
// Start at Read. A client's text is never taken for a head:
// TestWhatAClientSaysIsNeverItsAddress.
package heads
