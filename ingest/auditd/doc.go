// Package auditd reads the records of Linux' audit system, as auditd writes them to
// its log and as they come through syslog.
//
// Parse reads one record; values that are written in hexadecimal, because a user may
// have chosen them, are decoded. Records with one number and node are of one event:
// Joiner brings their lines together, however those of several events are mixed.
// The layout is that of audit's own documentation and of its records.
//
// It knows no event of ours: what attributes records become is the intake's to say.
//
// Records of one event come out together, however they are mixed:
// TestRecordsOfEventsThatAreMixedAreJoined.
package auditd
