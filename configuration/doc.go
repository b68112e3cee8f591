// Package configuration has the nouns that users configure beside rules and
// suppressions: security filters, notification rules, critical assets, agent
// rules and policies. Start at Stores.
//
// It says what is wrong with one, and package objects keeps every version of
// each. It does not act on any of them: whoever does reads them here.
package configuration
