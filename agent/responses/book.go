package responses

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"nightjar/agent/orders"
	"nightjar/objects"
	"nightjar/schema"
)

// Deps are what a Book needs.
type Deps struct {
	Table objects.Table
	Now   func() time.Time
	Log   *slog.Logger
	// History writes into a signal's history how one of its responses stands. It is called
	// again after a crash: the same line twice is one. A signal that there is no more is a
	// *schema.NotFoundError.
	History func(ctx context.Context, signal string, line schema.SignalResponse) error
	// Note has it written down that a response ends, and how, or that one goes on with an agent
	// that its host enrolled anew, before that is kept: after a crash in between it is written
	// down twice.
	Note func(id string, r *Response) error
}

// Versioned is a response with its id and its moments.
type Versioned = objects.Versioned[Response]

// Book has all responses, and the switches. Methods may be called from several goroutines.
type Book struct {
	deps  Deps
	kept  *objects.Store[Response]
	arms  *objects.Store[Arming]
	alone *objects.Store[Alone]
	live  live
	// hosts is held while isolation is passed on within a host, or ended for all of it.
	hosts sync.Mutex
	mu    sync.Mutex
	waker chan struct{} // closed at the next change
}

// NewBook makes a Book. Load must return before anything else is asked of it.
func NewBook(d Deps) *Book {
	b := &Book{deps: d, arms: objects.New(armings, d.Table, d.Now), alone: objects.New(alones, d.Table, d.Now), waker: make(chan struct{})}
	followed := kind
	followed.Enforce = b.live.see
	b.kept = objects.New(followed, d.Table, d.Now)
	return b
}

// Load reads what is stored.
func (b *Book) Load(ctx context.Context) error {
	return errors.Join(b.kept.Load(ctx), b.arms.Load(ctx), b.alone.Load(ctx))
}

// pace is how often deadlines are looked at, and histories that could not be written.
const pace = time.Second

