package facets

import (
	"context"
	"time"

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
	// Patterns groups events by the shape of their messages.
	Patterns(context.Context, PatternsQuestion) (Patterns, error)
	// Span is from when to when there is something that the selection finds: its first
	// moment, and the one after its last. Both are 0 where there is nothing.
	Span(context.Context, Selection) (from, to schema.Millis, err error)
	// TagKeys are the most frequent keys of tags with what Containing says in them.
	TagKeys(context.Context, Question) ([]ValueCount, error)
	// GroupFields are the fields of values that signals of the selection are about: of each
	// that of one such signal. Others may be among them.
	GroupFields(ctx context.Context, of Selection, values []string) (map[string]string, error)
	// Sources are what sent events, those with the most counted ones first.
	Sources(context.Context, SourcesQuestion) (Sources, error)
	// Clauses says which parts of a search hold for how many events.
	Clauses(context.Context, ClausesQuestion) (HeldCounts, error)
	// Shares says how many events of each source have fields.
	Shares(context.Context, SharesQuestion) ([]SourceShares, error)
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
	// Span has the first and the last moment told, too.
	Span bool
	// Within has only as much of the newest events counted as that takes; 0: all.
	Within time.Duration
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
	// First and Last are the moments of the first and the last, where they were asked for and
	// there are any.
	First, Last schema.Millis
	// Partial says that the time ran out: there are more.
	Partial bool
	// From is since when it was counted, if not all could be Within the time.
	From *schema.Millis
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
	// Within has only as much of the newest events counted as that takes; 0: all.
	Within time.Duration
}

// Histogram are the counts of groups, the greatest first.
type Histogram struct {
	Series  []Series
	Partial bool
	// From is since when it was counted, if not all could be Within the time.
	From *schema.Millis
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

func (g gated) TagKeys(ctx context.Context, q Question) ([]ValueCount, error) {
	return limits.Through(ctx, g.of(q.Selection), func() ([]ValueCount, error) { return g.Store.TagKeys(ctx, q) })
}

func (g gated) GroupFields(ctx context.Context, of Selection, values []string) (map[string]string, error) {
	return limits.Through(ctx, g.of(of), func() (map[string]string, error) { return g.Store.GroupFields(ctx, of, values) })
}

func (g gated) Histogram(ctx context.Context, q HistogramQuestion) (Histogram, error) {
	return limits.Through(ctx, g.of(q.Selection), func() (Histogram, error) { return g.Store.Histogram(ctx, q) })
}

func (g gated) Patterns(ctx context.Context, q PatternsQuestion) (Patterns, error) {
	return limits.Through(ctx, g.of(q.Selection), func() (Patterns, error) { return g.Store.Patterns(ctx, q) })
}

func (g gated) Sources(ctx context.Context, q SourcesQuestion) (Sources, error) {
	return limits.Through(ctx, g.gates.Events, func() (Sources, error) { return g.Store.Sources(ctx, q) })
}

func (g gated) Clauses(ctx context.Context, q ClausesQuestion) (HeldCounts, error) {
	return limits.Through(ctx, g.gates.Events, func() (HeldCounts, error) { return g.Store.Clauses(ctx, q) })
}

func (g gated) Shares(ctx context.Context, q SharesQuestion) ([]SourceShares, error) {
	return limits.Through(ctx, g.gates.Events, func() ([]SourceShares, error) { return g.Store.Shares(ctx, q) })
}
