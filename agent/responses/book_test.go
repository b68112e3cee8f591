package responses

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/agent/orders"
	"nightjar/objects/objectstest"
	"nightjar/schema"
)

// desk is a book in a world whose table, clock and histories the test has.
type desk struct {
	*Book
	table   *objectstest.Table
	now     time.Time
	history map[string][]string // of every signal: its lines, as id state status
	fails   error               // what writing a history returns
	noted   []string
	unnoted error // what writing down an end returns
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{table: &objectstest.Table{}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), history: map[string][]string{}}
	d.restart(t)
	return d
}

// restart makes the book anew, of what is stored.
func (d *desk) restart(t *testing.T) {
	t.Helper()
	d.Book = NewBook(Deps{
		Table: d.table, Now: func() time.Time { d.now = d.now.Add(time.Millisecond); return d.now }, Log: slog.New(slog.DiscardHandler),
		History: func(_ context.Context, signal string, l schema.SignalResponse) error {
			if d.fails == nil {
				d.history[signal] = append(d.history[signal], strings.TrimSpace(l.Action+" "+l.State+" "+l.Status))
			}
			return d.fails
		},
		Note: func(_ string, r *Response) error {
			if d.unnoted == nil {
				d.noted = append(d.noted, fmt.Sprintf("%s %s", r.Action, r.State))
			}
			return d.unnoted
		},
	})
	if err := d.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) ask(t *testing.T, a Action) string {
	t.Helper()
	r := Response{Action: a, Signal: "s", Agent: "a1", Host: "web-1", Reason: "a drill", By: "jane", Deadline: schema.MillisOf(d.now.Add(time.Minute))}
	if a.AboutProcess() {
		r.Process = &Process{Process: orders.Process{PID: 7, Boot: "b", SinceBoot: 99, Executable: "/x"}}
	}
	v, err := d.Create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return v.ID
}

