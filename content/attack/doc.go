// Package attack knows the ids and names of the tactics and techniques of MITRE ATT&CK for
// Enterprise, and which technique serves which tactics, without asking anybody. Start at
// Known.
//
// It promises that the table can be read whole, and that each tag of a bundled rule names
// something in it (TestTagsOfBundledRulesAreOfTheTable). It has no descriptions, and does not
// know rules.
package attack
