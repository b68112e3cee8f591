// Package testcase runs tests of policies: events in their order, the rules that
// are to match each of them, and the variables after it. Its format is described
// in the README of package secl.
package testcase
