// Package limits bounds what callers may ask for at once. Start at Gate, through which
// queries of the database go (so many at once, fewer of one key; the others wait for a
// moment, and are refused with *api.BusyError), and at Hold, the memory that a request
// takes while it is read.
//
// It does not know what is asked: services put their stores behind a gate
// (services/events.Limit and the like).
package limits
