// Package search is the language in which events, signals and rules are searched: its
// text becomes a tree, and the tree an answer for one event in memory or SQL over the
// tables of schema.
//
// Start at Parse, which gives a Query. Query.Match and Query.SQL are its two readers;
// Query.String writes its canonical text. A Filter is several searches together, and a
// Set asks one event of thousands of filters at once.
//
// What it promises, and the tests that hold it:
//
//   - The language means what testdata/cases says, case by case, in both readers:
//     TestSearchCasesHoldInBothReaders.
//   - Both readers give the same answer for every event: TestReadersAgree,
//     FuzzReadersAgree; for values and numbers TestValuesInSQLAreThoseInMemory.
//   - What a user typed reaches the server as a parameter and never as SQL text:
//     TestSQLDoesNotDependOnUserText, FuzzParse; a parameter arrives as it was sent:
//     TestParamsArriveAsTheyWere.
//   - Parsing ends soon and within bounds (MaxLength, MaxTerms, MaxDepth), whatever the
//     text: TestHostileQueriesAreLittleWork. An error is a *schema.SyntaxError with the place
//     and what to write instead: FuzzParse.
//   - The canonical text has the same tree: TestGeneratedQueriesKeepTheirMeaning.
//   - A Set finds what each filter finds by itself:
//     TestAMatchSetFindsWhatEveryLabelFindsOneByOne,
//     TestTermsTogetherFindWhatEachFindsAlone, FuzzTerms.
//
// The files are the stages: lex, parse (parse_function for CIDR, ANY and their like),
// tree, format, then match for memory and emit for SQL, each with a file for every kind
// of term; text, pattern and number say what values are and how they compare.
//
// The package does no I/O, reads no clock and knows no rules.
package search
