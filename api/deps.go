package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"nightjar/compiler"
	"nightjar/configuration"
	"nightjar/ingest/pipeline/registry"
	"nightjar/scheduler"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// Deps are what a Server is made of.
type Deps struct {
	// HTTP and GRPC are the addresses to listen on; port 0 chooses one.
	HTTP, GRPC string
	// Key is the one key that lets callers in.
	Key string
	// AllowedHosts are names that requests may be for, beside those of loopback and
	// the one of HTTP.
	AllowedHosts []string
	// Version is that of the program.
	Version string

	Rules   Rules
	Signals Signals
	Triage  Triage
	// Intake takes in what LogService is sent.
	Intake Intake
	// Memory is shared by all requests that bring events, whatever their protocol;
	// nil: that of the other requests.
	Memory Memory
	// MessageTime is how long a caller may take to send a message over gRPC, or be
	// silent in the middle of a body over REST; 30 s unless set.
	MessageTime time.Duration
	// Backtests and Jobs run rules over history; JobSignals is what jobs found.
	Backtests  Backtests
	Jobs       Jobs
	JobSignals Signals
	Logs       Logs
	SQL        SQL
	Status     Reporter
	Ledger     Ledger
	Agents     Agents
	// Pipelines are those that change events on their way in, and Preview shows what they
	// would make of one.
	Pipelines *registry.Registry
	// Explainer tells why rules made signals.
	Explainer Explainer

	Suppressions Suppressions
	Previews     Previews
	Tables       Tables
	// UploadDir is where uploads wait to be read by a table.
	UploadDir string
	// Configuration is what users configured beside rules.
	Configuration *configuration.Stores
	// CheckRule says what is wrong with a rule, as *schema.Invalid, or else what
	// is worth knowing.
	CheckRule func(schema.Rule) (warnings []string, err error)
	// Reach tells of rules that ask for what there is not; nil: nobody does.
	Reach Reach
	// Notifications shows what was told of signals, and to whom.
	Notifications Notifications
	// Reparses reads stored events again.
	Reparses Reparses
	// ThreatLists reads lists of indicators; nil: nobody does.
	ThreatLists ThreatLists
	// ReadEvent reads one event as the intake does.
	ReadEvent func(json []byte) (schema.Event, error)
	// Queries bounds what people ask of the database.
	Queries GateConfig
	// Ready is nil when the engine is ready for what is asked; else the error says,
	// to anybody, why it is not.
	Ready func(context.Context, Readiness) error
	// Raw are handlers that read their bodies themselves, by method and path
	// ("POST /api/v2/logs"). They are behind the key, like everything else; how
	// their senders say it may be their own (Door).
	Raw map[string]http.Handler
	// Rest is served where nothing else is, in what it claims; nil: nothing.
	Rest ClaimingDoor
	// Services are gRPC services of others' protocols, behind the key like our own.
	Services []func(grpc.ServiceRegistrar)
	// MaxMessage is the largest message that gRPC reads, in bytes, decompressed; 0:
	// that of a body in JSON.
	MaxMessage int

	// Now is the clock that `now-15m` is read against.
	Now func() time.Time
	Log *slog.Logger
	// Metrics is what /metrics shows. OpenMetrics shows it without a key.
	Metrics     *prometheus.Registry
	OpenMetrics bool
}

// Readiness is what the engine may be ready for.
type Readiness string

// What GET /readyz asks: for nothing in particular is for events.
const (
	ReadyForEvents     Readiness = ""
	ReadyForEvaluation Readiness = "evaluate"
	ReadyForSearch     Readiness = "search"
)

// Door is a raw handler of a protocol that has its own ways with keys.
type Door interface {
	http.Handler
	// Keys are those that the request carries elsewhere than in the headers that
	// everybody may use.
	Keys(*http.Request) []string
	// Open reports whether the request needs no key.
	Open(*http.Request) bool
	// Refuse answers who may not come in: 401 without a key, 403 with a wrong one.
	Refuse(w http.ResponseWriter, r *http.Request, status int, why string)
}

