package events

import (
	"context"
	"time"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// Store shows the events themselves. api/clickhouse implements it.
type Store interface {
	SearchLogs(context.Context, LogSearch) (LogPage, error)
	// Log is one event, with what it came as; a *schema.NotFoundError where there is none.
	Log(ctx context.Context, at schema.Millis, seq uint64) (schema.Event, error)
	AggregateLogs(context.Context, LogAggregation) ([]LogBucket, error)
	ExplainLogs(context.Context, LogSearch) (LogExplanation, error)
	// Hints says what a search that found nothing may have meant.
	Hints(context.Context, LogSearch) []LogHint
	// FieldHints is as much of it as is known without a look at the events.
	FieldHints(*search.Query) []LogHint
}

// LogHint is something that no event has, and what is near it: unknown_field,
// unknown_value or tag_or_attribute.
type LogHint struct {
	Code, Title, Detail string
	// Asked is what the search asks, Meant what it may have meant; nil: nothing is near.
	Asked search.Asked
	Meant *search.Asked
}

// LogSearch selects a page of events, in the order by time and arrival.
type LogSearch struct {
	Query     *search.Query
	From, To  schema.Millis // happened in [From, To)
	Ascending bool          // oldest first
	After     *LogCursor    // nil: from the beginning
	Limit     int
	// Raw asks for the events as they came, too (Event.Original).
	Raw bool
	// Within is after how long what is found by then is the page; 0: not before the store's
	// own limit. What is being read then is read to its end.
	Within time.Duration
}

// LogCursor is a position in the order: just after this event.
type LogCursor struct {
	At  schema.Millis
	Seq uint64
}

// LogPage is a page, in order. Next is where it ends, nil when nothing was found.
// Of the events only what is shown is there: their leaves are not.
type LogPage struct {
	Events []schema.Event
	Next   *LogCursor
	// Cut says that the time ran out: there may be more. From and To are the time that was
	// searched: [From, To).
	Cut      bool
	From, To schema.Millis
}

// LogAggregation measures the events that a query selects, in groups.
type LogAggregation struct {
	Query    *search.Query
	From, To schema.Millis // happened in [From, To)
	Computes []LogCompute
	Groups   []LogGroup // none: all in one
}

// LogCompute is one number, or a series of them.
type LogCompute struct {
	// Function is count, cardinality, sum, min, max, avg or percentile. All but
	// count have a metric; only cardinality takes one that is no attribute.
	Function string
	Level    float64 // of percentile, between 0 and 1
	Metric   schema.Field
	Interval time.Duration // of a series; 0: one number over all
}

// LogGroup is one facet to group by.
type LogGroup struct {
	Facet schema.Field
	Limit int
	// By orders the groups, of which the first Limit are kept; nil: by name.
	By         *LogCompute
	Descending bool
	Missing    *string // names the group of events without the facet; nil: left out
	Total      *string // names a further group, of all events; nil: none
	Histogram  *LogHistogram
}

// LogHistogram groups numbers into ranges of a width, from Min to Max.
type LogHistogram struct{ Min, Max, Interval float64 }

// LogBucket is one group: its name by facet, and the values of the computes. A
// value is nil where no event has one, a float64, or []LogPoint.
type LogBucket struct {
	By     []string
	Values []any
}

// LogPoint is a value of a series.
type LogPoint struct {
	At    schema.Millis
	Value float64
}

// LogExplanation is how a search is run.
type LogExplanation struct {
	SQL     string
	Params  map[string]string
	Indexes []IndexUse
}

// IndexUse is what one index leaves to be read.
type IndexUse struct {
	Kind, Name                    string // partition, primary key or skip; the name of the last
	Keys                          []string
	Condition                     string
	PartsBefore, PartsAfter       int64
	GranulesBefore, GranulesAfter int64
}
