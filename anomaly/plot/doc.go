// Package plot draws a series with the band that was expected of it: as a PNG,
// and with the characters of a terminal.
//
// It knows points and bands, and writes to what it is given.
package plot