// ClaimingDoor is a door of a protocol whose paths begin with names of its
// senders.
type ClaimingDoor interface {
	Door
	// Claims reports whether the request is of its protocol. Of requests for / it
	// is not asked where they come from a browser.
	Claims(*http.Request) bool
}

// Rules keeps the rules. scheduler.Scheduler implements it.
type Rules interface {
	CreateRule(context.Context, schema.Rule) (stored schema.Rule, warnings []string, err error)
	// UpdateRule changes a rule; ifVersion, unless 0, must be its version.
	UpdateRule(ctx context.Context, id string, ifVersion int64, edit func(*schema.Rule) error) (stored schema.Rule, warnings []string, err error)
	DeleteRule(ctx context.Context, id string) error
	Rule(ctx context.Context, id string) (schema.Rule, error)
	// RuleVersions are all versions of a rule, ascending.
	RuleVersions(ctx context.Context, id string) ([]schema.Rule, error)
	// Rules are all rules, by id.
	Rules(context.Context) ([]schema.Rule, error)
}

// Reach knows which rules ask for what no stored event has.
type Reach interface {
	// Look says what a rule asks for in vain.
	Look(context.Context, schema.Rule) []string
	// Warnings are what was found of a stored rule lately.
	Warnings(*schema.Rule) []string
}

// ThreatLists reads lists of indicators. ingest/intel/feeds implements it.
type ThreatLists interface {
	// States are how the lists are doing, by id.
	States() map[string]ThreatListState
	// Refresh has a list read soon.
	Refresh(id string)
	// Find is what the lists have of a value.
	Find(value string) []ThreatIndicator
}

// ThreatListState is how a list is doing.
type ThreatListState struct {
	Indicators       int
	Skipped          map[string]int
	Problems         []string
	Refreshed, Tried time.Time // zero: not yet
	Error            string
}

// ThreatIndicator is what a list has of a value.
type ThreatIndicator struct {
	Type, Value, Category, Intention, List, SourceURL, About string
}

// Suppressions keeps the suppressions. scheduler.Scheduler implements it.
type Suppressions interface {
	CreateSuppression(context.Context, schema.Suppression) (schema.Suppression, error)
	// UpdateSuppression changes one; ifVersion, unless 0, must be its version.
	UpdateSuppression(ctx context.Context, id string, ifVersion int64, edit func(*schema.Suppression) error) (schema.Suppression, error)
	DeleteSuppression(ctx context.Context, id string) error
	Suppression(ctx context.Context, id string) (schema.Suppression, error)
	Suppressions(context.Context) ([]schema.Suppression, error)
	// SuppressionVersions are all versions of one, ascending.
	SuppressionVersions(ctx context.Context, id string) ([]schema.Suppression, error)
	// SuppressionsAffecting are those whose rule query selects the rule.
	SuppressionsAffecting(context.Context, schema.Rule) ([]schema.Suppression, error)
}

// Previews says what suppressions would have hidden. scheduler.Previewer
// implements it.
type Previews interface {
	Preview(context.Context, schema.Suppression, scheduler.TimeSpan) (*scheduler.Preview, error)
}

// Tables keeps the reference tables. scheduler/reference implements it.
type Tables interface {
	// List is all tables, by name.
	List() []reference.Table
	Get(id string) (reference.Table, error)
	Create(context.Context, reference.Table) (reference.Table, error)
	Update(ctx context.Context, id string, edit func(*reference.Table) error) (reference.Table, error)
	Delete(ctx context.Context, id string) error
	// Rows reads rows by id, in the order of ids; those that there are not are
	// left out.
	Rows(ctx context.Context, id string, ids []string) ([]reference.Row, error)
	// ListRows reads a page in the order of ids; next is empty at the end.
	ListRows(ctx context.Context, id string, limit int, token string) (rows []reference.Row, next string, err error)
	Upsert(ctx context.Context, id string, rows []reference.Row) error
	DeleteRows(ctx context.Context, id string, ids []string) error
	// Import makes a table equal to a file.
	Import(ctx context.Context, id string, file *reference.CSV, uploadID string) (reference.Report, error)
}

