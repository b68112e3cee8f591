// Package policy reads policy files, merges them into one set of rules, and
// checks every expression and action in it. A rule that is wrong is left out and
// reported; the rest load.
//
// It does not evaluate events, and it reads no files: it is handed their text.
//
// Start at Load.
package policy
