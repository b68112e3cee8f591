package clickhouse

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"nightjar/objects"
	"nightjar/scheduler"
	"nightjar/schema"
)

// killedAtTheEnd is a table of objects to a process that is killed when a job's end is
// to be stored.
type killedAtTheEnd struct {
	objects.Table
	kill context.CancelFunc
}

func (k killedAtTheEnd) Append(ctx context.Context, o objects.Object) error {
	if strings.Contains(o.Body, `"status":"`+scheduler.JobCompleted+`"`) {
		k.kill()
		return errors.New("killed")
	}
	return k.Table.Append(ctx, o)
}

// jobs are those that are stored, to be run by a process of their own.
func (e *engine) jobs(s *scheduler.Scheduler, table objects.Table) *scheduler.Jobs {
	e.t.Helper()
	store := New(e.conn)
	deps := store.Deps()
	b := scheduler.NewBacktester(scheduler.BacktestDeps{
		Plan: s.HistoryPlan, Scanner: store.Scanner(), Events: deps.Events, Signals: deps.Signals, Arrivals: e.arrived,
	})
	j := scheduler.NewJobs(scheduler.JobsDeps{Backtester: b, Adopt: s.Adopt, Objects: table, Results: store.Results(), Log: slog.New(slog.DiscardHandler)})
	if err := j.Load(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
	return j
}

// results is how many results of a job are stored.
func (e *engine) results(j *scheduler.Job) (n uint64) {
	e.t.Helper()
	row := e.conn.QueryRow(e.t.Context(), "SELECT count() FROM "+schema.HistoricalSignals.Name+" FINAL WHERE rule_key = '"+j.RuleKey()+"'")
	if err := row.Scan(&n); err != nil {
		e.t.Fatal(err)
	}
	return n
}

// TestAJobThatIsRunAgainHasItsResults kills a process between storing what a job found and
// storing that it has ended. The next finds and stores the very same again, in place of it.
func TestAJobThatIsRunAgainHasItsResults(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s, stop := e.start()
	defer stop()
	now := schema.MillisOf(time.Now())
	e.store([]schema.Event{
		{At: now - 3000, Seen: now, Source: "sshd", Host: "a"},
		{At: now - 2000, Seen: now, Source: "sshd", Host: "b"},
	})
	table := New(e.conn).Deps().Objects
	ctx, kill := context.WithCancel(t.Context())
	first := e.jobs(s, killedAtTheEnd{table, kill})
	job, err := first.Create(t.Context(), scheduler.Job{
		Rule: schema.Rule{
			Name: "of each host", Queries: []schema.RuleQuery{{Query: "source:sshd", GroupByFields: []string{"host"}}},
			Cases: []schema.RuleCase{{Status: "info", Condition: "a > 0"}},
		},
		Index: "main", From: now - 60_000, To: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if n := e.results(&job); n != 2 {
		t.Fatalf("%d results are stored when the process is killed, want 2", n)
	}

	again := e.jobs(s, table)
	ctx, end := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- again.Run(ctx) }()
	for deadline := time.Now().Add(time.Minute); !job.Ended() && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if job, err = again.Job(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
	}
	end()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := e.results(&job); job.Status != scheduler.JobCompleted || job.Signals != 2 || n != 2 {
		t.Errorf("run again, the job is %s with %d signals, of which %d are stored; want completed, 2 and 2", job.Status, job.Signals, n)
	}
}
