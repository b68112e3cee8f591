// Package ruletest runs the tests that people write beside their rules: a YAML
// file has a rule, timelines of events, reference tables and suppressions, and
// the signals they must give. content/README.md describes the format.
//
// Start at Find and Run. Events are read as the intake reads them, and evaluated
// by the compiled plan and the replay that backtests share with live evaluation.
// Nothing here asks a server or the time of day.
//
// A rule test gives the signals of the independent evaluator
// (TestConformanceCasesAreRuleTests); the bundled rules pass theirs
// (TestBundledRulesPassTheirTests in content).
package ruletest
