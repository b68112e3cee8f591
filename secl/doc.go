// Package secl is the agent's rule language: it parses a condition, checks it
// against a model of events, and compiles it to closures that read the event
// where it lies. Parse, Check and Compile are the way in.
//
// The model of events is data: package event declares the one of Linux. secl
// does no I/O, and the present is handed to it. Where a rule is asked of stored
// events, package secl/sql lowers the tree that Check makes.
//
// What a condition means, and how its mistakes are told, is in testdata, a file for each
// part of the language (TestSECLCasesHold); that the compiler reads a tree as its words
// have it, TestTheCompilerAgreesWithTheWordsOfTheLanguage holds.
//
// What it promises:
//
//   - What is compiled is what the words of the language say:
//     TestTheCompilerAgreesWithTheWordsOfTheLanguage, FuzzEvaluate.
//   - A mistake has a position, and all are reported: TestEveryMistakeIsToldWithItsPlace,
//     FuzzParse.
//   - Discarders and approvers hide no match: TestADiscarderNeverHidesAMatch,
//     TestAnApproverHidesNoMatch.
//   - The agent and the database read a rule alike:
//     TestTheAgentAndTheDatabaseReadARuleAlike in secl/sql.
package secl
