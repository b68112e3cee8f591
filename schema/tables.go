package schema

import (
	"slices"
	"strings"
)

// Tables are all tables there are, in the order in which they are created.
var Tables = []Table{Events, AttributeShapes, Matches, Signals, HistoricalSignals, Objects, Progress, Coverage, KnownValues, KnownGroups, Models, ReferenceRows, ReferenceUploads, Notifications, Audit, DeletedEvents}

const (
	moment = "DateTime64(3, 'UTC')"
	delta  = "Delta, ZSTD(1)"
	word   = "LowCardinality(String)"
)

// Events is where every event is kept.
//
// It is partitioned by arrival, not by event time: one insert then makes parts
// in one partition, however old or wrong its clocks are. Event time prunes
// through the primary key and the skipping index.
//
// What an insert writes, and a part below min_bytes_for_wide_part, is one file. As
// files of its own, each of its hundred paths and forms cost the insert five to ten
// times as much. In larger parts the 96 most frequent paths have files of their own,
// eight each, and the others share a few: a merge opens all files of its parts, and
// events of hundreds of keys would else open tens of thousands
// (compiler/bench/README.md).
var Events = Table{
	Name:    "events",
	Comment: "one row per event",
	Columns: []Column{
		{"seq", "UInt64", delta, "arrival sequence"},
		{"timestamp", moment, delta, "event time"},
		{"seen", moment, delta, "arrival time"},
		{"source", word, "", "reserved: source"},
		{"service", word, "", "reserved: service"},
		{"host", word, "", "reserved: host"},
		{"status", word, "", "reserved: status"},
		{"message", "String", "ZSTD(1)", "reserved: message"},
		{"tags", "Array(LowCardinality(String))", "", "key:value or bare words"},
		{"attributes", attributesType(), "", "leaves of the attributes, for search"},
		{"raw", "String", "ZSTD(1)", "attributes as canonical JSON, for display"},
		{"rest", "Array(String)", "ZSTD(1)", "leaves at paths that attributes does not hold, each as path=value"},
		{"original", "String", "ZSTD(3)", "the event as it came, where pipelines changed it; empty: the message says everything"},
	},
	Indexes: append([]Index{
		{"by_seq", "seq", "minmax", 1},
		{"by_service", "service", "bloom_filter(0.01)", 1},
		{"by_host", "host", "bloom_filter(0.01)", 1},
		{"by_time", "timestamp", "minmax", 1},
		{"by_word", "lower(message)", "text(tokenizer = 'splitByNonAlpha')", 0},
	}, typedIndexes()...),
	Engine:      "MergeTree",
	PartitionBy: "toDate(seen)",
	OrderBy:     "(source, timestamp, seq)",
	Settings: "non_replicated_deduplication_window = 1000, min_bytes_for_wide_part = 67108864, min_level_for_wide_part = 1, " +
		"merge_max_dynamic_subcolumns_in_wide_part = 96, object_shared_data_buckets_for_wide_part = 4, string_serialization_version = 'single_stream'",
}

// AttributeShapes is the Catalogue of what Events holds. A form is stored here
// before the first event that has it.
//
// Rows of kind `path` are the forms of a path. One of kind `through` says that
// the forms of every event up to that arrival are among them: those of later
// events are looked for anew when an engine starts, whoever wrote them. One of
// kind `overflow` says that there are paths beyond, whose forms may be any; one of
// kind `beyond`, that there are such paths in column rest.
var AttributeShapes = Table{
	Name:    "attribute_shapes",
	Comment: "the forms that the values of attributes have ever had",
	Columns: []Column{
		{"kind", word, "", "path, through, overflow or beyond"},
		{"path", "String", "", "attribute path"},
		{"shapes", "UInt16", "", "set of forms; those of all rows of a path count"},
		{"through", "UInt64", "", "arrival sequence; the highest counts"},
	},
	Engine:  "ReplacingMergeTree(through)",
	OrderBy: "(kind, path, shapes)",
}

