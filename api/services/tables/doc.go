// Package tables serves reference tables and the uploads that fill them. Start at
// TableService; Uploads keeps the parts of a file until a table reads it.
package tables
