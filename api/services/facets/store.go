package facets

import (
	"context"

	"nightjar/api/limits"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// Store counts. api/clickhouse implements it.
type Store interface {
	// Facets counts by the values of fields.
	Facets(context.Context, Question) (Counts, error)
	// Histogram counts over time. Bounds are those of the question.
	Histogram(context.Context, HistogramQuestion) (Histogram, error)
	// Span is from when to when there is something that the selection finds: its first
	// moment, and the one after its last. Both are 0 where there is nothing.
	Span(context.Context, Selection) (from, to schema.Millis, err error)
	// TagKeys are the most frequent keys of tags with this in them.
	TagKeys(ctx context.Context, of Selection, containing string, limit int) ([]ValueCount, error)
	// Sources are what sent events, those with the most counted ones first.
	Sources(context.Context, SourcesQuestion) (Sources, error)
	// Paths are the paths of attributes that events have, in no order.
	Paths() []string
}

// Of is what is counted.
type Of uint8

// What is counted.
const (
	Signals Of = iota
	Events
)

// Selection are the signals or events that are counted.
type Selection struct {
	Of       Of
	Query    *search.Query  // of signals as search.ParseForSignals reads it
	From, To *schema.Millis // in [From, To); nil: open
	// Withdrawn has those signals counted, too, that the engine withdrew or withheld.
	Withdrawn bool
}

// Question asks for the most frequent values of fields.
type Question struct {
	Selection
	Fields []Field
	Limit  int // values of each field
	// Containing is what values have in them, in any letter case; empty: all are counted.
	Containing string
}

// Field is a field as it was asked for, and where its values are.
type Field struct {
	Name  string
	Field schema.Field
}

// Counts are how many there are, in all and by field, in the order of the question.
type Counts struct {
	Total  uint64
	Fields []FieldCounts
	// Partial says that the time ran out: there are more.
	Partial bool
}

// FieldCounts are the most frequent values of a field, the most frequent first.
type FieldCounts struct {
	Values []ValueCount
	// Distinct is how many values there are, Lacking how many have none.
	Distinct, Lacking uint64
}

// ValueCount is a value, and how many have it.
type ValueCount struct {
	Value string
	Count uint64
}

// HistogramQuestion asks how many there are in stretches of time, by the values of Groups.
type HistogramQuestion struct {
	Selection
	Bounds []schema.Millis // where stretches begin, ascending, and where the last one ends
	Groups []Field
}

// Histogram are the counts of groups, the greatest first.
type Histogram struct {
	Series  []Series
	Partial bool
}

// Series is a group: its values in the order of the question, and a count for each stretch.
type Series struct {
	By     []string
	Counts []uint64
	Total  uint64
}

// Gates are what questions pass before they are asked of the store.
type Gates struct{ Signals, Events *limits.Gate }

// Limit has the questions of store pass the gates.
func Limit(store Store, gates Gates) Store { return gated{store, gates} }

type gated struct {
	Store
	gates Gates
}

func (g gated) of(s Selection) *limits.Gate {
	if s.Of == Events {
		return g.gates.Events
	}
	return g.gates.Signals
}

func (g gated) Facets(ctx context.Context, q Question) (Counts, error) {
	return limits.Through(ctx, g.of(q.Selection), func() (Counts, error) { return g.Store.Facets(ctx, q) })
}

func (g gated) TagKeys(ctx context.Context, of Selection, containing string, limit int) ([]ValueCount, error) {
	return limits.Through(ctx, g.of(of), func() ([]ValueCount, error) { return g.Store.TagKeys(ctx, of, containing, limit) })
}

func (g gated) Histogram(ctx context.Context, q HistogramQuestion) (Histogram, error) {
	return limits.Through(ctx, g.of(q.Selection), func() (Histogram, error) { return g.Store.Histogram(ctx, q) })
}

func (g gated) Sources(ctx context.Context, q SourcesQuestion) (Sources, error) {
	return limits.Through(ctx, g.gates.Events, func() (Sources, error) { return g.Store.Sources(ctx, q) })
}
