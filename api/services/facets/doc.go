// Package facets serves counts of what a search finds, beside its rows: by the values of
// fields, and over time, of signals and of events. Start at FacetService.
//
// It promises that counts are those of the search over the same filter
// (TestFacetsCountWhatASearchFinds), that stretches of time begin where a clock on the wall
// shows something round, through changes to summer time too
// (TestBucketsBeginAtRoundTimesOfTheZone), and that what was cut short says so.
//
// Messages are grouped by their shape (TestMessagesAreGroupedByTheirShape), each with a search
// that finds all of it (TestAPatternsQueryFindsAllOfItsEvents), and of the newest it is said
// since when they are (TestPatternsOfTheNewestSaySinceWhen).
//
// Sources are counted by their arrival: rate, lag, silence, and what no pipeline reads
// (TestSourcesAreCountedByArrival); what took long to count is good for long
// (TestWhatTookLongToCountIsGoodForLong).
//
// Store is what it reads; api/clickhouse implements it.
package facets
