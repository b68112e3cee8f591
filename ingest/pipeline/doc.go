// Package pipeline changes events between their reading and their storing, as documents
// say it: pipelines of the vendor's API, in JSON or YAML.
//
// Start at Parse, NewSet and Set.Run. A Set is all pipelines in their order; it is
// immutable and safe for concurrent use. What a processor cannot do leaves the record as
// it was and is told; nothing that a document says holds an event back.
//
// It knows records and queries, no intake and no store: what it needs from outside
// (locations of addresses, reference tables) comes through interfaces.
//
// Documents of the vendor's integrations make of their samples what they say there
// (TestPipelinesOfTheVendorsIntegrationsMakeOfTheirSamplesWhatTheySay). What is to be
// redacted is redacted when a pipeline's time is up
// (TestWhatIsToBeHiddenIsHiddenWhenTheTimeIsUp).
package pipeline
