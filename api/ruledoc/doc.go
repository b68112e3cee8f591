// Package ruledoc is the document of a rule as clients write and read it. Start at
// Requested, which makes a rule of a request: translated (translate.go), with the
// defaults that the reference gives it (defaults.go), and with no word that the
// reference's clients don't know (allowed_values.go).
//
// It does not know whether a rule compiles (compiler does) or where rules are kept.
package ruledoc
