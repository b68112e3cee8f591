// Package notify tells whom signals are for: it decides what is to be told to whom, keeps
// that until it was told, and tells it.
//
// Start at Notifier.Run, which decides, and at Sender.Run, which tells. What is to be told
// follows from the order in which signals are published, and its key from what it is: done
// twice, it is the same, which is all there is to crash safety.
//
// Every signal is told, in order, none twice under another key, through failing targets,
// storms and kills: TestWhoIsNamedIsTold in e2e, TestEachOfTenThousandSignalsIsToldOnce in
// notify/clickhouse. What a target never takes holds up no other signal:
// TestWhatIsNeverTakenHoldsUpNoOther.
package notify