func (d *desk) answer(t *testing.T, id, status string) {
	t.Helper()
	if err := d.Answered(t.Context(), "a1", []orders.Result{{ID: id, Status: status, At: 5, Report: json.RawMessage(`{"n":1}`)}}); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) step(t *testing.T) {
	t.Helper()
	if err := d.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// state is how a response stands, and what its agent is told.
func (d *desk) state(t *testing.T, id string) string {
	t.Helper()
	v, err := d.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	commands, isolation, disarmed := d.Of("a1")
	told := slices.ContainsFunc(commands, func(c orders.Command) bool { return c.ID == id })
	return fmt.Sprintf("%s told=%v isolated=%v disarmed=%v", v.Body.State, told, isolation != nil, disarmed != nil)
}

func (d *desk) check(t *testing.T, id, want string) {
	t.Helper()
	if got := d.state(t, id); got != want {
		t.Errorf("it is %s, want %s", got, want)
	}
}

func TestARestartGoesOnWithWhatWasAsked(t *testing.T) {
	d := newDesk(t)
	id := d.ask(t, Kill)
	d.restart(t)
	d.check(t, id, "waiting told=true isolated=false disarmed=false")
	commands, _, _ := d.Of("a1")
	c := commands[0]
	if c.Kill == nil || c.Kill.Process.SinceBoot != 99 || c.Kill.Signal != "SIGKILL" || c.Kill.Scope != "process" || c.By != "jane" || !c.Expires.Equal(d.List(Query{})[0].Body.Deadline.Time()) {
		t.Errorf("the agent is told %+v", c)
	}
	if other, _, _ := d.Of("a2"); len(other) != 0 {
		t.Errorf("another agent is told %+v", other)
	}
	d.answer(t, id, Performed)
	d.answer(t, id, Errored) // repeated otherwise: the first stands
	if err := d.Answered(t.Context(), "a2", []orders.Result{{ID: id, Status: Errored}}); err != nil {
		t.Error(err)
	}
	d.restart(t)
	d.check(t, id, "done told=false isolated=false disarmed=false")
	if v, _ := d.Get(t.Context(), id); v.Body.Result.Status != Performed || string(v.Body.Result.Report) != `{"n":1}` {
		t.Errorf("%+v", v.Body.Result)
	}
	if fmt.Sprint(d.noted) != "[kill done]" {
		t.Errorf("noted %v", d.noted)
	}
}

// TestAResultIsKeptOrAskedForAgain has the table fail as a result comes: it is refused, so
// that the agent sends it again.
func TestAResultIsKeptOrAskedForAgain(t *testing.T) {
	d := newDesk(t)
	id := d.ask(t, Collect)
	d.table.Fail = errors.New("planted")
	if err := d.Answered(t.Context(), "a1", []orders.Result{{ID: id, Status: Performed}}); err == nil {
		t.Error("a result that was not stored was taken")
	}
	if _, err := d.Create(t.Context(), Response{Action: Release, Agent: "a1", Reason: "r", Deadline: schema.MillisOf(d.now) + 60_000}); err == nil {
		t.Error("a response that was not stored was made")
	}
	d.table.Fail, d.unnoted = nil, errors.New("the disk is full")
	if err := d.Answered(t.Context(), "a1", []orders.Result{{ID: id, Status: Performed}}); err == nil {
		t.Error("a result that was not written down was taken")
	}
	d.unnoted = nil
	d.check(t, id, "waiting told=true isolated=false disarmed=false")
	d.answer(t, id, Performed)
	d.check(t, id, "done told=false isolated=false disarmed=false")
}

func TestAResponseWaitsUntilItsDeadline(t *testing.T) {
	d := newDesk(t)
	id := d.ask(t, Kill)
	d.step(t)
	d.check(t, id, "waiting told=true isolated=false disarmed=false")
	d.now = d.now.Add(time.Minute)
	d.step(t)
	d.check(t, id, "expired told=false isolated=false disarmed=false")
	d.answer(t, id, Performed) // it was done in time, and could not be said
	d.step(t)
	d.check(t, id, "done told=false isolated=false disarmed=false")
	if got := fmt.Sprint(d.history["s"]); got != "[kill waiting kill expired kill done performed]" {
		t.Errorf("the signal's history: %s", got)
	}
	for _, deadline := range []time.Time{d.now.Add(-time.Second), d.now.Add(MaxDeadline + time.Hour)} {
		if _, err := d.Create(t.Context(), Response{Action: Isolate, Agent: "a1", Reason: "r", Deadline: schema.MillisOf(deadline)}); err == nil {
			t.Errorf("taken with the deadline %s", deadline)
		}
	}
}

func TestWhatIsTakenBackIsNotDone(t *testing.T) {
	d := newDesk(t)
	id := d.ask(t, Kill)
	if _, err := d.Cancel(t.Context(), id, "joe"); err != nil {
		t.Fatal(err)
	}
	d.check(t, id, "cancelled told=false isolated=false disarmed=false")
	if _, err := d.Cancel(t.Context(), id, "joe"); err == nil {
		t.Error("taken back twice")
	}
	if _, err := d.Cancel(t.Context(), "nothing", "joe"); err == nil {
		t.Error("what there is not was taken back")
	}
}

func TestIsolationIsAState(t *testing.T) {
	d := newDesk(t)
	first := d.ask(t, Isolate)
	d.check(t, first, "waiting told=true isolated=true disarmed=false")
	d.answer(t, first, Performed)
	d.restart(t)
	d.check(t, first, "done told=false isolated=true disarmed=false")

	end := d.ask(t, Release)
	d.check(t, end, "waiting told=true isolated=false disarmed=false")
	d.now = d.now.Add(time.Minute)
	d.step(t)
	d.check(t, end, "expired told=false isolated=true disarmed=false") // nobody heard of it
	d.answer(t, end, Performed)                                        // too late: it is isolated again
	d.check(t, end, "expired told=false isolated=true disarmed=false")
	if got := fmt.Sprint(d.Isolated()); got != "map[a1:web-1]" {
		t.Errorf("isolated: %s", got)
	}
	end = d.ask(t, Release)
	d.answer(t, end, Performed)
	d.check(t, end, "done told=false isolated=false disarmed=false")

	cannot := d.ask(t, Isolate)
	d.answer(t, cannot, Errored)
	d.check(t, cannot, "failed told=false isolated=false disarmed=false")
	if len(d.Isolated()) != 0 {
		t.Errorf("isolated: %v", d.Isolated())
	}
}

func TestTheSwitchOutranksEverything(t *testing.T) {
	d := newDesk(t)
	isolated := d.ask(t, Isolate)
	d.answer(t, isolated, Performed)
	kill, collect := d.ask(t, Kill), d.ask(t, Collect)
	if _, _, err := d.Disarm(t.Context(), "jane", " "); err == nil {
		t.Error("disarmed without a reason")
	}
	a, n, err := d.Disarm(t.Context(), "jane", "it kills backups")
	if err != nil || n != 1 || !a.Disarmed {
		t.Fatalf("%+v, %d, %v", a, n, err)
	}
	d.restart(t)
	d.check(t, kill, "cancelled told=false isolated=false disarmed=true")
	d.check(t, collect, "waiting told=true isolated=false disarmed=true")
	var disarmed *DisarmedError
	if _, err := d.Create(t.Context(), Response{Action: Isolate, Agent: "a1", Reason: "r", Deadline: schema.MillisOf(d.now) + 60_000}); !errors.As(err, &disarmed) {
		t.Errorf("isolated while disarmed: %v", err)
	}
	if _, err := d.Arm(t.Context(), "joe", "mended"); err != nil {
		t.Fatal(err)
	}
	d.check(t, collect, "waiting told=true isolated=true disarmed=false")
}

// TestOneAgentIsDisarmedByItself, over a restart, and no other.
func TestOneAgentIsDisarmedByItself(t *testing.T) {
	d := newDesk(t)
	isolated := d.ask(t, Isolate)
	d.answer(t, isolated, Performed)
	kill := d.ask(t, Kill)
	if _, err := d.DisarmOne(t.Context(), "a1", Arming{By: "jane"}); err == nil {
		t.Error("disarmed without a reason")
	}
	if n, err := d.DisarmOne(t.Context(), "a1", Arming{By: "jane", Reason: "it kills backups"}); n != 1 || err != nil {
		t.Fatalf("%d taken back, %v", n, err)
	}
	d.restart(t)
	d.check(t, kill, "cancelled told=false isolated=false disarmed=true")
	if a := d.DisarmedAlone("a1"); a == nil || a.By != "jane" || a.Reason != "it kills backups" || a.Since == 0 {
		t.Errorf("disarmed: %+v", a)
	}
	if _, _, off := d.Of("a2"); off != nil || d.Arming().Disarmed {
		t.Errorf("another agent is disarmed too: %+v", off)
	}
	other := Response{Action: Kill, Agent: "a2", Host: "web-2", Reason: "r", Deadline: schema.MillisOf(d.now) + 60_000, Process: &Process{Process: orders.Process{PID: 7, Boot: "b", SinceBoot: 99, Executable: "/x"}}}
	if _, err := d.Create(t.Context(), other); err != nil {
		t.Errorf("another agent can't kill: %v", err)
	}
	other.Agent, other.Host = "a1", "web-1"
	var disarmed *DisarmedError
	if _, err := d.Create(t.Context(), other); !errors.As(err, &disarmed) || !strings.Contains(err.Error(), "web-1") {
		t.Errorf("it kills while it is disarmed: %v", err)
	}
	for _, all := range []func() error{
		func() error { _, _, err := d.Disarm(t.Context(), "joe", "all"); return err },
		func() error { _, err := d.Arm(t.Context(), "joe", "all"); return err },
	} {
		if err := all(); err != nil {
			t.Fatal(err)
		}
		d.check(t, isolated, "done told=false isolated=false disarmed=true") // whoever disarmed it arms it
	}
	if err := d.ArmOne(t.Context(), "a1", Arming{By: "jane", Reason: "mended"}); err != nil {
		t.Fatal(err)
	}
	d.check(t, isolated, "done told=false isolated=true disarmed=false")
}

// TestAHostThatEnrolsAnewStaysDisarmed until somebody arms it, and then with every agent
// that it ever had.
func TestAHostThatEnrolsAnewStaysDisarmed(t *testing.T) {
	d := newDesk(t)
	if _, err := d.DisarmOne(t.Context(), "a1", Arming{By: "jane", Reason: "it kills backups", Host: "web-1"}); err != nil {
		t.Fatal(err)
	}
	enrol := func(agent, host string) (disarmed bool) {
		t.Helper()
		if err := d.Enrolled(t.Context(), agent, host); err != nil {
			t.Fatal(err)
		}
		_, _, off := d.Of(agent)
		return off != nil
	}
	if !enrol("a9", "web-1") || enrol("a2", "web-2") {
		t.Error("web-1 is armed by enrolling anew, or web-2 is disarmed")
	}
	d.restart(t)
	if a := d.DisarmedAlone("a9"); a == nil || a.By != "jane" || a.Reason != "it kills backups" {
		t.Errorf("disarmed: %+v", a)
	}
	if err := d.ArmOne(t.Context(), "a9", Arming{By: "jane", Reason: "mended", Host: "web-1"}); err != nil {
		t.Fatal(err)
	}
	if enrol("a10", "web-1") {
		t.Error("web-1 is disarmed by enrolling anew")
	}
}

// TestWhatAnAgentIsToldIsFoundWithoutWhatEnded: what is looked through when an agent asks does
// not grow with what was ever done.
func TestWhatAnAgentIsToldIsFoundWithoutWhatEnded(t *testing.T) {
	d := newDesk(t)
	for range 20 {
		d.answer(t, d.ask(t, Collect), Performed)
	}
	d.step(t)
	if n := len(d.live.all()); n != 0 {
		t.Errorf("%d of 20 responses that ended are looked through", n)
	}
	d.restart(t)
	if n := len(d.live.all()); n != 0 {
		t.Errorf("after a restart, %d are", n)
	}
	if id := d.ask(t, Kill); len(d.live.of("a1")) != 1 || len(d.List(Query{})) != 21 {
		t.Errorf("what waits (%s) is not looked through", id)
	}
}

// TestWhatEndedLongAgoIsLetGoOf, but for what is needed still: what waits, what says that a
// host is isolated, and what its signal does not say yet.
func TestWhatEndedLongAgoIsLetGoOf(t *testing.T) {
	d := newDesk(t)
	var gone []string
	for _, a := range []Action{Isolate, Release, Collect} {
		id := d.ask(t, a)
		d.answer(t, id, Performed)
		gone = append(gone, id)
	}
	ruling := d.ask(t, Isolate)
	d.answer(t, ruling, Performed)
	d.step(t)
	d.fails = errors.New("ClickHouse is away")
	untold := d.ask(t, Kill)
	d.answer(t, untold, Performed)
	waits := d.ask(t, Kill)
	young := schema.MillisOf(d.now) + 1
	if n := len(d.Old(young)); n != 3 {
		t.Errorf("%d are old, want 3", n)
	}
	if n := len(d.Old(schema.MillisOf(d.now.Add(-time.Hour)))); n != 0 {
		t.Errorf("%d are old an hour before", n)
	}
	if n, err := d.LetGo(t.Context(), young); n != 3 || err != nil {
		t.Fatalf("let go of %d, %v", n, err)
	}
	d.restart(t)
	for _, id := range gone {
		if _, err := d.Get(t.Context(), id); !errors.As(err, new(*schema.NotFoundError)) {
			t.Errorf("%s is there still: %v", id, err)
		}
	}
	for _, id := range []string{ruling, untold, waits} {
		if _, err := d.Get(t.Context(), id); err != nil {
			t.Errorf("%s is gone: %v", id, err)
		}
	}
	d.check(t, ruling, "done told=false isolated=true disarmed=false")
}

func TestEverySignalHasTheHistoryOfItsResponses(t *testing.T) {
	d := newDesk(t)
	id := d.ask(t, Kill)
	d.step(t)
	d.answer(t, id, Performed)
	d.fails = errors.New("ClickHouse is away")
	if err := d.Step(t.Context()); err == nil {
		t.Error("a history was not written, and nobody says so")
	}
	d.restart(t) // and then comes a crash
	d.fails = nil
	d.step(t)
	d.step(t)
	if got := fmt.Sprint(d.history["s"]); got != "[kill waiting kill done performed]" {
		t.Errorf("the signal's history: %s", got)
	}
	d.fails = &schema.NotFoundError{Kind: "signal", ID: "s"}
	other := d.ask(t, Kill)
	d.step(t)
	d.check(t, other, "waiting told=true isolated=false disarmed=false")
}

// TestWaitersHearOfEveryChange holds that what agents are told never changes unheard.
func TestWaitersHearOfEveryChange(t *testing.T) {
	d := newDesk(t)
	heard := func(what string, change func()) {
		t.Helper()
		before := d.Changed()
		change()
		select {
		case <-before:
		default:
			t.Errorf("nobody hears of %s", what)
		}
	}
	var id string
	heard("a response", func() { id = d.ask(t, Kill) })
	heard("an answer", func() { d.answer(t, id, Performed) })
	heard("the switch", func() { _, _, _ = d.Disarm(t.Context(), "j", "r") })
	heard("the switch of one", func() { _, _ = d.DisarmOne(t.Context(), "a1", Arming{By: "j", Reason: "r"}) })
	heard("arming it", func() { _ = d.ArmOne(t.Context(), "a1", Arming{By: "j", Reason: "r"}) })
	heard("arming", func() { _, _ = d.Arm(t.Context(), "j", "r") })
	id = d.ask(t, Collect)
	heard("taking back", func() { _, _ = d.Cancel(t.Context(), id, "j") })
	d.ask(t, Collect)
	d.now = d.now.Add(time.Hour)
	heard("a deadline", func() { d.step(t) })
}
