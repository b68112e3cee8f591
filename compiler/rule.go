package compiler

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"nightjar/anomaly/content"
	"nightjar/compiler/search"
	"nightjar/compiler/template"
	"nightjar/schema"
)

// Plan is a rule ready to run, over any interval and by any runtime: live
// evaluation, backtest and rule test share it. Equal rules give equal plans.
type Plan struct {
	Rule schema.Rule
	// Key is Rule.DetectionKey: signals and window state are kept under it.
	Key    string
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
	// Method is how hits are found; see the constants.
	Method PlanMethod
	// Grades are the queries that grade the alerts of MethodThirdParty; they
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
	// Anomaly says how what is usual is learned, of MethodAnomaly.
	Anomaly *Anomaly
	// Content says which texts are similar, of MethodContent.
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
	// After is the last arrival before those that the rule sees; of OfSignals, the
	// last place in the order in which signals are published.
	After uint64
	// Began is when the rule began to see events.
	Began schema.Millis
	// Suppressions are those that select the rule. Expand leaves out the events
	// that they exclude.
	Suppressions []InForce
	// Unsupported says why the engine can't run the rule yet; empty when it can.
	Unsupported string
	// Tables answer the labels' checks. Compile leaves it to the runtime; without
	// it every table is empty.
	Tables Tables
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
	// Sides is the condition of a plan of MethodAnomaly, with its comparisons on the
	// low side as CondLow; Low says that it has any, so that closed buckets are
	// judged by it.
	Sides CondNode
	Low   bool
}

// PlanMethod is how a plan finds the moments at which a case matches.
type PlanMethod uint8

// The methods. A sequence is that of sequence_detection or of `then`.
const (
	MethodThreshold PlanMethod = iota
	MethodSequence
	MethodThirdParty
	MethodTravel
	MethodNewValue
	MethodAnomaly
	MethodContent
)

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

// Then tells whether the sequence is that of a condition with `then`, all of
// which must lie within the plan's window.
func (p *Plan) Then() bool { return len(p.Steps) > 1 && p.Steps[1].Within == 0 }

// Lookback is how far before a moment lie the matches that decide whether the
// plan matches at it.
func (p *Plan) Lookback() time.Duration {
	switch p.Method {
	case MethodTravel:
		return TravelWithin
	case MethodAnomaly:
		return max(p.Window, p.Anomaly.Bucket)
	case MethodContent:
		return p.Window + p.Novelty.Forget
	}
	if p.Expected != nil {
		return 2 * p.Window // whether it was heard of before it began to be expected
	}
	if len(p.Steps) == 0 {
		return p.Window
	}
	reach, widest := time.Duration(0), p.Window
	for _, s := range p.Steps {
		reach += s.Within
		widest = max(widest, s.Window)
	}
	if p.Then() {
		reach = p.Window
	}
	if p.Absence != nil {
		reach += p.Window
	}
	return reach + widest
}

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

// Limits of a rule.
const (
	MaxQueries     = 50
	MaxCases       = 10
	MaxGroupFields = 20
)

// Compile checks the rule and makes its plan. The error is a *schema.Invalid
// that lists everything wrong; warnings are about what was accepted but has no
// effect. A rule of a kind that the engine can't run yet compiles to a plan
// that says so.
func Compile(rule schema.Rule) (*Plan, []string, error) {
	return compile(ruleCompiler{plan: &Plan{Rule: rule, Key: rule.DetectionKey()}})
}

// CompileStored makes the plan of a rule that was accepted once, by an earlier
// version maybe: what is refused only since then goes on without it.
func CompileStored(rule schema.Rule) (*Plan, error) {
	plan, _, err := compile(ruleCompiler{plan: &Plan{Rule: rule, Key: rule.DetectionKey()}, stored: true})
	return plan, err
}

func compile(c ruleCompiler) (*Plan, []string, error) {
	c.names()
	if whole := unsupported(&c.plan.Rule); len(whole) > 0 {
		c.plan.Unsupported = whole[0].Reason
	}
	c.labels()
	c.tables()
	c.steps()
	c.cases()
	c.durations()
	c.thenSteps()
	c.analyze()
	c.signalGroup()
	c.silence()
	c.texts()
	for _, idle := range IdleOfRule(&c.plan.Rule) {
		c.warnings = append(c.warnings, idle.Warning())
	}
	if dear := c.plan.dearWarning(); dear != "" {
		c.warnings = append(c.warnings, dear)
	}
	return c.plan, c.warnings, c.bad.Err()
}