// Signals shows what was found. api/clickhouse implements it.
type Signals interface {
	SearchSignals(context.Context, SignalSearch) (SignalPage, error)
	// Signal is a *schema.NotFound when there is none with this id.
	Signal(ctx context.Context, id string) (Signal, error)
	// MatchingSignals are those that the event with this time and arrival is part
	// of, and that the engine stands by; known some seconds after it arrived.
	MatchingSignals(ctx context.Context, at schema.Millis, seq uint64) ([]Signal, error)
}

// Triage changes what analysts made of signals. scheduler.Scheduler implements it.
type Triage interface {
	// Triage carries out all of the edits, or on an error none, and returns the
	// signals as they are now, in the order of the edits.
	Triage(context.Context, []scheduler.TriageEdit) ([]schema.Signal, error)
}

// Intake takes logs in. engine joins it to package ingest.
type Intake interface {
	// SubmitJSON takes in a JSON array of logs, and returns when they are on disk;
	// the batch's id may be empty. A refusal that may pass is a *Busy, one of bad
	// input a *schema.Invalid. Warnings tell of logs that were taken in part.
	SubmitJSON(ctx context.Context, batchID string, body []byte) (events int, duplicate bool, warnings []string, err error)
}

// Backtests runs rules over stored events. scheduler.Backtester implements it.
type Backtests interface {
	// Backtest is a *schema.Invalid for a rule that is wrong or can't be run.
	Backtest(context.Context, schema.Rule, scheduler.TimeSpan) (found *scheduler.Backtest, warnings []string, err error)
}

// Jobs keeps and runs historical jobs. scheduler.Jobs implements it.
type Jobs interface {
	Create(context.Context, scheduler.Job) (scheduler.Job, error)
	// Job, Cancel and Delete are a *schema.NotFound where there is no such job.
	Job(ctx context.Context, id string) (scheduler.Job, error)
	// Jobs are all jobs, the newest first.
	Jobs(context.Context) ([]scheduler.Job, error)
	// Cancel is a *scheduler.JobBusy for a job that has ended, Delete for one that
	// has not.
	Cancel(ctx context.Context, id string) error
	Delete(ctx context.Context, id string) error
	// Convert makes signals of results; a *schema.NotFound names one that is none.
	Convert(ctx context.Context, ids []string, message, severity string) error
}

// SignalSearch selects a page of signals.
type SignalSearch struct {
	RuleKey   string         // empty for all; results of a job have its own
	Query     string         // as in rules; empty for all
	From, To  *schema.Millis // first seen in [From, To); nil: open
	Ascending bool           // oldest first
	After     SignalCursor   // zero: from the beginning
	Limit     int
}

// SignalCursor is a place in the order by time and id: just after this signal.
type SignalCursor struct {
	At schema.Millis
	ID string
}

// SignalPage is a page, in order. Next is zero on the last one.
type SignalPage struct {
	Signals []Signal
	Next    SignalCursor
}

// Signal is a signal as it is shown.
type Signal struct {
	ID                             string
	At                             schema.Millis
	Message, Status, Service, Host string
	Tags                           []string
	// Attributes is a JSON object: title, workflow, nightjar, samples, …
	Attributes string
}

// Logs shows the events themselves. api/clickhouse implements it.
type Logs interface {
	SearchLogs(context.Context, LogSearch) (LogPage, error)
	// Log is one event, with what it came as; a *schema.NotFound where there is none.
	Log(ctx context.Context, at schema.Millis, seq uint64) (schema.Event, error)
	AggregateLogs(context.Context, LogAggregation) ([]LogBucket, error)
	ExplainLogs(context.Context, LogSearch) (LogExplanation, error)
	// Hints says what a search that found nothing may have meant.
	Hints(context.Context, LogSearch) []LogHint
}

// LogHint is something that no event has, and what is near it: unknown_field,
// unknown_value or tag_or_attribute.
type LogHint struct{ Code, Title, Detail string }

// LogSearch selects a page of events, in the order by time and arrival.
type LogSearch struct {
	Query     *compiler.Query
	From, To  schema.Millis // happened in [From, To)
	Ascending bool          // oldest first
	After     *LogCursor    // nil: from the beginning
	Limit     int
	// Raw asks for the events as they came, too (Event.Original).
	Raw bool
}

