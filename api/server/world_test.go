package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	bookOfResponses "nightjar/agent/responses"
	"nightjar/api/access"
	"nightjar/api/access/audit"
	"nightjar/api/access/service"
	"nightjar/api/access/signin"
	"nightjar/api/limits"
	"nightjar/api/rest"
	"nightjar/api/services/authoring"
	"nightjar/api/services/events"
	"nightjar/api/services/facets"
	"nightjar/api/services/operations"
	"nightjar/api/services/responses"
	"nightjar/api/services/rules"
	"nightjar/api/services/signals"
	"nightjar/compiler"
	"nightjar/compiler/rulecheck"
	"nightjar/compiler/search"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/objects/objectstest"
	"nightjar/scheduler"
	"nightjar/schema"
)

const testKey = "the-test-key"

var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is the other implementation of every interface that Server calls.
type world struct {
	memory      limits.Memory
	stuck       events.Store // in place of the world; nil: the world
	queries     limits.QueryConfig
	messageTime time.Duration

	keys *access.Keys
	rate float64 // calls a second of each key; 0: any

	shelf     shelf
	responses *bookOfResponses.Book
	agents    []responses.Agent

	audits     sync.Mutex
	audit      []audit.Entry
	auditFails error

	mu           sync.Mutex
	rules        map[string]schema.Rule
	looked       func()                   // after rules were read; nil: nothing happens then
	past         map[string][]schema.Rule // versions before the present one
	signals      []signals.Signal
	search       signals.Search // the last one
	triaged      map[string]schema.Signal
	intake       events.Intake
	logs         []schema.Event
	cut          bool
	asked        events.LogSearch      // the last one
	counted      events.LogAggregation // the last one
	buckets      []events.LogBucket
	query        string // the last one
	params       map[string]any
	sql          func(context.Context) (events.SQLResult, error)
	ready        error
	objects      []objects.Object
	backup       int // what a backup is answered with
	signalCounts int
	looks        int
}

func newWorld() *world {
	w := &world{rules: map[string]schema.Rule{}, past: map[string][]schema.Rule{}}
	w.responses = bookOfResponses.NewBook(bookOfResponses.Deps{
		Table: &objectstest.Table{}, Now: w.now, Log: slog.New(slog.DiscardHandler), Note: func(string, *bookOfResponses.Response) error { return nil },
		History: func(context.Context, string, schema.SignalResponse) error { return nil },
	})
	return w
}

// Agents implements responses.Agents.
func (w *world) Agents() []responses.Agent { return w.agents }

func (w *world) CreateRule(_ context.Context, r schema.Rule) (rulecheck.Checked, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.check(r); c.Err() != nil {
		return c, c.Err()
	}
	if r.Name == "panic" {
		panic("planted")
	}
	r.ID, r.Version, r.CreatedAt = schema.NewID(), 1, schema.MillisOf(testNow)
	w.rules[r.ID] = r
	return storedAs(r), nil
}

// storedAs is a rule that was checked and stored.
func storedAs(r schema.Rule) rulecheck.Checked {
	return rulecheck.Checked{Plan: &compiler.Plan{Rule: r}}
}

func (w *world) UpdateRule(_ context.Context, id string, ifVersion int64, edit func(*schema.Rule) error) (rulecheck.Checked, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, ok := w.rules[id]
	if !ok {
		return rulecheck.Checked{}, &schema.NotFoundError{Kind: "rule", ID: id}
	}
	if ifVersion != 0 && ifVersion != r.Version {
		return rulecheck.Checked{}, &schema.ConflictError{Kind: "rule", ID: id, Have: r.Version, Want: ifVersion}
	}
	if err := edit(&r); err != nil {
		return rulecheck.Checked{}, err
	}
	if c := w.check(r); c.Err() != nil {
		return c, c.Err()
	}
	w.past[id] = append(w.past[id], w.rules[id])
	r.Version = w.rules[id].Version + 1
	r.ID, r.CreatedAt = id, w.rules[id].CreatedAt
	r.UpdatedAt = schema.MillisOf(testNow.Add(time.Minute))
	w.rules[id] = r
	return storedAs(r), nil
}

func (w *world) DeleteRule(_ context.Context, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.rules[id]; !ok {
		return &schema.NotFoundError{Kind: "rule", ID: id}
	}
	delete(w.rules, id)
	return nil
}