type ruleCompiler struct {
	plan     *Plan
	bad      schema.Invalid
	warnings []string
	stored   bool // see CompileStored
}

func (c *ruleCompiler) names() {
	r := &c.plan.Rule
	if strings.TrimSpace(r.Name) == "" {
		c.bad.Add("name", "Rule name cannot be empty")
	}
	if !r.Type.OrDefault().Known() {
		c.bad.Add("type", fmt.Sprintf("unknown rule type %q; most rules are log_detection", r.Type))
	}
	if m := r.Options.Method(); !m.Known() {
		c.bad.Add("options.detectionMethod", fmt.Sprintf("unknown detection method %q; there are %s", m, commas(schema.Methods)))
	}
	if r.Scheduling != nil && r.Scheduling.RRule == "" {
		c.bad.Add("schedulingOptions.rrule", "The RRULE schedule is invalid for scheduled rules")
	}
	if len(r.Queries) > MaxQueries {
		c.bad.Add("queries", fmt.Sprintf("a rule has at most %d queries, this one has %d", MaxQueries, len(r.Queries)))
	}
	if len(r.Cases) > MaxCases && !c.stored {
		c.bad.Add("cases", fmt.Sprintf("a rule has at most %d cases, this one has %d", MaxCases, len(r.Cases)))
	}
}

// commas writes words for a message.
func commas[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}

func (c *ruleCompiler) labels() {
	r := &c.plan.Rule
	switch r.Options.Method() {
	case schema.MethodThirdParty:
		c.thirdParty()
		return
	case schema.MethodImpossibleTravel:
		c.plan.Method = MethodTravel
		c.travelBaseline()
	case schema.MethodSequenceDetection:
		c.plan.Method = MethodSequence
	case schema.MethodNewValue:
		c.plan.Method = MethodNewValue
		c.newValueOptions()
	case schema.MethodAnomalyDetection:
		c.plan.Method = MethodAnomaly
		c.anomalyOptions()
	case schema.MethodContentAnomaly:
		c.plan.Method = MethodContent
		c.contentOptions()
	}
	if len(r.Queries) == 0 && c.plan.Unsupported == "" {
		c.bad.Add("queries", "a rule needs at least one query")
	}
	filters := c.filters()
	seen := map[string]bool{}
	c.plan.OfSignals = r.Type == schema.RuleSignalCorrelation
	for i, q := range r.Queries {
		if c.plan.OfSignals {
			q = c.ofSignals(i, q)
		}
		label := c.label(i, q)
		label.OfRule = q.RuleID
		label.Filter = append(label.Filter, filters...)
		if seen[label.Name] {
			c.bad.Add(fmt.Sprintf("queries[%d].name", i), fmt.Sprintf("two queries are named %q", label.Name))
		}
		seen[label.Name] = true
		c.plan.Labels = append(c.plan.Labels, label)
		c.plan.Arity = max(c.plan.Arity, len(label.GroupBy))
	}
	for i := range c.plan.Labels {
		l := &c.plan.Labels[i]
		l.Global = len(l.GroupBy) == 0 && c.plan.Arity > 0
		if l.Global && c.plan.Method == MethodAnomaly {
			c.bad.Add(fmt.Sprintf("queries[%d].groupByFields", i), "the queries of an anomaly rule all have group-by fields, or none has")
		}
	}
}

func (c *ruleCompiler) label(i int, q schema.RuleQuery) Label {
	at := func(field string) string { return fmt.Sprintf("queries[%d].%s", i, field) }
	l := Label{Name: q.Name, Optional: q.OptionalGroupBys}
	if l.Name == "" {
		l.Name = defaultLabel(i)
	}
	if !isLabel(l.Name) {
		c.bad.Add(at("name"), fmt.Sprintf("%q is no label: want a letter, then letters, digits and _", l.Name))
	}
	if strings.TrimSpace(q.Query) == "" && !c.plan.OfSignals {
		c.bad.Add(at("query"), "Query filter cannot be empty")
	}
	if !inSQL(q) {
		l.Filter = append(l.Filter, c.search(at("query"), q.Query, false)...)
	}
	if q.CustomExtension != "" {
		l.Filter = append(l.Filter, c.search(at("customQueryExtension"), q.CustomExtension, false)...)
	}
	if len(q.GroupByFields) > MaxGroupFields {
		c.bad.Add(at("groupByFields"), fmt.Sprintf("at most %d fields, got %d", MaxGroupFields, len(q.GroupByFields)))
	}
	l.GroupBy = c.fields(at("groupByFields"), q.GroupByFields)
	c.aggregation(&l, q, at)
	return l
}