// Matches is the state of the windows: which event matched which query of
// which rule, for which group.
var Matches = Table{
	Name:    "matches",
	Comment: "one row per event, rule query and group",
	Columns: []Column{
		{"key", "UInt64", "", "hash of rule key and signal group"},
		{"rule_key", word, "", "what the rule detects"},
		{"at", moment, delta, "event time"},
		{"seq", "UInt64", delta, "arrival sequence of the event"},
		{"label", "UInt8", "", "index of the query"},
		{"group", "Array(String)", "ZSTD(1)", "group values, in the order of the group-by fields"},
		{"values", "Array(String)", "ZSTD(1)", "distinct tuples, where the query counts those"},
		{"number", "Nullable(Float64)", "ZSTD(1)", "metric value, where the query adds those"},
		{"tags", "Array(LowCardinality(String))", "", "tags of the event"},
	},
	Engine:      "ReplacingMergeTree",
	PartitionBy: "toYYYYMM(at)",
	OrderBy:     "(key, at, seq, label, group)",
	Settings:    "non_replicated_deduplication_window = 1000",
}

// Signals holds every version of every signal; the highest version counts. The
// columns that a search names are the same as those of events.
//
// Below min_bytes_for_wide_part a part is one file. Of signals that show events
// with a thousand attributes, a wide part is some ten thousand files, and merging a
// few of those needs more at a time than a process may open.
var Signals = Table{
	Name:    "signals",
	Comment: "one row per version of a signal",
	Columns: []Column{
		{"id", "String", "", "fixed when first published"},
		{"version", "UInt64", "", "counts up with every change"},
		{"key", "UInt64", "", "hash of rule key and group"},
		{"rule_key", word, "", "what the rule detected"},
		{"rule_id", word, "", "the rule"},
		{"rule_version", "UInt32", "", "version of the rule that wrote this row"},
		{"case", "Int16", "", "index of the case"},
		{"group", "Array(String)", "", "group values"},
		{"first_seen", moment, "", "time of the first match"},
		{"last_seen", moment, "", "time of the last match"},
		{"events", "UInt64", "", "distinct matching events"},
		{"state", word, "", "open, under_review, archived, or suppressed where a suppression withholds it"},
		{"reason", word, "", "why: merged, retracted or suppressed by the engine, or as an analyst said"},
		{"suppression", word, "", "id of the suppression that withholds it"},
		{"opened", "UInt64", "", "arrival sequence of the event that opened it"},
		{"place", "UInt64", "", "counts up with every version of any signal"},
		{"values", "Array(String)", "ZSTD(1)", "what it is about besides its group: new values, a journey"},
		{"per_query", "Array(UInt64)", "", "distinct matching events of each query"},
		{"silence", "String", "ZSTD(1)", "where something stayed away: since when, until when, as JSON; else empty"},
		{"environment", word, "", "of the events that opened it: lesser (staging, test, dev) or other; empty in rows that older versions wrote"},
		{"event_tags", "Array(LowCardinality(String))", "", "tags that all its events have"},
		{"samples", "String", "ZSTD(1)", "some of its events as JSON"},
		{"timestamp", moment, "", "first_seen, under the name a search uses"},
		{"source", word, "", "reserved: source"},
		{"service", word, "", "reserved: service"},
		{"host", word, "", "reserved: host"},
		{"status", word, "", "reserved: severity"},
		{"message", "String", "ZSTD(1)", "reserved: message"},
		{"tags", "Array(LowCardinality(String))", "", "tags of the rule and of its events"},
		{"attributes", attributesType(), "", "leaves of the attributes, for search"},
		{"raw", "String", "ZSTD(1)", "attributes as canonical JSON, for display"},
		{"triage", "String", "ZSTD(1)", "what analysts made of it, as JSON; empty: nothing"},
		{"assignee", word, "", "who it is assigned to"},
		{"triaged_by", word, "", "who changed its state"},
		{"triaged_at", moment, "", "and when; 1970: never"},
		{"triage_comment", "String", "ZSTD(1)", "and in which words"},
	},
	Indexes: []Index{
		{"by_id", "id", "bloom_filter(0.001)", 1},
		{"by_time", "timestamp", "minmax", 1},
		{"by_place", "place", "minmax", 1},
	},
	// Once, the states were the engine's only.
	Rewrites: []Rewrite{
		{"triaged_by", `UPDATE state = JSONExtractString(triage, 'state'), reason = JSONExtractString(triage, 'reason')
			WHERE state = 'open' AND JSONExtractString(triage, 'state') != ''`},
		{"triaged_by", `UPDATE state = 'suppressed' WHERE state = 'archived' AND reason = 'suppressed'`},
	},
	Engine:   "ReplacingMergeTree(version)",
	OrderBy:  "(key, id)",
	Settings: "non_replicated_deduplication_window = 1000, min_bytes_for_wide_part = 1073741824",
}

