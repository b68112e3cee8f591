// Package value makes and reads the JSON values of records.
//
// It knows fastjson, and how ours are written (schema). Every package that builds values for a
// record makes its strings here: fastjson's arena escapes as Go's strconv does,
// which JSON readers, its own among them, do not understand for control characters.
//
// A string comes back as it went in, for all 256 bytes: TestStringsComeBack, FuzzString.
package value