func (w *world) Rule(_ context.Context, id string) (schema.Rule, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r, ok := w.rules[id]; ok {
		return r, nil
	}
	return schema.Rule{}, &schema.NotFoundError{Kind: "rule", ID: id}
}

func (w *world) RuleVersions(_ context.Context, id string) ([]schema.Rule, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, ok := w.rules[id]
	if !ok {
		return nil, &schema.NotFoundError{Kind: "rule", ID: id}
	}
	return append(slices.Clone(w.past[id]), r), nil
}

func (w *world) Rules(context.Context) ([]schema.Rule, error) {
	if w.looked != nil {
		defer w.looked()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]schema.Rule, 0, len(w.rules))
	for _, id := range slices.Sorted(maps.Keys(w.rules)) {
		out = append(out, w.rules[id])
	}
	return out, nil
}

// check knows the mistakes that the recordings make beside those that every rule's check
// finds in words and numbers.
func (w *world) check(r schema.Rule) rulecheck.Checked {
	c := rulecheck.Check(r, rulecheck.Surroundings{})
	var bad schema.InvalidError
	for i, q := range r.Queries {
		if q.Query == "" && q.RuleID == "" && q.DefaultRuleID == "" {
			bad.Add("queries["+string(rune('0'+i))+"].query", "Query filter cannot be empty")
		}
	}
	if s := r.Scheduling; s != nil && s.RRule == "" {
		bad.Add("schedulingOptions.rrule", "The RRULE schedule is invalid for scheduled rules")
	}
	o := r.Options
	if o.KeepAlive != nil && o.MaxSignalDuration != nil && *o.KeepAlive > *o.MaxSignalDuration {
		bad.Add("maxSignalDuration", "Max signal duration must be greater than or equal to keep alive")
	}
	if o.KeepAlive != nil && *o.KeepAlive == 999999 {
		bad.Add("keepAlive", "Keep alive is not in allowed durations: 0, 1, 5, 10, 15, 30, 60, 120, 180, 360 (in minutes)")
	}
	c.Uncompiled, c.Warnings = bad.Err(), nil
	return c
}

func (w *world) SearchSignals(_ context.Context, s signals.Search) (signals.Page, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.search = s
	var page signals.Page
	for _, found := range w.signals {
		if s.After.ID == "" || found.ID > s.After.ID {
			page.Signals = append(page.Signals, found)
		}
	}
	if len(page.Signals) > s.Limit {
		page.Signals = page.Signals[:s.Limit]
		last := page.Signals[s.Limit-1]
		page.Next = signals.Cursor{At: last.At, ID: last.ID}
	}
	return page, nil
}

func (w *world) Signal(_ context.Context, id string) (signals.Signal, error) {
	for _, s := range w.signals {
		if s.ID == id {
			return s, nil
		}
	}
	return signals.Signal{}, &schema.NotFoundError{Kind: "signal", ID: id}
}

func (w *world) MatchingRules(context.Context, schema.Millis, uint64) ([]string, error) {
	return nil, nil
}

func (w *world) MatchingSignals(_ context.Context, at schema.Millis, seq uint64) ([]signals.Signal, error) {
	var out []signals.Signal
	for _, s := range w.signals {
		if strings.Contains(s.Attributes, schema.EventID(at, seq)) {
			out = append(out, s)
		}
	}
	return out, nil
}

func (w *world) Versions(_ context.Context, id string) ([]signals.Version, error) {
	sig, ok := w.triaged[id]
	if !ok {
		return nil, &schema.NotFoundError{Kind: "signal", ID: id}
	}
	return []signals.Version{{Number: 1, Triage: sig.Triage}}, nil
}

func (w *world) Triage(_ context.Context, edits []scheduler.TriageEdit) ([]schema.Signal, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next, out := maps.Clone(w.triaged), []schema.Signal{}
	for _, e := range edits {
		sig, ok := next[e.ID]
		if !ok {
			return nil, &schema.NotFoundError{Kind: "signal", ID: e.ID}
		}
		if e.IfVersion != nil && *e.IfVersion < sig.Triage.Version {
			return nil, &schema.ConflictError{Kind: "signal", ID: e.ID, Have: int64(sig.Triage.Version), Want: int64(*e.IfVersion)}
		}
		if err := e.Edit(&sig); errors.Is(err, scheduler.ErrLeave) {
			out = append(out, schema.Signal{})
			continue
		} else if err != nil {
			return nil, err
		}
		sig.Triage.Version++
		next[e.ID] = sig
		out = append(out, sig)
	}
	w.triaged = next
	return out, nil
}

