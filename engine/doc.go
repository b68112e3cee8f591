// Package engine makes one running engine of the packages: it reads the configuration,
// takes the data folder, starts ClickHouse or connects to one, and starts and stops
// intake, doors, scheduler, API, notifications and the rest in the order in which they
// need each other.
//
// It is the only package that knows fx, and it knows no command: package cli calls Up.
// Start at Up in up.go and at graph in wire.go, which is the whole engine on one page; a
// constructor in each of the other files makes one part of what it needs. It decides
// nothing about events, rules or signals.
//
// What it promises: nothing is read or written in a data folder that another engine has
// (TestASecondEngineOnTheSameFolderIsRefused in e2e) or a newer program wrote
// (TestAFolderIsOfTheNewestProgramThatWroteIt); a key that can be guessed or read is
// refused (TestAKeyThatCanBeGuessedOrReadIsRefusedWithTheMend); a flag counts before the
// environment, and that before the file (TestFlagBeatsEnvironmentBeatsFile); targets of the
// file are held as those of the API are (TestTargetsOfTheFileAreThoseThatTheAPIWouldHave); a
// stop ends each part before what it needs.
package engine
