package search

import (
	"maps"
	"slices"

	"nightjar/schema"
)

// A search over signals and one over rules are read as one over events, and then
// asked of what people mean by the names there. Both readers follow the tree, so
// they agree on it as on any other.

// ParseForSignals reads a search over signals. Bare words are looked for in the
// title, too. source, service and host are those of the signal's events, of which
// there may be several; state, reason, assignee and severity are the signal's.
func ParseForSignals(text string) (*Query, error) {
	q, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return &Query{Root: rewrite(q.Root, ofSignal)}, nil
}

// ParseForRules reads a search over rules: what a rule is about is in its tags
// (see RuleEvent), of which there may be several.
func ParseForRules(text string) (*Query, error) {
	q, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return &Query{Root: rewrite(q.Root, orTag)}, nil
}

// orTag asks source, service and host of the tags, too.
func orTag(n Node) Node {
	f, ok := FieldOf(n)
	if !ok || f.Kind != schema.FieldReserved || !slices.Contains(schema.OriginKeys, f.Name) {
		return n
	}
	return anyOf(At(n.Pos()), n, asked(n, schema.Field{Kind: schema.FieldTag, Name: f.Name}))
}

// The fields of a signal that are asked for by other names.
var (
	signalTitle  = schema.ParseField("@title")
	signalState  = schema.ParseField("@nightjar.state")
	signalReason = schema.ParseField("@nightjar.reason")

	stateNames  = []string{"state", "@nightjar.state", "@workflow.triage.state"}
	reasonNames = []string{"reason", "archive_reason", "@nightjar.reason", "@workflow.triage.archiveReason"}
)

// signalNames are other names of signals' fields. A tag of the name is found,
// too.
var signalNames = map[string][]schema.Field{
	"severity":         {schema.ParseField("status")},
	"title":            {signalTitle},
	"assignee":         {schema.ParseField("@workflow.triage.assignee.uuid"), schema.ParseField("@workflow.triage.assignee.handle"), schema.ParseField("@workflow.triage.assignee.name")},
	"triaged_by":       {schema.ParseField("@workflow.triage.updater.handle"), schema.ParseField("@workflow.triage.updater.name")},
	"archived_by":      {schema.ParseField("@workflow.triage.updater.handle"), schema.ParseField("@workflow.triage.updater.name")},
	"triaged_at":       {schema.ParseField("@workflow.triage.stateUpdateTimestamp")},
	"archived_at":      {schema.ParseField("@workflow.triage.stateUpdateTimestamp")},
	"archive_comment":  {schema.ParseField("@workflow.triage.archiveComment")},
	"rule_id":          {schema.ParseField("@workflow.rule.id")},
	"rule_name":        {schema.ParseField("@workflow.rule.name")},
	"detection_method": {schema.ParseField("@workflow.rule.detectionMethod")},
	"suppression_id":   {schema.ParseField("@nightjar.suppression_id")},
}

func ofSignal(n Node) Node {
	if w, ok := n.(Words); ok && !w.Everywhere {
		return anyOf(w.At, w, Words{At: w.At, Pattern: w.Pattern, In: signalTitle.Name})
	}
	f, ok := FieldOf(n)
	if !ok {
		return n
	}
	at, name := At(n.Pos()), f.String()
	switch {
	case slices.Contains(stateNames, name):
		return ofState(n)
	case slices.Contains(reasonNames, name):
		return asked(n, signalReason)
	}
	if others := signalNames[name]; others != nil {
		nodes := []Node{n}
		for _, other := range others {
			nodes = append(nodes, asked(n, other))
		}
		return anyOf(at, nodes...)
	}
	return orTag(n)
}

// SignalField is where the values are that a search over signals asks for by this name, of
// a name that stands for one field; of source, service and host they are in tags, too.
func SignalField(name string) schema.Field {
	switch f := schema.ParseField(name); {
	case slices.Contains(stateNames, name):
		return signalState
	case slices.Contains(reasonNames, name):
		return signalReason
	case name == "assignee":
		return schema.ParseField("@workflow.triage.assignee.name")
	case signalNames[name] != nil:
		return signalNames[name][0]
	default:
		return f
	}
}

// SignalFieldNames are the names of signals' fields that those of events' don't have,
// sorted.
func SignalFieldNames() []string {
	names := append(slices.Collect(maps.Keys(signalNames)), "state", "archive_reason")
	slices.Sort(names)
	return names
}

// ofState asks how a signal stands. Merged, retracted and suppressed are the
// reasons of the engine; a signal that is suppressed was archived by nobody.
func ofState(n Node) Node {
	e, ok := n.(Equals)
	if !ok {
		return asked(n, signalState)
	}
	suppressed := Equals{e.At, signalReason, schema.ReasonSuppressed}
	switch e.Value {
	case schema.ReasonMerged, schema.ReasonRetracted, schema.ReasonSuppressed:
		return Equals{e.At, signalReason, e.Value}
	case schema.StateArchived:
		return Conjunction{e.At, []Node{asked(n, signalState), Negation{e.At, suppressed}}}
	}
	return asked(n, signalState)
}

// AsksForState reports whether a search over signals says how they stand: signals
// that the engine withdrew or withheld are no answer otherwise.
func AsksForState(n Node) bool {
	switch n := n.(type) {
	case Conjunction:
		return slices.ContainsFunc(n.Nodes, AsksForState)
	case Disjunction:
		return slices.ContainsFunc(n.Nodes, AsksForState)
	case Negation:
		return false // those that are not so are among those that stand
	}
	f, ok := FieldOf(n)
	if !ok {
		return false
	}
	if e, isValue := n.(Equals); isValue && (f == signalState || slices.Contains(stateNames, f.String())) {
		return e.Value != schema.StateOpen && e.Value != schema.StateUnderReview
	}
	return f == signalReason || slices.Contains(reasonNames, f.String()) || f == signalNames["suppression_id"][0]
}

// SaysState reports whether a search over signals says anything of how they stand.
func SaysState(n Node) bool {
	switch n := n.(type) {
	case Conjunction:
		return slices.ContainsFunc(n.Nodes, SaysState)
	case Disjunction:
		return slices.ContainsFunc(n.Nodes, SaysState)
	case Negation:
		return SaysState(n.Node)
	}
	f, ok := FieldOf(n)
	return ok && (f == signalState || f == signalReason)
}