// HistoricalSignals holds what historical jobs found: signals, whose rule key
// names the job.
var HistoricalSignals = func() Table {
	t := Signals
	t.Name, t.Comment = "historical_signals", "one row per version of a result of a historical job"
	t.Indexes = append(slices.Clone(t.Indexes), Index{"by_rule_key", "rule_key", "bloom_filter(0.01)", 1})
	return t
}()

// Objects holds what users configure (rules, suppressions, …): every version of
// every object, appended and never changed.
var Objects = Table{
	Name:    "objects",
	Comment: "one row per version of a rule or other configured object",
	Columns: []Column{
		{"kind", word, "", "rule, suppression, …"},
		{"id", "String", "", "id of the object"},
		{"version", "UInt32", "", "1, 2, 3, …"},
		{"written", moment, "", "when"},
		{"deleted", "Bool", "", "true in the last version of a deleted object"},
		{"body", "String", "ZSTD(3)", "the object as JSON"},
	},
	Engine:   "MergeTree",
	OrderBy:  "(kind, id, version)",
	Settings: "non_replicated_deduplication_window = 1000",
}

// Progress says through which arrival each rule has been evaluated.
var Progress = Table{
	Name:    "progress",
	Comment: "how far each rule has been evaluated",
	Columns: []Column{
		{"rule_key", "String", "", "what the rule detects"},
		{"through", "UInt64", "", "every event up to this arrival is evaluated"},
		{"silence_from", moment, "", "silence is judged after this moment"},
		{"silence_judged", moment, "", "silence up to here has been told"},
		{"silence_horizon", moment, "", "silence up to here may have been told"},
		{"at", moment, "", "when"},
	},
	Engine:  "ReplacingMergeTree(through)",
	OrderBy: "rule_key",
}

// Coverage is the evaluation log of what was not evaluated as a matter of course: that a
// rule failed, recovered, was reopened by late events or ran into a limit. What
// is in neither this table nor ahead of Progress was evaluated.
var Coverage = Table{
	Name:    "coverage",
	Comment: "what was not evaluated as a matter of course",
	Columns: []Column{
		{"rule_id", "String", "", "the rule"},
		{"rule_key", "String", "", "what the rule detects"},
		{"rule_version", "UInt32", "", "version of the rule then"},
		{"state", word, "", "failed, recovered, reopened, capped, missing, filled, lost, …"},
		{"after", "UInt64", "", "arrivals after this one"},
		{"through", "UInt64", "", "and through this one"},
		{"earliest", moment, "", "event times: from here"},
		{"latest", moment, "", "to here"},
		{"events", "UInt64", "", "how many events it is about"},
		{"reason", "String", "ZSTD(1)", "in words"},
		{"at", moment, "", "when it was noted"},
	},
	Engine:   "MergeTree",
	OrderBy:  "(rule_id, at, state, after)",
	Settings: "non_replicated_deduplication_window = 1000",
}

// KnownValues is what rules that look for new values have seen: a row per
// stretch of event time in which a value was never out of mind. A row is written
// anew when its stretch grows, and at the latest when it has gone.
var KnownValues = Table{
	Name:    "known_values",
	Comment: "the values that rules know, and from when to when",
	Columns: []Column{
		{"rule_key", word, "", "what the rule detects"},
		{"key", "FixedString(16)", "", "hash of query, group and value"},
		{"start", moment, delta, "first seen"},
		{"end", moment, delta, "last seen"},
		{"gone", "Bool", "", "the stretch with this start is no more"},
		{"version", "UInt64", "Delta, ZSTD(1)", "counts up; the highest counts"},
	},
	Engine:   "ReplacingMergeTree(version)",
	OrderBy:  "(rule_key, key, start)",
	Settings: "non_replicated_deduplication_window = 1000",
}

