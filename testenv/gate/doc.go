// Command gate is `go test` with a last word on what was not tested. It runs it with
// the arguments it is given, prints what that prints, and then every test that was
// skipped, by reason. It fails, beyond where go test does:
//
//   - when a test that a page or a package's documentation names (any word that begins
//     with Test or Fuzz in a *.md or a doc.go) was skipped, itself or all of its
//     subtests: what is promised there has to be shown by every clone. A subtest of the
//     name shared, over data that lies beside the project, is beside the point;
//   - when there is no such test. A name that ends in … stands for all that begin so,
//     and is there for pages that speak of many: one of them has to have run.
//
// A test that needs root, or a kernel that can what this one can't, begins its reason
// with [Excuse]. Such are printed last, and fail only where REQUIRE_ALL is set, as in
// .ci/run. A test that only another target of make runs is named by that target.
//
// Where RUN_FAILED_AGAIN is set, as in .ci/run, one or two tests that failed are run once
// more, each by itself, and decide; the last lines name them. A CI machine that stalls for
// a while then does not refuse what is right, and a test that fails now and then is known.
//
// Start at run.
package main
