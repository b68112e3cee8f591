// Package demo makes a day of activity with three attacks in it: addresses that guess
// passwords of SSH until one fits, one that tries a few passwords on many people, and a web
// server that starts a shell, which fetches a miner. With the bundled sample log it is what
// an install that has no logs yet shows. Start at Day.
//
// It promises that the same moment gives the same day, that every event has the tag env:demo
// (TestTheDayIsTheSameEachTimeAndSaysThatItIsADemo), and that the rules it names make signals
// of its attacks (TestTheDemoShowsItsAttacksAndGoes in e2e). It knows no engine.
package demo