// SearchLogs takes the events as they lie: in the order of the search.
func (w *world) SearchLogs(_ context.Context, s events.LogSearch) (events.LogPage, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = s
	rest := w.logs
	if s.After != nil {
		rest = rest[1+slices.IndexFunc(rest, func(e schema.Event) bool { return e.At == s.After.At && e.Seq == s.After.Seq }):]
	}
	page := events.LogPage{Events: rest[:min(len(rest), s.Limit)], Cut: w.cut}
	if n := len(page.Events); n > 0 {
		page.Next = &events.LogCursor{At: page.Events[n-1].At, Seq: page.Events[n-1].Seq}
	}
	return page, nil
}

func (w *world) Log(_ context.Context, at schema.Millis, seq uint64) (schema.Event, error) {
	for _, e := range w.logs {
		if e.At == at && e.Seq == seq {
			return e, nil
		}
	}
	return schema.Event{}, &schema.NotFoundError{Kind: "event", ID: schema.EventID(at, seq)}
}

func (w *world) AggregateLogs(_ context.Context, a events.LogAggregation) ([]events.LogBucket, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counted = a
	return w.buckets, nil
}

func (w *world) Facets(_ context.Context, q facets.Question) (facets.Counts, error) {
	return facets.Counts{Total: 3, Fields: make([]facets.FieldCounts, len(q.Fields))}, nil
}

func (w *world) Patterns(context.Context, facets.PatternsQuestion) (facets.Patterns, error) {
	return facets.Patterns{Total: 3, Distinct: 2, Patterns: []facets.PatternCount{{Shape: "knock \x05", Count: 2}}}, nil
}

func (w *world) Histogram(context.Context, facets.HistogramQuestion) (facets.Histogram, error) {
	return facets.Histogram{}, nil
}

func (w *world) CountHidden(context.Context, string, []schema.Millis) (map[string]rules.HiddenCount, error) {
	return nil, nil
}

func (w *world) TagKeys(context.Context, facets.Question) ([]facets.ValueCount, error) {
	return nil, nil
}

// Clauses has two events: one for which the first part holds, and one for which all others do.
func (w *world) Clauses(_ context.Context, q facets.ClausesQuestion) (facets.HeldCounts, error) {
	all := facets.Held(uint64(1)<<len(q.Parts) - 1)
	return facets.HeldCounts{Events: map[facets.Held]uint64{1: 1, all &^ 1: 1}}, nil
}

func (w *world) Shares(_ context.Context, q facets.SharesQuestion) ([]facets.SourceShares, error) {
	return []facets.SourceShares{{Source: "sshd", Events: 4, Having: make([]uint64, len(q.Fields))}}, nil
}

func (w *world) Paths() []string { return nil }

func (w *world) GroupFields(context.Context, facets.Selection, []string) (map[string]string, error) {
	return nil, nil
}

func (w *world) Sources(context.Context, facets.SourcesQuestion) (facets.Sources, error) {
	return facets.Sources{}, nil
}

func (w *world) Span(context.Context, facets.Selection) (from, to schema.Millis, err error) {
	return 0, 0, nil
}

func (w *world) Hints(context.Context, events.LogSearch) []events.LogHint {
	return []events.LogHint{{Code: "unknown_field", Title: "No event has @x"}}
}

func (w *world) FieldHints(*search.Query) []events.LogHint { return nil }

func (w *world) ExplainLogs(_ context.Context, s events.LogSearch) (events.LogExplanation, error) {
	w.asked = s
	return events.LogExplanation{
		SQL: "SELECT …", Params: map[string]string{"p0": "x"},
		Indexes: []events.IndexUse{{Kind: "skip", Name: "by_time", Keys: []string{"timestamp"}, PartsBefore: 3, PartsAfter: 1, GranulesBefore: 9, GranulesAfter: 2}},
	}, nil
}

func (w *world) QuerySQL(ctx context.Context, query string, params map[string]any, _ int) (events.SQLResult, error) {
	w.query, w.params = query, params
	if w.sql != nil {
		return w.sql(ctx)
	}
	return events.SQLResult{
		Columns: []events.SQLColumn{{Name: "n", Type: "UInt64"}, {Name: "s", Type: "Nullable(String)"}},
		Rows:    [][]any{{json.Number("1"), "a,b"}, {json.Number("2"), nil}},
	}, nil
}