// KnownGroups are the first events of the groups of such rules: learning begins
// with them.
var KnownGroups = Table{
	Name:    "known_groups",
	Comment: "the first events of the groups that rules know",
	Columns: []Column{
		{"rule_key", word, "", "what the rule detects"},
		{"key", "FixedString(16)", "", "hash of query and group"},
		{"times", "Array(Int64)", "", "event times of the first events, in milliseconds"},
		{"seqs", "Array(UInt64)", "", "their arrival sequences"},
		{"version", "UInt64", "Delta, ZSTD(1)", "counts up; the highest counts"},
	},
	Engine:   "ReplacingMergeTree(version)",
	OrderBy:  "(rule_key, key)",
	Settings: "non_replicated_deduplication_window = 1000",
}

// ReferenceRows holds every change of a row of a reference table. A change counts
// when Objects has that version of the table; others were cut short.
var ReferenceRows = Table{
	Name:    "reference_rows",
	Comment: "one row per change of a row of a reference table",
	Columns: []Column{
		{"table_id", word, "", "id of the table, as in objects"},
		{"key", "String", "ZSTD(1)", "value of the primary key"},
		{"version", "UInt32", delta, "version of the table that made the change"},
		{"removed", "Bool", "", "the row is gone from then on"},
		{"values", "Array(String)", "ZSTD(1)", "values in the order of the fields; empty when removed"},
	},
	Engine:   "MergeTree",
	OrderBy:  "(table_id, key, version)",
	Settings: "non_replicated_deduplication_window = 1000",
}

// ReferenceUploads holds what a file of a reference table has, until it has been
// compared with the table. It is dropped after that.
var ReferenceUploads = Table{
	Name:    "reference_uploads",
	Comment: "one row per line of a file that is being read",
	Columns: []Column{
		{"upload", "UInt64", "", "which reading"},
		{"key", "String", "ZSTD(1)", "value of the primary key"},
		{"line", "UInt64", delta, "number of the line; of one key the last counts"},
		{"values", "Array(String)", "ZSTD(1)", "values in the order of the fields"},
	},
	Engine:      "MergeTree",
	PartitionBy: "upload",
	OrderBy:     "(key, line)",
	Settings:    "non_replicated_deduplication_window = 1000",
}

// Notifications is what is told of signals to whom: the newest version of each counts.
// One row, with an empty target, says through which place signals were looked at.
var Notifications = Table{
	Name:    "notifications",
	Comment: "one row per version of something that a target is told",
	Columns: []Column{
		{"id", "String", "", "hash of signal, target, kind and how often before"},
		{"version", "UInt64", "", "counts up with every attempt"},
		{"target", word, "", "the handle; empty: the place"},
		{"signal", "String", "", "the signal"},
		{"kind", word, "", "opened, changed, archived, resolved or escalated"},
		{"state", word, "", "waiting, sent, failed, muted or dropped"},
		{"digest", "String", "", "key under which several are told in one; empty: alone"},
		{"created", moment, "", "when there was news"},
		{"due", moment, "", "not told before"},
		{"attempts", "UInt32", "", "deliveries that were tried"},
		{"tried", moment, "", "when the last was; 1970: never"},
		{"answer", "String", "ZSTD(1)", "what came of it"},
		{"about", "String", "ZSTD(1)", "the signal then, as JSON; of the place its number"},
	},
	Indexes:  []Index{{"by_signal", "signal", "bloom_filter(0.01)", 1}},
	Engine:   "ReplacingMergeTree(version)",
	OrderBy:  "(target, id)",
	Settings: "non_replicated_deduplication_window = 1000",
}

