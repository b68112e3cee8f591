// Package journal takes in what systemd-journal-upload sends: systemd's journal in its
// export format, in one request of any length.
//
// Start at Door; reader finds the entries. It stores while it reads, and leaves the
// connection to the next upload (TestUploadsShareAConnection). What the fields of
// an entry mean is the intake's to say (ingest.Decoder), and who may send is decided
// before it.
//
// No entry is refused for what is in it (TestABrokenEntryIsSkippedAndNoOther), and what is
// sent again is taken once, through restarts (TestWhatIsSentAgainIsTakenOnce).
package journal
