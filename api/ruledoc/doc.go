// Package ruledoc is the document of a rule as clients write and read it. Start at
// Requested, which makes a rule of a request: translated (translate.go), with the
// defaults that the reference gives it (defaults.go). What the reference's clients would
// read no rule with is left out of answers to them (conceal.go).
//
// It does not know whether a rule is valid (compiler/rulecheck) or where rules are kept.
package ruledoc
