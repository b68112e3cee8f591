// Package rules serves rules and what is kept around them: suppressions, security
// filters, critical assets, the explanation of a rule, and their export. Start at
// RuleService.
//
// It does not know how a document becomes a rule (ruledoc) or how a rule is evaluated.
package rules
