package schema

import (
	"slices"
	"strings"
)

// SignalStates holds of signals what lists are counted, sorted and found by: some columns of
// Signals, and some attributes as columns of their own. It is derived: a view feeds it with
// what is inserted into Signals, it is no part of a backup, and it is made anew where it is
// not what Signals say.
//
// What it is ordered by grows, and never changes of a signal: versions lie side by side, and
// only what changed lately has several, so that a count of all reads few columns and merges
// few rows.
var SignalStates = Table{
	Name:    "signal_states",
	Comment: "one row per version of a signal, without what is only shown; derived from signals",
	Columns: slices.Concat(columnsOf(Signals, StateColumns), []Column{
		{"severity_rank", "UInt8", "", "place of status among Severities, from 1; 0: it is none"},
		{"stage", "UInt8", "", "place of state among SignalStages, from 1; 0: it is none"},
		{"brief", "String", "ZSTD(1)", "BriefKeys of the document, as JSON, for lists"},
	}, listColumns(), attributeColumns()),
	Indexes:  []Index{{"by_time", "timestamp", "minmax", 1}},
	Engine:   "ReplacingMergeTree(version)",
	OrderBy:  "(opened, key, id)",
	Settings: "index_granularity = 1024", // of a page's rows few others are read with them
}

// SignalStages are the states that a signal can have.
var SignalStages = []string{StateOpen, StateUnderReview, StateArchived, StateSuppressed}

// BriefKeys are what lists show of a signal's document.
var BriefKeys = []string{"title", "nightjar", "workflow", "source"}

// StateLists are fields of signals whose values SignalStates has as one text, a list in
// JSON: there are few lists, so that they are counted fast.
var StateLists = []Field{
	{Kind: FieldReserved, Name: "source"}, {Kind: FieldReserved, Name: "service"}, {Kind: FieldReserved, Name: "host"},
	{Kind: FieldTag, Name: "tactic"}, {Kind: FieldTag, Name: "technique"},
}

// StateListColumn is the column with the values of a field; empty: SignalStates has none.
func StateListColumn(f Field) string {
	if !slices.Contains(StateLists, f) {
		return ""
	}
	return "of_" + f.Name
}

func listColumns() (out []Column) {
	for _, f := range StateLists {
		out = append(out, Column{StateListColumn(f), word, "", "values of " + f.Name + " as JSON"})
	}
	return out
}

// StateColumns are the columns that SignalStates has from Signals.
var StateColumns = []string{
	"id", "version", "key", "rule_key", "rule_id", "last_seen", "events", "state", "reason", "suppression", "opened", "timestamp",
	"source", "service", "host", "status", "message", "tags", "assignee", "triaged_by",
}

func columnsOf(t Table, names []string) []Column {
	var out []Column
	for _, c := range t.Columns {
		if slices.Contains(names, c.Name) {
			out = append(out, c)
		}
	}
	return out
}

// StateAttribute is an attribute that SignalStates has as a column: of a signal's document,
// where it is one text or nothing, or of its events, with the texts of all its values.
type StateAttribute struct {
	Path     string
	Document bool
}

// Column is the column's name.
func (a StateAttribute) Column() string { return "at_" + strings.ReplaceAll(a.Path, ".", "_") }

// StateAttributes are those attributes: what lists filter by, and whom signals are about.
var StateAttributes = stateAttributes()

func stateAttributes() (out []StateAttribute) {
	for _, path := range []string{
		"title", "nightjar.state", "nightjar.reason", "nightjar.severity", "nightjar.rule_id", "nightjar.suppression_id",
		"workflow.rule.id", "workflow.rule.name", "workflow.rule.type", "workflow.rule.detectionMethod", "workflow.triage.state",
		"workflow.triage.archiveReason", "workflow.triage.archiveComment", "workflow.triage.stateUpdateTimestamp",
		"workflow.triage.assignee.uuid", "workflow.triage.assignee.handle", "workflow.triage.assignee.name",
		"workflow.triage.updater.handle", "workflow.triage.updater.name",
	} {
		out = append(out, StateAttribute{Path: path, Document: true})
	}
	for _, p := range TypedPaths {
		out = append(out, StateAttribute{Path: p.Path})
	}
	for _, path := range []string{"nightjar.group", "workflow.triage.assignee.id", "container.id", "network.destination.ip", "usr.email", "process.user"} {
		out = append(out, StateAttribute{Path: path})
	}
	return out
}

func attributeColumns() []Column {
	var out []Column
	for _, a := range stateAttributes() {
		kind := "Array(String)"
		if a.Document {
			kind = optionalWord
		}
		out = append(out, Column{a.Column(), kind, "", "attribute " + a.Path})
	}
	return out
}

// StateAttributeOf finds the attribute at a path, if SignalStates has it.
func StateAttributeOf(path string) (StateAttribute, bool) {
	i := slices.IndexFunc(StateAttributes, func(a StateAttribute) bool { return a.Path == path })
	if i < 0 {
		return StateAttribute{}, false
	}
	return StateAttributes[i], true
}