func (c *ruleCompiler) aggregation(l *Label, q schema.RuleQuery, at func(string) string) {
	if c.plan.Method == MethodContent {
		c.content(l, q, at)
		return
	}
	switch q.Aggregation {
	case "", "count", "event_count", "none":
		l.Aggregation = AggCount
	case "cardinality":
		l.Aggregation = AggCardinality
		l.Distinct = c.fields(at("distinctFields"), q.DistinctFields)
		if len(l.Distinct) == 0 {
			c.bad.Add(at("distinctFields"), "aggregation cardinality counts distinct values: name the field")
		}
	case "sum", "max":
		l.Aggregation = AggSum
		if q.Aggregation == "max" {
			l.Aggregation = AggMax
		}
		metrics := metricsOf(q)
		if len(metrics) != 1 {
			c.bad.Add(at("metrics"), fmt.Sprintf("aggregation %s takes one numeric field, got %d", q.Aggregation, len(metrics)))
			return
		}
		l.Metric = c.fields(at("metrics"), metrics)[0]
	case "geo_data":
		c.travel(l, q, at)
	case "new_value":
		c.newValue(l, q, at)
	default:
		c.bad.Add(at("aggregation"), fmt.Sprintf("unknown aggregation %q; want count, cardinality, sum, max, new_value, geo_data, event_count or none", q.Aggregation))
	}
}

func (c *ruleCompiler) fields(target string, names []string) []schema.Field {
	fields := make([]schema.Field, len(names))
	for i, name := range names {
		if name == "" || name == "@" {
			c.bad.Add(fmt.Sprintf("%s[%d]", target, i), "a field's name is empty")
		}
		fields[i] = schema.ParseField(name)
	}
	return fields
}

func (c *ruleCompiler) filters() search.Filter {
	var parts search.Filter
	for i, f := range c.plan.Rule.Filters {
		target := fmt.Sprintf("filters[%d]", i)
		switch f.Action {
		case "require", "suppress":
			parts = append(parts, c.search(target+".query", f.Query, f.Action == "suppress")...)
		default:
			c.bad.Add(target+".action", fmt.Sprintf("unknown action %q; want require or suppress", f.Action))
		}
	}
	return parts
}

// inCase is the query as the rule's option says that letter case counts.
func (c *ruleCompiler) inCase(q *search.Query) *search.Query {
	if o := c.plan.Rule.Options.CaseInsensitive; o != nil && *o {
		return q.InAnyCase()
	}
	return q
}

// search parses a query; an invalid one is noted and leaves no part.
func (c *ruleCompiler) search(target, text string, negated bool) search.Filter {
	q, err := search.Parse(text)
	if err != nil {
		c.bad.Add(target, err.Error())
		return nil
	}
	return search.Filter{{Query: c.inCase(q), Negated: negated}}
}

func (c *ruleCompiler) cases() {
	names := c.labelNames()
	rule := &c.plan.Rule
	if c.plan.Method == MethodThirdParty {
		return // its cases are the grades
	}
	if len(rule.Cases) == 0 && c.plan.Unsupported == "" {
		c.bad.Add("cases", "a rule needs at least one case")
	}
	for i, k := range rule.Cases {
		if !k.Status.Known() {
			c.bad.Add(fmt.Sprintf("cases[%d].status", i), fmt.Sprintf("unknown status %q; want info, low, medium, high or critical", k.Status))
		}
		c.customStatus(fmt.Sprintf("cases[%d]", i), k.CustomStatus)
		condition, err := c.condition(k.Condition, names)
		if err != nil {
			c.bad.Add(fmt.Sprintf("cases[%d].condition", i), err.Error())
			continue
		}
		if condition.OverTime() && len(rule.Cases) > 1 {
			c.bad.Add(fmt.Sprintf("cases[%d].condition", i), "then is for rules with a single case")
		}
		compiled := Case{Name: k.Name, Status: k.Severity(), Condition: condition}
		if c.plan.Method == MethodAnomaly {
			c.sides(i, &compiled)
		}
		c.plan.Cases = append(c.plan.Cases, compiled)
	}
}

// customStatus checks the status that stands in the place of a case's own.
func (c *ruleCompiler) customStatus(at string, status schema.Severity) {
	if status != "" && !status.Known() {
		c.bad.Add(at+".customStatus", fmt.Sprintf("unknown status %q; want info, low, medium, high or critical", status))
	}
}