// Audit is who changed what and who was refused: rows are appended and never changed,
// each with the hash of the one before.
var Audit = Table{
	Name:    "audit",
	Comment: "one row per entry of the audit log",
	Columns: []Column{
		{"seq", "UInt64", delta, "1, 2, 3, …"},
		{"at", moment, delta, "when"},
		{"kind", word, "", "change, sql, keys, deletion, response, sign-in or refusal"},
		{"action", word, "", "the method that was called"},
		{"outcome", word, "", "begun, done, failed or refused"},
		{"caller_id", word, "", "id of the key or person"},
		{"caller", word, "", "and their name"},
		{"role", word, "", "and their role"},
		{"address", word, "", "where the call came from"},
		{"request", "String", "", "joins the entries of one call"},
		{"object", "String", "ZSTD(1)", "what it was about"},
		{"detail", "String", "ZSTD(1)", "in words, or as SQL"},
		{"count", "UInt64", "", "how many alike it stands for"},
		{"previous", "String", "ZSTD(1)", "hash of the row before"},
		{"hash", "String", "ZSTD(1)", "SHA-256 of everything else in the row"},
	},
	Engine:   "MergeTree",
	OrderBy:  "seq",
	Settings: "non_replicated_deduplication_window = 1000",
}

// DeletedEvents are the arrivals of events that somebody had deleted, so that nobody takes
// them for lost. It has nothing else of them.
var DeletedEvents = Table{
	Name:    "deleted_events",
	Comment: "one row per event that was deleted by a query",
	Columns: []Column{{"seq", "UInt64", delta, "its arrival number"}},
	Engine:  "ReplacingMergeTree",
	OrderBy: "seq",
}

// Models is what rules that look for anomalies have learned: for each series the
// model of the buckets that no event can change any more. Those since then are
// counted from Matches.
var Models = Table{
	Name:    "models",
	Comment: "what is usual, per series of an anomaly rule",
	Columns: []Column{
		{"rule_key", word, "", "what the rule detects"},
		{"label", "UInt8", "", "index of the query; 255: about all series of the rule"},
		{"group", "Array(String)", "ZSTD(1)", "group values"},
		{"through", moment, "", "the buckets before this moment are learned"},
		{"state", "String", "ZSTD(1)", "the model, in the binary form of package anomaly"},
		{"version", "UInt64", "Delta, ZSTD(1)", "counts up; the highest counts"},
	},
	Engine:   "ReplacingMergeTree(version)",
	OrderBy:  "(rule_key, label, group)",
	Settings: "non_replicated_deduplication_window = 1000",
}

// AllSeries stands for a label in the row of Models that is about all series of
// a rule: up to its moment all have a model, and a series without began later.
const AllSeries = 255

// TypedPaths are the attributes that most rules ask for. They are stored as
// typed columns inside `attributes`, and their values are strings, whatever the
// sender wrote. Several values at such a path (arrays) are stored at ManyPath.
var TypedPaths = []TypedPath{
	{"usr.id", optionalString},
	{"usr.name", optionalString},
	{"evt.name", optionalWord},
	{"evt.outcome", optionalWord},
	{"network.client.ip", optionalString},
	{"http.method", optionalWord},
	{"http.useragent", optionalString},
	{"agent.rule_id", optionalWord},
	{"process.executable.path", optionalString},
	{"file.path", optionalString},
}

const (
	optionalString = "Nullable(String)"
	optionalWord   = "LowCardinality(Nullable(String))"
)

// TypedPath is an attribute path with a column type of its own.
type TypedPath struct{ Path, Type string }

var typedPaths = func() map[string]TypedPath {
	m := map[string]TypedPath{}
	for _, p := range TypedPaths {
		m[p.Path] = p
	}
	return m
}()

// Typed finds the declaration of a typed path.
func Typed(path string) (TypedPath, bool) {
	p, ok := typedPaths[path]
	return p, ok
}

func attributesType() string {
	hints := []string{"max_dynamic_paths = 1024"}
	for _, p := range TypedPaths {
		hints = append(hints, "`"+p.Path+"` "+p.Type, "`"+ManyPath(p.Path)+"` Array(String)")
	}
	return "JSON(" + strings.Join(hints, ", ") + ")"
}

// typedIndexes let a predicate on a typed path skip granules. It asks for the
// one value or one of several, so both columns have an index: the server skips
// where neither can hold.
func typedIndexes() []Index {
	var out []Index
	for _, p := range TypedPaths {
		name := "by_" + strings.ReplaceAll(p.Path, ".", "_")
		out = append(out,
			Index{name, "attributes.`" + p.Path + "`", "bloom_filter(0.01)", 1},
			Index{name + "_many", "attributes.`" + ManyPath(p.Path) + "`", "bloom_filter(0.01)", 1})
	}
	return out
}
