// Package secl will hold the agent's rule language: its parser, types and
// checker, the evaluator that runs over live kernel events, and policy files.
//
// It does no I/O. Where a SECL rule is asked of stored events, package compiler
// lowers the tree that this package makes.
package secl