// Run ends what is past its deadline, and writes histories, until the context ends.
func (b *Book) Run(ctx context.Context) error {
	for {
		changed := b.Changed()
		if err := b.Step(ctx); err != nil && ctx.Err() == nil {
			b.deps.Log.Error("cannot keep what became of responses; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(pace):
		}
	}
}

// Step does what is due now.
func (b *Book) Step(ctx context.Context) error {
	now := schema.MillisOf(b.deps.Now())
	var errs []error
	for _, v := range b.live.all() {
		if v.Body.State == Waiting && v.Body.Deadline <= now {
			var err error
			if v, err = b.end(ctx, v.ID, func(r *Response) { r.State = Expired }); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		errs = append(errs, b.tell(ctx, v))
	}
	return errors.Join(errs...)
}

// tell brings the history of the response's signal up to date.
func (b *Book) tell(ctx context.Context, v Versioned) error {
	if v.Body.Signal == "" || v.Body.Told == v.Body.State {
		return nil
	}
	err := b.deps.History(ctx, v.Body.Signal, Line(v))
	if missing := (*schema.NotFoundError)(nil); err != nil && !errors.As(err, &missing) {
		return fmt.Errorf("write response %s into the history of signal %s: %w", v.ID, v.Body.Signal, err)
	}
	_, err = b.kept.Update(ctx, v.ID, 0, func(r *Response) error {
		if r.State == v.Body.State && (r.Result == nil) == (v.Body.Result == nil) { // else it is told again
			r.Told = r.State
		}
		return nil
	})
	return err
}

// Line is the response as the history of its signal says it.
func Line(v Versioned) schema.SignalResponse {
	r := &v.Body
	l := schema.SignalResponse{
		ID: v.ID, Action: string(r.Action), State: string(r.State), Target: r.Target(), Host: r.Host,
		By: r.By, Reason: r.Reason, At: v.CreatedAt, Ended: r.Ended,
	}
	if r.Result != nil {
		l.Status, l.Error = r.Result.Status, r.Result.Error
	}
	return l
}

// Create keeps a response that an agent is told of from then on. A release holds for its
// host's earlier agents too, but for those beside it: other machines that have its name.
func (b *Book) Create(ctx context.Context, r Response, beside ...string) (Versioned, error) {
	now := b.deps.Now()
	r.State, r.Ended, r.Result, r.Told, r.Also = Waiting, 0, nil, "", nil
	if max := schema.MillisOf(now.Add(MaxDeadline)); r.Deadline <= schema.MillisOf(now) || r.Deadline > max {
		return Versioned{}, &schema.InvalidError{Details: []schema.Detail{{Target: "deadline", Message: "want a time from now on, within seven days"}}}
	}
	if r.Action == Kill || r.Action == Isolate {
		if err := b.refused(r.Agent, r.Host); err != nil {
			return Versioned{}, err
		}
	}
	if r.Action == Release {
		b.hosts.Lock()
		defer b.hosts.Unlock()
		r.Also = b.earlier(r.Agent, r.Host, beside)
	}
	v, err := b.kept.Create(ctx, r)
	if err == nil {
		b.wake()
	}
	return v, err
}

// Cancel takes a response back that was not answered yet. The agent may be doing it all the
// same: then its result is kept when it comes.
func (b *Book) Cancel(ctx context.Context, id, by string) (Versioned, error) {
	if v, err := b.kept.Get(ctx, id); err != nil {
		return v, err
	}
	return b.end(ctx, id, func(r *Response) { r.State, r.CancelledBy = Cancelled, by })
}

// errEnded says that a response ended already.
var errEnded = errors.New("it ended already")

// end gives a response that waits its last state; one that ended already stays as it is,
// which is a *schema.InvalidError.
func (b *Book) end(ctx context.Context, id string, edit func(*Response)) (Versioned, error) {
	v, err := b.kept.Update(ctx, id, 0, func(r *Response) error {
		if r.State != Waiting {
			return &schema.InvalidError{Details: []schema.Detail{{Target: "id", Message: "response " + id + " is " + string(r.State) + " already"}}}
		}
		edit(r)
		r.Ended = schema.MillisOf(b.deps.Now())
		return b.deps.Note(id, r)
	})
	if err == nil {
		b.wake()
	}
	return v, err
}

// Answered keeps an agent's results. What is not its own, or was answered already, is
// passed over: an agent repeats results until it sees that they came.
func (b *Book) Answered(ctx context.Context, agent string, results []orders.Result) error {
	var errs []error
	for _, res := range results {
		v, err := b.kept.Get(ctx, res.ID)
		if err != nil || v.Body.Agent != agent || v.Body.Result != nil {
			continue
		}
		_, err = b.kept.Update(ctx, res.ID, 0, func(r *Response) error {
			if r.Result != nil {
				return errEnded
			}
			r.take(res, schema.MillisOf(b.deps.Now()))
			return b.deps.Note(res.ID, r)
		})
		switch {
		case errors.Is(err, errEnded):
		case err != nil:
			errs = append(errs, fmt.Errorf("keep the result of response %s: %w", res.ID, err))
		default:
			b.wake()
		}
	}
	return errors.Join(errs...)
}

// take keeps a result. That of a kill or a collection stands whenever it comes, for it was
// done; isolation is a state, which was taken back meanwhile where the response ended.
func (r *Response) take(res orders.Result, now schema.Millis) {
	r.Result = &Result{Status: res.Status, Error: res.Error, At: schema.Millis(res.At), Report: res.Report}
	r.Told = ""
	if r.State != Waiting && !r.Action.AboutProcess() {
		return
	}
	r.State, r.Ended = Failed, now
	if res.Status == Performed || res.Status == PartiallyPerformed {
		r.State = Done
	}
}

// Statuses of results.
const (
	Performed          = "performed"
	PartiallyPerformed = "partially_performed"
	Errored            = "error"
	Aborted            = "aborted" // the agent would not: it is protected, disarmed, or another process
	TooLate            = "expired"
	Unknown            = "unknown" // the agent was ended while it did it
)

// Of is what an agent is to be told: what it has not answered, whether it is isolated, and
// who has disarmed it; nil: nobody.
func (b *Book) Of(agent string) (commands []orders.Command, isolation *orders.Isolation, disarmed *Arming) {
	disarmed = b.disarming(agent)
	var last *Versioned // that says whether it is isolated
	for _, v := range b.live.of(agent) {
		r := &v.Body
		if r.State == Waiting {
			commands = append(commands, r.command(v.ID))
		}
		if r.rules() {
			last = &v
		}
	}
	if last != nil && last.Body.Action == Isolate && b.rulings()[agent].ID == last.ID && disarmed == nil {
		isolation = &orders.Isolation{Since: last.CreatedAt.Time(), By: last.Body.By, Reason: last.Body.Reason}
	}
	return commands, isolation, disarmed
}

// rules reports whether the response says whether its host is isolated: it took effect, or
// may yet.
func (r *Response) rules() bool {
	return (r.Action == Isolate || r.Action == Release) && (r.State == Waiting || r.State == Done)
}

// Isolated are the hosts that are to be cut off, by the ids of their agents.
func (b *Book) Isolated() map[string]string {
	out := map[string]string{}
	for agent, v := range b.rulings() {
		if v.Body.Action == Isolate {
			out[agent] = v.Body.Host
		}
	}
	return out
}

// Get is one response; a *schema.NotFoundError where there is none.
func (b *Book) Get(ctx context.Context, id string) (Versioned, error) { return b.kept.Get(ctx, id) }

// Query selects responses; what is empty selects all.
type Query struct {
	Signal, Agent, Host string
	State               State
	Action              Action
}

// List are the responses that are selected, the newest first.
func (b *Book) List(q Query) []Versioned {
	all := slices.DeleteFunc(b.all(), func(v Versioned) bool {
		r := &v.Body
		return q.Signal != "" && q.Signal != r.Signal || q.Agent != "" && q.Agent != r.Agent || q.Host != "" && q.Host != r.Host ||
			q.State != "" && q.State != r.State || q.Action != "" && q.Action != r.Action
	})
	slices.Reverse(all)
	return all
}

// all are the responses, the oldest first.
func (b *Book) all() []Versioned {
	all, _ := b.kept.List(context.Background()) // from memory: never fails
	slices.SortStableFunc(all, byAge)
	return all
}

// Changed is closed at the next change of what agents are told.
func (b *Book) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waker
}

func (b *Book) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.waker)
	b.waker = make(chan struct{})
}
