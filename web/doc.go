// Package web serves the page: a web application that is built from this folder by
// `make build` and is part of the binary.
//
// Start at Page, which answers for every path of Paths; README.md says how the
// application is made.
//
// What it promises:
//
//   - It answers without a key, and says nothing that is stored: the page asks the public
//     API for what it shows, as the person who reads it.
//   - Whatever it loads comes from the engine, and its Content-Security-Policy allows
//     nothing else (TestThePageLoadsNothingFromElsewhere). Nothing inline runs.
//   - What has a hash in its name is kept by browsers for good; the document is asked for
//     each time.
//   - A binary that was built without it serves a plain page that says so.
//
// It knows no rule, signal or event, and no other package of ours.
package web