func (w *world) RuleCosts() []scheduler.RuleCost {
	return []scheduler.RuleCost{{RuleID: "abc-def-ghi", Name: "dear", CPU: 1500 * time.Microsecond, CPUKnown: true, Signals: 3, Alone: true, Dear: true, Behind: 7}, {RuleID: "jkl-mno-pqr", Failing: "a timeout"}, {RuleID: "stu-vwx-yza", Unsupported: "not yet"}}
}

// SignalsOfRules implements authoring.Counts.
func (w *world) SignalsOfRules(_ context.Context, days []schema.Millis) (map[string]authoring.RuleSignals, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.signalCounts++
	out := map[string]authoring.RuleSignals{}
	for id := range w.rules {
		byDay := make([]uint64, len(days))
		byDay[len(days)-1] = 3
		out[id] = authoring.RuleSignals{All: 5, ByDay: byDay}
	}
	return out, nil
}

func (w *world) AcceptLoss(_, _ string) (int, uint64, error) { return 1, 3, nil }

func (w *world) Stored(context.Context) (operations.Stored, error) {
	return operations.Stored{
		Tables: []operations.StoredTable{{Name: "events", Rows: 5, Bytes: 500, Parts: 1}}, Events: 90 * 24 * time.Hour,
		Next:    []operations.Letting{{Table: "events", What: "20260101", Reason: "age", At: time.Unix(1_800_000_000, 0)}},
		Backups: []operations.BackupRun{{Name: "nightjar-1", Begun: time.Unix(1_700_000_000, 0), Ended: time.Unix(1_700_000_060, 0), Bytes: 7}, {Begun: time.Unix(1_600_000_000, 0), Error: "it broke"}},
	}, nil
}

func (w *world) Status(context.Context) (operations.Status, error) {
	return operations.Status{EventsReceived: 5, EventsEvaluatedThrough: 5, CaughtUp: true, ClickHouseUp: true}, nil
}

// guard lets in who has the test's key, or one of the world's.
func (w *world) guard() *access.Guard {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keys == nil {
		clock := func() time.Time { return testNow }
		w.keys = access.NewKeys(access.KeysDeps{First: testKey, Store: objects.New(access.KeyKind, w, clock), Now: clock})
	}
	return &access.Guard{Keys: w.keys, Limits: access.NewLimits(w.rate, time.Now), Audit: w}
}

// access are the services of access, over the world.
func (w *world) access() service.Services {
	people := objects.New(signin.Kind(func(string) bool { return true }), w, time.Now)
	users := signin.NewUsers(people, func() schema.Millis { return schema.MillisOf(testNow) })
	return service.New(service.Deps{Keys: w.guard().Keys, Users: users, Now: func() time.Time { return testNow }})
}

// Write, Note and Refuse implement access.Recorder.
func (w *world) Write(e audit.Entry) error { return w.write(e) }
func (w *world) Note(e audit.Entry)        { _ = w.write(e) }
func (w *world) Refuse(e audit.Entry)      { e.Outcome = audit.Refused; _ = w.write(e) }

func (w *world) write(e audit.Entry) error {
	w.audits.Lock()
	defer w.audits.Unlock()
	if w.auditFails == nil {
		w.audit = append(w.audit, e)
	}
	return w.auditFails
}

// testDoor takes events, by a protocol that has no ways of its own.
type testDoor struct{ http.Handler }

