// Package objectstest has a table of objects in memory, for tests: it can fail,
// and it can stand still.
package objectstest
