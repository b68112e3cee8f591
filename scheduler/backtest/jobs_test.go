package backtest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/compiler"
	intake "nightjar/ingest/clickhouse"
	"nightjar/migrations"
	"nightjar/objects"
	"nightjar/scheduler"
	"nightjar/scheduler/backtest"
	rulestore "nightjar/scheduler/clickhouse"
	"nightjar/schema"
	"nightjar/testenv"
)

// killedAtTheEnd is a table of objects to a process that is killed when a job's end is
// to be stored.
type killedAtTheEnd struct {
	objects.Table
	kill context.CancelFunc
}

func (k killedAtTheEnd) Append(ctx context.Context, o objects.Object) error {
	if strings.Contains(o.Body, `"status":"`+backtest.JobCompleted+`"`) {
		k.kill()
		return errors.New("killed")
	}
	return k.Table.Append(ctx, o)
}

// arrived are events that are all stored, up to this arrival.
type arrived uint64

func (a arrived) Stored() uint64 { return uint64(a) }

// history is a server with tables, and with events that jobs are run over.
type history struct {
	*testing.T
	conn    driver.Conn
	arrived arrived
}

func newHistory(t *testing.T, events ...schema.Event) *history {
	t.Helper()
	h := &history{t, testenv.ClickHouse(t), arrived(len(events))}
	if _, err := migrations.Apply(t.Context(), h.conn, schema.Tables); err != nil {
		t.Fatal(err)
	}
	for i := range events {
		events[i].Seq = uint64(i + 1)
	}
	if err := intake.New(h.conn).Insert(t.Context(), t.Name(), events); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *history) store() *rulestore.Store { return rulestore.New(h.conn) }

// runnerDeps are what runs plans over the history.
func (h *history) runnerDeps() backtest.Deps {
	stored := h.store().Deps()
	planner := &backtest.Planner{Suppressions: func(context.Context) ([]schema.Suppression, error) { return nil, nil }}
	return backtest.Deps{
		Plan: planner.Plan, Scanner: h.store().Scanner(), Events: stored.Events, Signals: stored.Signals, Arrivals: h.arrived,
	}
}

// jobs are those that are stored, to be run by a process of their own. edit says what is
// different there; nil: nothing.
func (h *history) jobs(edit func(*backtest.JobsDeps)) *backtest.Jobs {
	h.Helper()
	stored := h.store().Deps()
	deps := backtest.JobsDeps{
		Runner: backtest.New(h.runnerDeps()), Objects: stored.Objects, Results: h.store().Results(), Log: slog.New(slog.DiscardHandler),
	}
	if edit != nil {
		edit(&deps)
	}
	j := backtest.NewJobs(deps)
	if err := j.Load(h.Context()); err != nil {
		h.Fatal(err)
	}
	return j
}

// counted is a scanner that counts how often it was asked.
type counted struct {
	backtest.Scanner
	scans int
}

func (c *counted) Scan(ctx context.Context, st *compiler.ScanStatement, in scheduler.TimeSpan, arrived scheduler.Interval, row func(*compiler.Scanned) error) error {
	c.scans++
	return c.Scanner.Scan(ctx, st, in, arrived, row)
}

// TestSlicesFindWhatOneReadFinds: a long history is read slice by slice, and progress says
// how far it is; a short one at once.
func TestSlicesFindWhatOneReadFinds(t *testing.T) {
	const minute = 60_000
	from := schema.Millis(1_772_366_400_000)
	var events []schema.Event
	for i := range 600 {
		at := from + schema.Millis(i*minute)
		events = append(events, schema.Event{At: at, Seen: at, Source: "sshd", Host: []string{"web-1", "web-2", "web-3"}[i%7%3]})
	}
	h := newHistory(t, events...)
	rule := schema.Rule{
		Name: "of each host", Queries: []schema.RuleQuery{{Query: "source:sshd", GroupByFields: []string{"host"}}},
		Cases: []schema.RuleCase{{Status: "info", Condition: "a > 2"}}, Options: schema.RuleOptions{EvaluationWindow: new(int64(600)), KeepAlive: new(int64(600)), MaxSignalDuration: new(int64(3600))},
	}
	in := scheduler.TimeSpan{From: from, To: from + 600*minute}
	run := func(oneSlice uint64) (signals string, scans, told int) {
		deps := h.runnerDeps()
		deps.OneSlice = oneSlice
		c := &counted{Scanner: deps.Scanner}
		deps.Scanner = c
		before := 0.0
		found, _, err := backtest.New(deps).Backtest(t.Context(), rule, in, func(p float64) {
			if told++; p < before || p > 1 {
				t.Errorf("progress %v after %v", p, before)
			}
			before = p
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range found.Signals {
			signals += fmt.Sprintln(s.Group, s.FirstSeen, s.LastSeen, s.Events)
		}
		return signals, c.scans, told
	}
	one, once, _ := run(0)
	many, scans, told := run(1)
	if once != 1 || scans < 3 || told < scans {
		t.Errorf("read in %d and in %d slices, of which progress said %d", once, scans, told)
	}
	if one != many || strings.Count(one, "\n") < 10 {
		t.Errorf("at once:\n%s\nin slices:\n%s", one, many)
	}
}

// create makes a job over the last minute.
func (h *history) create(j *backtest.Jobs) backtest.Job {
	h.Helper()
	now := schema.MillisOf(time.Now())
	job, err := j.Create(h.Context(), backtest.Job{
		Rule: schema.Rule{
			Name: "of each host", Queries: []schema.RuleQuery{{Query: "source:sshd", GroupByFields: []string{"host"}}},
			Cases: []schema.RuleCase{{Status: "info", Condition: "a > 0"}},
		},
		Index: "main", From: now - 60_000, To: now,
	})
	if err != nil {
		h.Fatal(err)
	}
	return job
}

// start runs jobs until end is called, or the test ends.
func (h *history) start(j *backtest.Jobs) (end func()) {
	ctx, cancel := context.WithCancel(h.Context())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			h.Error(err)
		}
	}
}