func (testDoor) Keys(*http.Request) []string { return nil }
func (testDoor) Open(*http.Request) bool     { return false }
func (testDoor) Refuse(w http.ResponseWriter, _ *http.Request, status int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"errors":[%q]}`, why)
}

// start serves the world until the test ends.
func (w *world) start(t testing.TB) *Server {
	t.Helper()
	logs := events.Store(w)
	if w.stuck != nil {
		logs = w.stuck
	}
	s, err := New(Deps{
		HTTP: "127.0.0.1:0", GRPC: "127.0.0.1:0", Guard: w.guard(), Access: w.access(), Version: "test",
		Rules: w, Signals: w, Triage: w, Intake: w.intake, Queries: w.queries, Logs: logs, SQL: w, Status: w, CheckRule: w.check,
		Responses: w.responses, Enrolled: w,
		Facets: w, Counts: w, Hidden: w, Retention: &w.shelf,
		Suppressions: newTestSuppressions(w), ReadEvent: readTestEvent, Configuration: configuration.NewStores(w, w.now, configuration.ForAgents{Check: w.checkExpression}),
		Ready: func(context.Context, rest.Readiness) error { return w.ready }, Memory: w.memory, MessageTime: w.messageTime,
		Raw: map[string]http.Handler{
			"POST /api/nightjar/v1/backup": http.HandlerFunc(func(a http.ResponseWriter, _ *http.Request) { a.WriteHeader(w.backup) }),
			"POST /api/v2/logs":            testDoor{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })},
		},
		Now: func() time.Time { return testNow },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

// readTestEvent knows what the tests send of the intake's fields.
func readTestEvent(text []byte) (schema.Event, error) {
	var in struct{ DDSource, DDTags, Message string }
	if err := json.Unmarshal(text, &in); err != nil {
		return schema.Event{}, err
	}
	e := schema.Event{Source: in.DDSource, Message: in.Message}
	if in.DDTags != "" {
		e.Tags = strings.Split(in.DDTags, ",")
	}
	var err error
	e.Attributes, err = schema.ParseAttributes(string(text))
	return e, err
}

// now goes on by a second at every look.
func (w *world) now() time.Time {
	w.looks++
	return testNow.Add(time.Duration(w.looks) * time.Second)
}

// All and Append make the world the store of configured objects.
func (w *world) All(_ context.Context, kind string) (out []objects.Object, err error) {
	for _, o := range w.objects {
		if o.Kind == kind {
			out = append(out, o)
		}
	}
	return out, nil
}

func (w *world) Append(_ context.Context, o objects.Object) error {
	w.objects = append(w.objects, o)
	return nil
}

// checkExpression stands for secl: it knows the mistake that the recordings make.
func (w *world) checkExpression(text string) error {
	if text == "exec.file.name" {
		return errors.New("rule syntax error: bool expected: 1:1: exec.file.name\n^")
	}
	return nil
}

// testSuppressions keeps suppressions as configuration keeps everything else.
type testSuppressions struct {
	*objects.Store[schema.Suppression]
}

func newTestSuppressions(w *world) testSuppressions {
	return testSuppressions{objects.New(objects.Kind[schema.Suppression]{
		Name: "suppression", NewID: schema.NewID,
		Check: func(p *schema.Suppression) error { _, err := compiler.CompileSuppression(*p); return err },
	}, w, w.now)}
}

func asSuppression(v objects.Versioned[schema.Suppression], err error) (schema.Suppression, error) {
	v.Body.ID, v.Body.Version, v.Body.CreatedAt, v.Body.UpdatedAt = v.ID, v.Version, v.CreatedAt, v.UpdatedAt
	return v.Body, err
}

func (s testSuppressions) CreateSuppression(ctx context.Context, p schema.Suppression) (schema.Suppression, error) {
	return asSuppression(s.Create(ctx, p))
}

func (s testSuppressions) UpdateSuppression(ctx context.Context, id string, ifVersion int64, edit func(*schema.Suppression) error) (schema.Suppression, error) {
	return asSuppression(s.Update(ctx, id, ifVersion, edit))
}

func (s testSuppressions) DeleteSuppression(ctx context.Context, id string) error {
	return s.Delete(ctx, id)
}

func (s testSuppressions) Suppression(ctx context.Context, id string) (schema.Suppression, error) {
	return asSuppression(s.Get(ctx, id))
}

func (s testSuppressions) Suppressions(ctx context.Context) (out []schema.Suppression, err error) {
	all, err := s.List(ctx)
	for _, v := range all {
		p, _ := asSuppression(v, nil)
		out = append(out, p)
	}
	return out, err
}

func (s testSuppressions) SuppressionVersions(ctx context.Context, id string) (out []schema.Suppression, err error) {
	if _, err := s.Get(ctx, id); err != nil {
		return nil, err
	}
	log, err := s.Log(ctx)
	for _, v := range log {
		if v.ID == id {
			p, _ := asSuppression(v, nil)
			out = append(out, p)
		}
	}
	return out, err
}

func (s testSuppressions) SuppressionsAffecting(ctx context.Context, rule schema.Rule) ([]schema.Suppression, error) {
	all, err := s.Suppressions(ctx)
	return slices.DeleteFunc(all, func(p schema.Suppression) bool {
		c, err := compiler.CompileSuppression(p)
		return err != nil || !c.Selects(&rule)
	}), err
}
