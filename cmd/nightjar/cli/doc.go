// Package cli has the commands of nightjar, a file or more for each: what a command takes,
// asks of an engine, and prints. `nightjar up` starts package engine in this process;
// the other commands speak to a running one, or work on files alone.
//
// Each command keeps the customs that commands_test.go states: one meaning for a flag
// wherever it is, data on standard output in the format of --output, everything else on
// standard error, exit 2 for a wrong command line. Start at newRoot in cli.go, and at
// result in output.go for what commands print. It decides nothing about events, rules or
// signals: that is the engine's, or the packages' that the engine is made of.
package cli
