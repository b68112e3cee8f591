// Package e2e has the end-to-end tests: they build the program as users do, start
// engines on folders and ports of their own, and drive them over HTTP, gRPC, syslog and
// the command line.
//
// What goes over the wire at every door and at the API is written down in
// testdata/exchanges, requests and answers (TestExchangesAreAnsweredAsWritten).
//
// It knows nothing of the program's inside: what a test reads of an answer, it declares
// itself. Start at startEngine in process_test.go; a test that needs no engine of its own
// asks the program offline (runBinary). Tests that measure time or memory are benchmarks,
// or run in `make chaos`.
package e2e
