// Package configuration keeps what users configure beside rules and
// suppressions: security filters, notification rules, critical assets, agent
// rules and policies. Start at Store.
//
// It owns these nouns, says what is wrong with one, and keeps every version of
// each in the scheduler's table of objects. It does not act on any of them:
// whoever does reads them here.
package configuration
