// Package syslog takes in what senders of syslog send: RFC 5424 and RFC 3164, and
// what is common beside them, over UDP, TCP and TLS.
//
// Start at Receiver.Run. A message is read from its socket (frame.go), taken apart
// (message.go) and handed to the intake in batches (queue.go). While the intake
// refuses, TCP and TLS are not read, so that their senders wait; UDP has nobody to
// wait. What is lost, refused or damaged is counted by cause, and what was read is
// submitted before Run returns.
//
// A message is taken in, kept or counted:
// TestWhileTheIntakeRefusesStreamsWaitAndDatagramsAreCounted,
// TestWhatAStopCannotSubmitComesAtTheNextStart. A line means over syslog what it means in
// a file: TestALineOfSSHDMeansTheSameOverSyslog.
package syslog