// ended waits until the job has.
func (h *history) ended(j *backtest.Jobs, id string) backtest.Job {
	h.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		job, err := j.Job(h.Context(), id)
		switch {
		case err != nil:
			h.Fatal(err)
		case job.Ended():
			return job
		case time.Now().After(deadline):
			h.Fatalf("job %s is still %s", id, job.Status)
		}
	}
}

// results is how many results of a job are stored.
func (h *history) results(job backtest.Job) (n uint64) {
	h.Helper()
	row := h.conn.QueryRow(h.Context(), "SELECT count() FROM "+schema.HistoricalSignals.Name+" FINAL WHERE rule_key = '"+job.RuleKey()+"'")
	if err := row.Scan(&n); err != nil {
		h.Fatal(err)
	}
	return n
}

// twoHosts are events that the rule of create makes two signals of.
func twoHosts() []schema.Event {
	now := schema.MillisOf(time.Now())
	return []schema.Event{
		{At: now - 3000, Seen: now, Source: "sshd", Host: "a"},
		{At: now - 2000, Seen: now, Source: "sshd", Host: "b"},
	}
}

// TestAJobThatIsRunAgainHasItsResults kills a process between storing what a job found and
// storing that it has ended. The next finds and stores the very same again, in place of it.
func TestAJobThatIsRunAgainHasItsResults(t *testing.T) {
	t.Parallel()
	h := newHistory(t, twoHosts()...)
	ctx, kill := context.WithCancel(t.Context())
	first := h.jobs(func(d *backtest.JobsDeps) { d.Objects = killedAtTheEnd{d.Objects, kill} })
	job := h.create(first)
	if err := first.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if n := h.results(job); n != 2 {
		t.Fatalf("%d results are stored when the process is killed, want 2", n)
	}

	again := h.jobs(nil)
	defer h.start(again)()
	job = h.ended(again, job.ID)
	if n := h.results(job); job.Status != backtest.JobCompleted || job.Signals != 2 || n != 2 {
		t.Errorf("run again, the job is %s with %d signals, of which %d are stored; want completed, 2 and 2", job.Status, job.Signals, n)
	}
}

// slowResults stores what a job found once it was cancelled and its results were dropped.
type slowResults struct {
	backtest.Results
	publishing chan struct{}
	dropped    chan struct{}
	stored     chan error
}

func (r slowResults) Publish(ctx context.Context, signals []scheduler.Published) error {
	close(r.publishing)
	<-r.dropped
	err := r.Results.Publish(ctx, signals)
	r.stored <- err
	return err
}

// TestACancelledJobHasNoResults cancels a job whose results are being stored: they are
// there when Cancel has dropped what there was, and go, too. The next job has its own.
func TestACancelledJobHasNoResults(t *testing.T) {
	t.Parallel()
	h := newHistory(t, twoHosts()...)
	slow := slowResults{publishing: make(chan struct{}), dropped: make(chan struct{}), stored: make(chan error, 1)}
	j := h.jobs(func(d *backtest.JobsDeps) {
		slow.Results = d.Results
		d.Results = &onlyOnce{Results: d.Results, first: slow}
	})
	job, next := h.create(j), h.create(j)
	defer h.start(j)()
	<-slow.publishing
	if err := j.Cancel(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	close(slow.dropped)
	if err := <-slow.stored; err != nil {
		t.Errorf("what was being stored is neither stored nor not: %v", err)
	}
	next = h.ended(j, next.ID) // which begins when the cancelled one is done with
	if n := h.results(job); n != 0 {
		t.Errorf("the cancelled job has %d results, want none", n)
	}
	if n := h.results(next); next.Status != backtest.JobCompleted || n != 2 {
		t.Errorf("the next job is %s with %d results, want completed with 2", next.Status, n)
	}
}

// onlyOnce has the first results stored by another.
type onlyOnce struct {
	backtest.Results
	first backtest.Results
}

func (o *onlyOnce) Publish(ctx context.Context, signals []scheduler.Published) error {
	if first := o.first; first != nil {
		o.first = nil
		return first.Publish(ctx, signals)
	}
	return o.Results.Publish(ctx, signals)
}
