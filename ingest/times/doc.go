// Package times reads times as people and programs write them: since the epoch in any
// unit, ISO 8601, and with the names of months; and where a time leaves its year or its
// zone open, what is known about them from outside. It does not read the clock.
//
// Start at Reader.Text.
package times
