// Package clickhouse is how nightjar reaches ClickHouse: a connection pool to a
// server of the user's (Open), or to a real ClickHouse of its own that needs no
// installation (StartEmbedded).
//
// The embedded server is libchdb.so, loaded by a second copy of this very
// binary: StartEmbedded runs it again with a hidden argument, and RunChild,
// first thing in main, is where that copy leaves for ClickHouse. The child is
// confined before the library is loaded (Landlock, and a network of its own
// where the kernel allows one), dies with its parent, and is started again when
// it crashes.
//
// The package knows servers, users, connections and how values travel to them.
// It does not know any table of ours.
//
// No user of it reads a file outside its folders
// (TestNoUserReadsTheMachinesFiles,
// TestServerWritesOnlyItsOwnFiles, TestAnalystReadsItsTablesAndNothingElse). Seven quick deaths end nothing
// (TestServerThatKeepsDyingIsStartedAgainEveryTime). share.go says how detection and
// people share it: a pool and a workload for each use; adhoc.go lists what ad hoc SQL may
// be made of.
package clickhouse
