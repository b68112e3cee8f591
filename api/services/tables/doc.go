// Package tables serves reference tables and the uploads that fill them. Start at
// TableService; Uploads keeps the parts of a file until a table reads it.
// A file is checked as a table reads it, by line, and who asks a table is told
// (TestWhatThePageOfSourcesAsks).
package tables
