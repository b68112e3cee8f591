// Package files reads event files as people have them: what is in a file is told
// by its content, and the same log gives the same records in every form.
//
// Each is the way in. It undoes compression (gzip, zstd, bzip2, xz), walks into
// tar and zip, reads UTF-8 with and without a byte order mark and UTF-16 with one,
// and gives the records of lines, JSON (objects one a line or one behind the other,
// arrays, the usual wrappers such as {"Records":[…]}), CSV, VPC flow logs whose first line
// names their fields (ingest/flowlog) and event logs of Windows
// (ingest/evtx), each with its path and line.
//
// It knows no event: what a record means is the intake's to say (ingest.Decoder).
// Memory is bounded by one record, whatever the size of the file.
//
// One log in every form gives the same records (TestEveryFormOfALogGivesTheSameRecords);
// what is no text is refused.
package files
