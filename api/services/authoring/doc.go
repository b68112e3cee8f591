// Package authoring serves those who write rules and look after them: what is wrong with a
// rule as it is typed, its tests, how all rules do, and the rules that ship. Start at
// RuleAuthoringService. GetAttackCoverage says what of ATT&CK the rules are about: proved is
// a live rule only while tests of the version in force pass, one of which wants a signal
// (TestAttackCoverageTellsProvedFromTagged in api/server).
//
// A check says what storing would say, and no more (TestACheckSaysWhatStoringSays in
// api/server); tests of a text read no file of the disk
// (TestATextOfTestsReadsNothingOfTheDisk in scheduler/ruletest).
//
// It does not know how rules are evaluated, nor what a valid one is (rulecheck).
package authoring
