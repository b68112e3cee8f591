// Package record is an event while pipelines change it: the fields of its own, and a
// tree of attributes that is the one the intake parsed.
//
// Start at Record and Path.
//
// The tree is the one that was parsed; of a key that comes twice, the last counts:
// TestWhatStandsAtAPath, TestSettingAndDeleting.
package record