// condition reads a case's condition. That of a sequence names its last step,
// and holds when the sequence is complete.
func (c *ruleCompiler) condition(text string, labels []string) (*Condition, error) {
	if c.plan.Rule.Options.Method() != schema.MethodSequenceDetection {
		return ParseCondition(text, labels)
	}
	names := []string{}
	for _, s := range c.plan.Steps {
		names = append(names, s.Name)
	}
	condition, err := ParseCondition(text, names)
	if err != nil {
		return nil, err
	}
	if last := names[len(names)-1:]; condition.names() != "" && len(last) > 0 && condition.names() != last[0] {
		return nil, fmt.Errorf("the condition of a sequence names its last step: write %s > 0, or nothing", last[0])
	}
	return condition, nil
}

// steps makes the sequence of the plan: of its options, or of the one case
// whose condition has a `then`.
func (c *ruleCompiler) steps() {
	if c.plan.Rule.Options.Method() == schema.MethodSequenceDetection {
		c.sequence()
	}
}

// maxSteps is how many steps a sequence has at most.
const maxSteps = 10

func (c *ruleCompiler) sequence() {
	o := c.plan.Rule.Options.Sequence
	const target = "options.sequenceDetectionOptions"
	if o == nil || len(o.Steps) == 0 {
		c.bad.Add(target+".steps", "a sequence needs at least one step")
		return
	}
	if len(o.Steps) > maxSteps {
		c.bad.Add(target+".steps", fmt.Sprintf("a sequence has at most %d steps, this one has %d", maxSteps, len(o.Steps)))
		return
	}
	byName := map[string]Step{}
	for i, s := range o.Steps {
		at := fmt.Sprintf("%s.steps[%d]", target, i)
		condition, err := ParseCondition(s.Condition, c.labelNames())
		switch {
		case err != nil:
			c.bad.Add(at+".condition", err.Error())
			continue
		case condition.OverTime():
			c.bad.Add(at+".condition", "then is not for steps: the transitions say what follows what")
		case !isLabel(s.Name):
			c.bad.Add(at+".name", fmt.Sprintf("%q is no name: want a letter, then letters, digits and _", s.Name))
		}
		if _, twice := byName[s.Name]; twice {
			c.bad.Add(at+".name", fmt.Sprintf("two steps are named %q", s.Name))
		}
		byName[s.Name] = Step{Name: s.Name, Condition: condition, Window: seconds(s.EvaluationWindow)}
	}
	if c.bad.Err() == nil {
		c.order(byName, o.Transitions)
	}
}

// order follows the transitions from the step that has none into it. A sequence
// is linear: each step is entered once and left once.
func (c *ruleCompiler) order(steps map[string]Step, transitions []schema.SequenceTransition) {
	const target = "options.sequenceDetectionOptions.stepTransitions"
	next, into := map[string]schema.SequenceTransition{}, map[string]bool{}
	for i, t := range transitions {
		at := fmt.Sprintf("%s[%d]", target, i)
		for field, name := range map[string]string{".parent": t.Parent, ".child": t.Child} {
			if _, ok := steps[name]; !ok {
				c.bad.Add(at+field, fmt.Sprintf("no step is named %q", name))
			}
		}
		if _, twice := next[t.Parent]; twice || into[t.Child] {
			c.bad.Add(at, fmt.Sprintf("the sequence branches at %s -> %s; it must be linear", t.Parent, t.Child))
		}
		if seconds(t.EvaluationWindow) <= 0 {
			c.bad.Add(at+".evaluationWindow", "how soon must the child follow? want more than 0 seconds")
		}
		next[t.Parent], into[t.Child] = t, true
	}
	if c.bad.Err() != nil {
		return
	}
	first := ""
	for i, s := range c.plan.Rule.Options.Sequence.Steps {
		switch {
		case into[s.Name]:
		case first == "":
			first = s.Name
		default:
			c.bad.Add(fmt.Sprintf("options.sequenceDetectionOptions.steps[%d]", i), fmt.Sprintf("no transition leads into step %q, and it is not the first", s.Name))
		}
	}
	if first == "" {
		c.bad.Add(target, "the transitions go in a circle: no step is the first")
	}
	for name, within := first, time.Duration(0); name != "" && len(c.plan.Steps) < len(steps); {
		step := steps[name]
		step.Within = within
		c.plan.Steps = append(c.plan.Steps, step)
		t := next[name]
		name, within = t.Child, seconds(t.EvaluationWindow)
	}
	if c.bad.Err() == nil && len(c.plan.Steps) < len(steps) {
		c.bad.Add(target, "the transitions go in a circle beside the sequence")
	}
}

