// Package testenv is what tests stand on: a real ClickHouse with a fresh
// database for each test, and the files of the shared folder.
//
// It is imported by tests only. A test binary that imports it can become the
// embedded server, which is why the package has an init.
package testenv