// LogCursor is a place in the order: just after this event.
type LogCursor struct {
	At  schema.Millis
	Seq uint64
}

// LogPage is a page, in order. Next is where it ends, nil when nothing was found.
// Of the events only what is shown is there: their leaves are not.
type LogPage struct {
	Events []schema.Event
	Next   *LogCursor
	// Cut says that the time ran out: there may be more.
	Cut bool
}

// LogAggregation measures the events that a query selects, in groups.
type LogAggregation struct {
	Query    *compiler.Query
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

// SQL runs one query that Guard let through. api/clickhouse implements it.
type SQL interface {
	// QuerySQL stops reading after limit rows. A parameter is a string, float64,
	// bool or a []any of these. What the database says against the query is a
	// *Refused.
	QuerySQL(ctx context.Context, query string, params map[string]any, limit int) (SQLResult, error)
}

// SQLResult are the rows of a query. A cell is nil, bool, string or json.Number,
// or a list ([]any) or object (map[string]any) of these.
type SQLResult struct {
	Columns   []SQLColumn
	Rows      [][]any
	Truncated bool
}

// SQLColumn is a column of a result.
type SQLColumn struct{ Name, Type string }

// Reporter says how the engine is.
type Reporter interface {
	Status(context.Context) (Status, error)
	// RuleCosts are what enabled rules cost: those that are evaluated by themselves
	// first, then the dearest.
	RuleCosts() []scheduler.RuleCost
	// AcceptLoss notes that somebody knows of the gaps, and says of how many that
	// nobody knew of.
	AcceptLoss(comment string) (gaps int, events uint64, err error)
}

// Status is how the engine is.
type Status struct {
	EventsReceived         uint64 // acknowledged since the first start
	EventsEvaluatedThrough uint64
	CaughtUp               bool
	Lag                    time.Duration
	ClickHouseUp           bool
	ClickHouseVersion      string
	ClickHouseEmbedded     bool
	Rules                  struct{ Total, Enabled, Unsupported, Failing int }
	// Aside are the events that are set aside, for some rule, the earliest first.
	Aside         []scheduler.Aside
	Storage       Storage
	GeoIP         []GeoIP
	WithoutEffect []schema.Idle // what is kept and does nothing
	// Clocks that are off, the furthest first; and sources with times that could
	// not be read, the most first.
	Clocks          []ClockSkew
	UnreadableTimes []UnreadableTimes
	Syslog          []SyslogDoor
	// Gaps are acknowledged events that are lost or set aside, the oldest first;
	// Lost is how many were ever lost.
	Gaps []ArrivalGap
	Lost uint64
}

// ArrivalGap is a stretch of acknowledged events that are not where they should be.
type ArrivalGap struct {
	First, Last, Events uint64
	Arrived, Since      schema.Millis // 0: not known
	State, Reason       string
	Attempts            int
	Accepted            bool
}

// SyslogDoor is how an address that takes in syslog is doing, since the start.
type SyslogDoor struct {
	Protocol, Address string // udp, tcp or tls
	Connections       int    // now
	Messages, Bytes   uint64 // taken in
	// By cause: connections and datagrams of those who may not send, connections
	// that were ended, messages that were lost, and those that were kept damaged.
	Refused, Closed, Lost, Damaged map[string]uint64
}

// ClockSkew is a source and host whose events are all ahead of the clock or behind
// it, by more than ten minutes.
type ClockSkew struct {
	Source, Host         string
	Since, Last          time.Time
	Events, NotEvaluated uint64
	Behind               time.Duration // of the last event; negative: ahead
}

// UnreadableTimes counts events of a source whose time could not be read.
type UnreadableTimes struct {
	Source string
	Events uint64
	Last   time.Time
}

// GeoIP is a database that events are located by.
type GeoIP struct {
	File, Type  string
	Built       time.Time
	Attribution string // to be shown beside results
}

// Storage is what is kept and what was dropped.
type Storage struct {
	Used, Quota                 uint64 // bytes
	OverQuota                   bool
	OldestDay                   string
	Dropped, DroppedUnevaluated uint64 // events
}
