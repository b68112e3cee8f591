// Package decode makes of the records of the kernel the events that rules ask
// about (secl/event). What each type of events has is in one function, found by
// its name in the table of decode.go.
package decode
