// Package clickhouse stores events in the table `events`: one block of events
// is one insert, one part and one deduplication token.
//
// It knows the table from schema.Events and the driver. It does not know where
// events come from, and it does not retry: it says whether trying again makes
// sense.
//
// It also keeps the catalogue of the forms in which attributes are stored
// (schema.Catalogue), so that a search looks for no others: a form is in it before an
// event that has it can be read (TestNoEventIsStoredBeforeItsForms,
// TestCatalogueFindsWhatOthersStored). What is stored is what Projection says
// (TestAttributesAreStoredAsTheirProjection).
package clickhouse