func seconds(n *int64) time.Duration {
	if n == nil {
		return 0
	}
	return time.Duration(*n) * time.Second
}

func (c *ruleCompiler) labelNames() []string {
	names := make([]string, len(c.plan.Labels))
	for i, l := range c.plan.Labels {
		names[i] = l.Name
	}
	return names
}

// thenSteps makes a sequence of a condition with `then`: each part over the
// rule's window, and all of it within that window.
func (c *ruleCompiler) thenSteps() {
	if len(c.plan.Cases) != 1 || !c.plan.Cases[0].Condition.OverTime() {
		return
	}
	condition := c.plan.Cases[0].Condition
	c.plan.Method = MethodSequence
	c.plan.Anomaly = nil // of a rule that was stored before this was refused: it goes on as the sequence that it was
	for _, part := range condition.Parts {
		c.plan.Steps = append(c.plan.Steps, Step{Condition: &Condition{Parts: []CondNode{part}}, Window: c.plan.Window})
	}
	if condition.Absent != nil {
		c.absence(condition)
		return
	}
	if c.plan.Window == 0 {
		c.warnings = append(c.warnings, "cases[0].condition: with evaluationWindow 0 nothing lies within the window, so then never matches: choose a window")
	}
}

// durations takes what is absent from its neighbour: keep alive is at least
// the window, and a signal may last a day.
func (c *ruleCompiler) durations() {
	o := &c.plan.Rule.Options
	window, keepAlive, longest := int64(0), int64(0), int64(schema.DefaultMaxSignalDuration)
	if o.EvaluationWindow != nil {
		window = *o.EvaluationWindow
	}
	keepAlive = window
	if o.KeepAlive != nil {
		keepAlive = *o.KeepAlive
	}
	if o.MaxSignalDuration != nil {
		longest = *o.MaxSignalDuration
	}
	if longest < keepAlive {
		c.bad.Add("maxSignalDuration", "Max signal duration must be greater than or equal to keep alive")
	}
	if keepAlive < window {
		c.bad.Add("keepAlive", "Keep alive must be greater than or equal to evaluation window")
	}
	c.allowed("evaluationWindow", "Evaluation window", window)
	c.allowed("keepAlive", "Keep alive", keepAlive)
	c.allowed("maxSignalDuration", "Max signal duration", longest)
	if c.plan.Method == MethodThirdParty {
		c.plan.KeepAlive, c.plan.MaxDuration = ThirdPartyRollUp, ThirdPartyRollUp
		return
	}
	if c.plan.Method == MethodTravel {
		window = 0 // it has no part in this method
	}
	c.plan.PerValue = c.plan.Method == MethodNewValue && keepAlive == 0
	c.plan.Window = time.Duration(window) * time.Second
	c.plan.KeepAlive = time.Duration(keepAlive) * time.Second
	c.plan.MaxDuration = time.Duration(longest) * time.Second
}

func (c *ruleCompiler) allowed(target, name string, seconds int64) {
	if slices.Contains(schema.EvaluationWindows, seconds) {
		return
	}
	c.bad.Add(target, name+" is not in allowed durations: 0, 1, 5, 10, 15, 30, 60, 120, 180, 360 (in minutes)")
}

// signalGroup finds the positions that groupSignalsBy keeps.
func (c *ruleCompiler) signalGroup() {
	by := c.plan.Rule.GroupSignalsBy
	if len(by) == 0 {
		for i := range c.plan.Arity {
			c.plan.SignalGroup = append(c.plan.SignalGroup, i)
		}
		return
	}
	for i, name := range by {
		position, err := c.groupPosition(name)
		if err != nil {
			c.bad.Add(fmt.Sprintf("groupSignalsBy[%d]", i), err.Error())
			continue
		}
		c.plan.SignalGroup = append(c.plan.SignalGroup, position)
	}
	sort.Ints(c.plan.SignalGroup)
}

func (c *ruleCompiler) groupPosition(name string) (int, error) {
	for _, q := range c.plan.Rule.Queries {
		for position, field := range q.GroupByFields {
			if field == name {
				return position, nil
			}
		}
	}
	return 0, errors.New("not among the group-by fields of any query: " + name)
}

func defaultLabel(i int) string {
	if i < 26 {
		return string(rune('a' + i))
	}
	return fmt.Sprintf("%c%d", 'a'+i%26, i/26)
}

func isLabel(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
