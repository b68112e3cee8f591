// Package reach finds the rules that ask for what no stored event has: they are valid,
// evaluated, and can't fire.
//
// Start at Finder.Look; what a plan asks for is compiler/reach.go. Nothing is said that is
// not known (TestNothingIsSaidThatIsNotKnown, TestARuleThatCanNeverFireIsTold in
// compiler).
package reach
