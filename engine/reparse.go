package engine

import (
	"context"
	"errors"
	"sync"

	"go.uber.org/fx"

	"nightjar/api/services/operations"
	"nightjar/ingest"
	"nightjar/ingest/geoip"
	"nightjar/ingest/reparse"
	"nightjar/objects"
	rulestore "nightjar/scheduler/clickhouse"
	"nightjar/schema"
)

// newSwap is held while a day of events takes another's place: one that is being made
// anew must not bring back what is deleted meanwhile.
func newSwap() *sync.Mutex { return &sync.Mutex{} }

// reparses are the jobs that read stored events again, as the API asks for them.
type reparses struct{ jobs *reparse.Jobs }

func newReparses(lc fx.Lifecycle, e *engine, d *database, store sink, intake *ingest.Intake, geo *geoip.Databases, pipelines *pipelineRegistry, mark *marker, swap *sync.Mutex) reparses {
	events := &reparse.Events{
		Conn: d.conn, Sink: store.Sink, Intake: intake, Log: e.log, Swap: swap,
		Read: func(old *schema.Event) (schema.Event, error) {
			d := &ingest.Decoder{Locator: locator(geo), Pipelines: pipelines}
			made, err := d.Reread(old)
			if err == nil {
				mark.Mark(&made)
			}
			return made, err
		},
	}
	kept := objects.New(reparse.Kind, rulestore.New(d.conn).Deps().Objects, now)
	lc.Append(fx.StartHook(kept.Load))
	jobs := reparse.New(kept, events, now, e.log)
	e.run(lc, "jobs that read events again", jobs.Run)
	return reparses{jobs}
}

// CreateReparse implements api.Reparses.
func (r reparses) CreateReparse(ctx context.Context, query string, from, to schema.Millis) (operations.ReparseJob, error) {
	return shownReparse(r.jobs.Create(ctx, query, from, to))
}

// Reparses implements api.Reparses.
func (r reparses) Reparses(ctx context.Context) (out []operations.ReparseJob, err error) {
	all, err := r.jobs.List(ctx)
	for _, v := range all {
		shown, _ := shownReparse(v, nil)
		out = append(out, shown)
	}
	return out, err
}

// Reparse implements api.Reparses.
func (r reparses) Reparse(ctx context.Context, id string) (operations.ReparseJob, error) {
	return shownReparse(r.jobs.Get(ctx, id))
}

// CancelReparse implements api.Reparses.
func (r reparses) CancelReparse(ctx context.Context, id string) (operations.ReparseJob, error) {
	v, err := r.jobs.Cancel(ctx, id)
	if errors.Is(err, reparse.ErrEnded) {
		var bad schema.InvalidError
		bad.Add("job_id", err.Error())
		err = bad.Err()
	}
	return shownReparse(v, err)
}

func shownReparse(v objects.Versioned[reparse.Job], err error) (operations.ReparseJob, error) {
	j := v.Body
	return operations.ReparseJob{
		ID: v.ID, Query: j.Query, State: string(j.State), Error: j.Error, From: j.From, To: j.To, Days: len(j.Days), Done: len(j.Done),
		Read: j.Read, Changed: j.Changed, Failed: j.Failed, Created: v.CreatedAt, Ended: j.Ended,
	}, err
}
