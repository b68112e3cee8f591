package compiler

import (
	"time"

	"nightjar/anomaly/content"
	"nightjar/compiler/search"
	"nightjar/compiler/template"
	"nightjar/schema"
)

// Plan is what a rule says, compiled. Live evaluation, backtests and rule tests run the
// same plan, each bound to what it runs with (Bind). A plan is never changed after
// Compile has made it (TestAPlanIsNotChangedByWhatRunsIt), and equal rules give equal
// plans.
type Plan struct {
	Rule   schema.Rule
	Labels []Label
	Cases  []Case
	// Title and Message are the templates of its signals' texts.
	Title, Message *template.Template
	// Window is the evaluation window; 0 judges every event alone.
	Window, KeepAlive, MaxDuration time.Duration
	// Arity is the number of group-by fields of the labels that have any.
	Arity int
	// SignalGroup are the positions of the group values that make up the key
	// of a signal, ascending.
	SignalGroup []int
	// Steps is the sequence to complete, in order: of sequence_detection, and of
	// a condition with `then`. Cases have no say beside it.
	Steps []Step
	// Absence is what must not follow the last step; nil: nothing.
	Absence *Absence
	// Method is how it is found when a case matches. It is the rule's own, but for a
	// rule with `then`, which is a sequence.
	Method schema.Method
	// Grades are the queries that grade the alerts of third_party; they
	// stand beside Cases, which have the grades' names and statuses.
	Grades []*search.Query
	// DefaultStatus is the severity of case −1: an alert that no grade matches.
	DefaultStatus schema.Severity
	// OfSignals says that the plan's events are signals of other rules.
	OfSignals bool
	// PerValue makes every new value a signal of its own.
	PerValue bool
	// Novelty says what counts as new; nil: nothing has to be.
	Novelty *Novelty
	// Anomaly says how baselines are learned, of anomaly_detection.
	Anomaly *Anomaly
	// Content says which texts are similar, of content_anomaly.
	Content *content.Options
	// Silence says that some case may hold where a group falls silent, so that its
	// silence points (docs/semantics.md, "Silence points") have to be judged.
	Silence bool
	// Expected is the column whose values are groups of the plan that are silent
	// when they are never heard of; nil: there is none.
	Expected *TableColumn
	// SilenceDelay is how far behind the clock silence is judged, where the rule
	// says so; nil leaves it to the engine.
	SilenceDelay *time.Duration
	// Unsupported says why the engine can't run the rule yet; empty when it can.
	Unsupported string
}

// Label is one query of a rule: which events, in which group, counted how.
type Label struct {
	Name string
	// OfRule is the rule whose signals are asked, of plans that are OfSignals.
	OfRule string
	// Filter is the query, and the rule's filters after it.
	Filter   search.Filter
	GroupBy  []schema.Field
	Optional bool // a missing group-by value is N/A
	// Global labels have no group-by fields in a rule where others have: their
	// events count for every group, and are no evaluation points.
	Global      bool
	Aggregation Aggregation
	Distinct    []schema.Field // of AggCardinality and AggNewValue
	Metric      schema.Field   // of AggSum and AggMax
	// Tables are asked of the events that pass Parts.
	Tables []TableCheck
}

// Case is a case of a rule, compiled.
type Case struct {
	Name      string
	Status    schema.Severity
	Condition *Condition
	// Sides is the condition of a plan of anomaly_detection, with its comparisons on the
	// low side as CondLow; Low says that it has any, so that closed buckets are
	// judged by it.
	Sides CondNode
	Low   bool
}

// Step is one step of a sequence.
type Step struct {
	Name      string
	Condition *Condition // of one part
	// Window is the step's own; 0 asks for one event that makes it true.
	Window time.Duration
	// Within is how soon the step must follow the one before it, at most; 0
	// means within the plan's window, and that all of the sequence must be.
	Within time.Duration
}

// ForVersion is the plan of the same document as it is stored: with the id, the version
// and the moments of rule, which says the same otherwise.
func (p *Plan) ForVersion(rule schema.Rule) *Plan {
	out := *p
	out.Rule.ID, out.Rule.Version, out.Rule.IsDeleted = rule.ID, rule.Version, rule.IsDeleted
	out.Rule.CreatedAt, out.Rule.UpdatedAt = rule.CreatedAt, rule.UpdatedAt
	return &out
}

// Then reports whether the sequence is that of a condition with `then`, all of
// which must lie within the plan's window.
func (p *Plan) Then() bool { return len(p.Steps) > 1 && p.Steps[1].Within == 0 }

// Lookback is how far before a moment lie the matches that decide whether the
// plan matches at it.
func (p *Plan) Lookback() time.Duration { return methodOf(p.Method).lookback(p) }

// Aggregation is how a label's events become a value.
type Aggregation uint8

// The aggregations (docs/semantics.md, "Aggregations").
const (
	AggCount Aggregation = iota
	AggCardinality
	AggSum
	AggMax
	// AggPlace keeps where an event happened.
	AggPlace
	// AggGrade keeps which grade an alert has.
	AggGrade
	// AggNewValue counts the events with a new value.
	AggNewValue
	// AggContent counts the events with a text like few others.
	AggContent
)

// MissingGroup stands for a missing value of an optional group-by field.
const MissingGroup = "N/A"
