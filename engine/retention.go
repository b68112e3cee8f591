package engine

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"nightjar/agent/responses"
	"nightjar/ingest"
	"nightjar/retention"
	"nightjar/scheduler"
	rulestore "nightjar/scheduler/clickhouse"
	"nightjar/schema"
)

// lookBack is how far behind the lateness allowance a rule may ask for its
// matches: the longest window, signal and learning time of a rule, with room.
const lookBack = 35 * 24 * time.Hour

func (e *engine) lookBack() time.Duration { return e.config.Lateness + lookBack }

// keeping is what is let go of when: what the engine was started with, and what an
// administrator said since.
type keeping struct {
	*retention.Keeper
	kept    *retention.Kept
	started retention.Policy
	back    time.Duration // how far rules look back
	log     *slog.Logger
}

func newKeeper(lc fx.Lifecycle, e *engine, d *database, intake *ingest.Intake, status *scheduler.Status, book *responses.Book, registry *prometheus.Registry) (*keeping, error) {
	k := &keeping{started: e.config.Retention, back: e.lookBack(), log: e.log}
	k.kept = retention.NewKept(rulestore.New(d.conn).Deps().Objects, now, k.changed)
	var err error
	k.Keeper, err = retention.New(retention.Deps{
		Conn: d.conn, InForce: k.inForce, LookBack: e.lookBack(), Responses: endedResponses{book},
		Record: filepath.Join(e.config.DataDir, "retention.json"),
		Beside: intake.LogBytes, Evaluated: func() uint64 { return status.Progress().Through },
		Log: e.log, Metrics: registry, Now: now, HoldStates: d.states.Hold,
	})
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StartHook(k.kept.Load))
	e.run(lc, "retention", k.Run)
	return k, nil
}

// changed has the keeper act by the settings that hold now.
func (k *keeping) changed() {
	if k.Keeper != nil { // else it is made now, and has not begun
		k.Hurry()
	}
}

// inForce is the policy that holds. What is stored was checked; a later release that reads it
// otherwise goes on as it was started, and says so, rather than delete by a guess.
func (k *keeping) inForce() retention.Policy {
	p, err := k.kept.Now().Body.In(k.started)
	if err != nil {
		k.log.Error("the retention that an administrator set can't be read; what the engine was started with holds", "error", err)
		return k.started
	}
	return p
}

// signalsKept is for how long signals are kept after they were last seen; 0: for ever.
func (k *keeping) signalsKept() time.Duration { return k.inForce().SignalsFor(k.back) }

// endedResponses are the book's, as retention needs them.
type endedResponses struct{ book *responses.Book }

// Old implements retention.Ended.
func (r endedResponses) Old(before schema.Millis) int { return len(r.book.Old(before)) }

// LetGo implements retention.Ended.
func (r endedResponses) LetGo(ctx context.Context, before schema.Millis) (int, error) {
	return r.book.LetGo(ctx, before)
}
