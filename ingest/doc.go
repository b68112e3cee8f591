// Package ingest takes events in and keeps the promise of the intake: what was
// acknowledged is in ClickHouse in the end, once, in the order of its arrival
// sequence.
//
// Submit makes events durable in a local log (wal) and numbers them; Run
// carries the log into the Sink in blocks that never change, each under one
// deduplication token. Handler is the HTTP door, Decoder what it reads a body
// with; pipelines (ingest/pipeline) turn raw lines into attributes.
//
// It does not know ClickHouse (ingest/clickhouse does), rules or keys of access,
// and it reads the time of day only through Deps.Now.
//
// Start at Intake.Submit and Intake.Run. The README has the rules for strange input and
// for what is full or broken, and the figures. What it promises, and the tests that hold
// it:
//
//   - What was acknowledged is stored once, through kills of the engine and of the server,
//     ten minutes without the server, and a full disk: TestChaos… in e2e (short in make
//     test, long in make chaos), and the tests of ingest and wal.
//   - Requests take no more memory than their quota: TestOverload…, TestBombs… in e2e.
//   - No block stops the others; one that is too much is set aside (set_aside.go). What is lost
//     is said, once (losses.go): TestWhatTheLogLostIsSaid.
//   - A file is sent once however it is rotated, by whom it is shipped, and who is killed:
//     TestChaosFollow, TestAFileThatGrewIsContinued in e2e.
//   - Strange input means one thing to a rule, a search and a reader:
//     TestStrangeInputMeansOneThing.
//
// What comes by another protocol (the packages below it) is made into the JSON that the
// Decoder reads, so that an event means the same by every door.
package ingest
