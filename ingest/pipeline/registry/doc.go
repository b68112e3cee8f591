// Package registry keeps the pipelines of an engine: those that are built in, those that
// users made, and their order; every version of each. Start at Registry.
//
// Of every change it makes a new pipeline.Set and puts it into force at once, for all
// doors. What does not compile is refused whole, and what is in force stays. It does not
// know where versions are stored: that is configuration's.
//
// What does not compile is refused whole, and a change survives a restart:
// TestWhatDoesNotCompileIsRefusedWhole, TestAChangeIsInForceAtOnceAndAfterARestart;
// TestPipelinesChangeWhatComesByEveryDoorAtRunTime in e2e. The reference's clients lose
// nothing that they are not shown
// (TestTheReferencesClientsAreShownWhatTheyKnowAndLoseNothing). Files are read offline as
// the engine reads them (TestFilesAreReadAsTheEngineReadsThem).
package registry
