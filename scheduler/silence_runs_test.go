package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/compiler"
	"nightjar/scheduler/explain"
	"nightjar/schema"
)

// vigilWorld is a world with a rule that misses its groups after five minutes,
// and a clock at noon.
type vigilWorld struct {
	*world
	t    *testing.T
	s    *Scheduler
	noon schema.Millis
}

func newVigilWorld(t *testing.T, condition string) *vigilWorld {
	t.Helper()
	w := &vigilWorld{world: newWorld(1), t: t, noon: schema.MillisOf(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))}
	w.clock = w.noon.Time()
	w.s = restart(t, w.world)
	window, keep, longest := int64(300), int64(3600), int64(86400)
	rule := schema.Rule{
		Name: "silent", IsEnabled: true, Type: "log_detection", Message: "since {{silent_since}} for {{silent_for}}",
		Queries: []schema.RuleQuery{{Name: "a", Query: "beat", GroupByFields: []string{"host"}}, {Name: "b", Query: "answer", GroupByFields: []string{"host"}}},
		Cases:   []schema.RuleCase{{Status: "high", Condition: condition}},
		Options: schema.RuleOptions{EvaluationWindow: &window, KeepAlive: &keep, MaxSignalDuration: &longest},
	}
	if _, err := w.s.RuleStore.CreateRule(context.Background(), rule); err != nil {
		t.Fatal(err)
	}
	return w
}

// event lets an event arrive, so many seconds after noon by its own time.
func (w *vigilWorld) event(second int, host, message string) {
	w.t.Helper()
	at := w.noon + schema.Millis(second*1000)
	w.events = append(w.events, schema.Event{Seq: uint64(len(w.events) + 1), At: at, Seen: schema.MillisOf(w.clock), Host: host, Message: message, Tags: []string{"env:prod"}})
	if w.recent != nil {
		w.recent.Add(w.events[w.stored:])
	}
	w.stored = uint64(len(w.events))
	drain(w.s)
}

// awake lets the clock go to so many seconds after noon, with the engine awake.
func (w *vigilWorld) awake(second int) {
	w.t.Helper()
	for end := w.noon.Time().Add(time.Duration(second) * time.Second); w.clock.Before(end); {
		w.clock, w.mono = w.clock.Add(lookEvery), w.mono+lookEvery
		w.s.attention.prove(w.mono)
	}
	drain(w.s)
}

// found are the signals that stand: host, the second of first seen, and what is
// said of the silence.
func (w *vigilWorld) found() string {
	var out []string
	for _, sig := range standing(w.world) {
		line := fmt.Sprintf("%s at %d, %d events", strings.Join(sig.Group, " "), (sig.FirstSeen-w.noon)/1000, sig.Events)
		if q := sig.Silence; q != nil {
			line += fmt.Sprintf(", since %d", (q.Since-w.noon)/1000)
			if q.Until != 0 {
				line += fmt.Sprintf(" until %d", (q.Until-w.noon)/1000)
			}
		}
		out = append(out, line)
	}
	return strings.Join(out, "; ")
}

func (w *vigilWorld) want(what string) {
	w.t.Helper()
	if got := w.found(); got != what {
		w.t.Errorf("signals:\n%s\nwant:\n%s", got, what)
	}
}

func TestASilenceIsToldWhenTheClockHasPassedItByTheDelay(t *testing.T) {
	t.Parallel()
	w := newVigilWorld(t, "a < 1 && b < 1")
	w.awake(1)
	w.event(0, "h1", "beat")
	w.awake(300 + 119)
	w.want("")
	w.awake(300 + 121)
	w.want("h1 at 300, 0 events, since 0")
	w.event(3000, "h1", "beat")
	w.want("h1 at 300, 0 events, since 0 until 3000")
	if p := w.whole[standing(w.world)[0].ID]; !strings.Contains(p.Message, "for 50 min") || !strings.Contains(p.Message, "came back after 50 min") {
		t.Errorf("message %q", p.Message)
	}
}

// TestALateEventTakesASilenceBack, or moves it.
func TestALateEventTakesASilenceBack(t *testing.T) {
	t.Parallel()
	w := newVigilWorld(t, "a < 1 && b < 1")
	w.awake(1)
	w.event(0, "h1", "beat")
	w.awake(430)
	w.event(100, "h1", "beat")
	w.want("") // 400 is not judged yet
	w.awake(530)
	w.want("h1 at 400, 0 events, since 100")
	w.event(130, "h1", "beat")
	w.awake(560)
	w.want("h1 at 430, 0 events, since 130")
	gone := 0
	for _, sig := range w.signals {
		if sig.Gone() && sig.Reason == schema.ReasonRetracted {
			gone++
		}
	}
	if gone != 2 {
		t.Errorf("%d signals were retracted, want 2", gone)
	}
}

// TestAnOutageOfOursIsNoSilence: what could not arrive is waited for, and what
// was silent before is told all the same.
func TestAnOutageOfOursIsNoSilence(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]func(*vigilWorld){
		"stopped": func(w *vigilWorld) {},
		"restarted": func(w *vigilWorld) {
			w.s = restart(w.t, w.world)
		},
		"killed": func(w *vigilWorld) {
			w.through = map[string]Checkpoint{}
			w.s = restart(w.t, w.world)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newVigilWorld(t, "a < 1 && b < 1")
			w.awake(1)
			w.event(0, "gone", "beat")
			w.event(1, "here", "beat")
			w.awake(200)
			w.event(200, "here", "beat")
			if name == "restarted" {
				if err := w.s.checkpoints.save(context.Background(), true); err != nil {
					t.Fatal(err)
				}
			}
			outage(w)
			w.clock = w.clock.Add(20 * time.Minute) // nobody looks
			w.mono += 20 * time.Minute
			w.awake(1400 + 60)
			w.want("")
			for second := 400; second <= 1400; second += 200 { // the sender resends what it kept
				w.event(second, "here", "beat")
			}
			w.awake(1400 + 180)
			w.want("gone at 300, 0 events, since 0")
		})
	}
}

// TestWhatMustNotFollow waits for it after each event that asks.
func TestWhatMustNotFollow(t *testing.T) {
	t.Parallel()
	w := newVigilWorld(t, "a > 0 then not b > 0")
	w.awake(1)
	w.event(0, "h1", "beat")
	w.event(0, "h2", "beat")
	w.event(200, "h1", "answer")
	w.event(250, "h2", "beat")
	w.awake(300 + 121)
	w.want("h2 at 300, 2 events, since 0")
	w.awake(550 + 121)
	w.want("h2 at 300, 2 events, since 250")
	w.event(290, "h2", "answer")
	w.want("")
}

// TestAnUpgradeMissesNobodyFromBefore: what was evaluated by a version that knew
// no silence is not judged by it.
func TestAnUpgradeMissesNobodyFromBefore(t *testing.T) {
	t.Parallel()
	w := newVigilWorld(t, "a < 1 && b < 1")
	w.event(0, "h1", "beat")
	if err := w.s.checkpoints.save(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	for key, c := range w.through {
		w.through[key] = Checkpoint{Through: c.Through}
	}
	w.clock = w.clock.Add(400 * time.Second)
	w.s = restart(t, w.world)
	w.awake(1000)
	w.want("")
	w.event(1000, "h1", "beat")
	w.awake(1500)
	w.want("h1 at 1300, 0 events, since 1000")
	w.event(10, "h1", "beat") // late, of before
	w.want("h1 at 1300, 0 events, since 1000")
}

// roster is a table with one column of hosts, each there since a second.
type roster struct {
	noon  schema.Millis
	hosts map[string]int
}

func (r roster) Has(_, _, value string, _ schema.Millis) bool { _, ok := r.hosts[value]; return ok }

func (r roster) Load(context.Context, []compiler.TableColumn, schema.Millis) error { return nil }

func (r roster) Check(compiler.TableColumn) error { return nil }

func (r roster) Missing([]compiler.TableColumn) []string { return nil }

func (r roster) Values(_, _ string, _ schema.Millis, use func(string, schema.Millis) bool) {
	for host, second := range r.hosts {
		if !use(host, r.noon+schema.Millis(second*1000)) {
			return
		}
	}
}

func (r roster) Since(_, _, value string, _ schema.Millis) (schema.Millis, bool) {
	second, ok := r.hosts[value]
	return r.noon + schema.Millis(second*1000), ok
}

// TestAHostThatNeverReportedIsMissed from the rule's creation on, or from when it
// was listed.
func TestAHostThatNeverReportedIsMissed(t *testing.T) {
	t.Parallel()
	w := newVigilWorld(t, "a < 1 && b < 1")
	list := roster{w.noon, map[string]int{"never": -5000, "once": -5000, "late": -5000}}
	w.tables = list
	w.s = restart(t, w.world)
	w.awake(1)
	expected := &schema.ExpectedGroups{Table: "hosts", Column: "name"}
	rules, _ := w.s.RuleStore.Rules(context.Background())
	_, err := w.s.RuleStore.UpdateRule(context.Background(), rules[0].ID, 0, func(r *schema.Rule) error {
		r.Options.ExpectedGroups = expected
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.event(200, "once", "beat")
	w.event(310, "late", "beat") // after 300, when it was missed
	list.hosts["new"] = 400
	x, err := w.s.Explainer.explain(context.Background(), explain.Question{RuleID: rules[0].ID, Group: []string{"never"}})
	if err != nil || !strings.Contains(x.Why, "is missed at 2026-05-01T12:05:00.000Z") {
		t.Errorf("explained: %q, %v", x.Why, err)
	}
	w.awake(425)
	got := strings.Split(w.found(), "; ")
	slices.Sort(got)
	if want := []string{"late at 300, 0 events, since 0 until 310", "never at 300, 0 events, since 0"}; !slices.Equal(got, want) {
		t.Errorf("signals %q, want %q", got, want)
	}
	w.s = restart(t, w.world)
	w.awake(2000)
	got = strings.Split(w.found(), "; ")
	slices.Sort(got)
	if want := []string{"late at 300, 1 events, since 310", "never at 300, 0 events, since 0", "new at 700, 0 events, since 400", "once at 500, 0 events, since 200"}; !slices.Equal(got, want) {
		t.Errorf("signals %q, want %q", got, want)
	}
}

// TestRulesSayWhatTheyWaitFor: coverage and explanations know the points to come
// and what holds them back, and the evaluation log what was judged late.
func TestRulesSayWhatTheyWaitFor(t *testing.T) {
	t.Parallel()
	w := newVigilWorld(t, "a < 1 && b < 1")
	w.awake(1)
	w.event(0, "h1", "beat")
	w.awake(150)
	rules, _ := w.s.RuleStore.Rules(context.Background())
	id := rules[0].ID
	c, err := w.s.Status.Coverage(context.Background(), id, 0, Interval{})
	if err != nil || c.Silence == nil || c.Silence.Waiting != 1 || c.Silence.Held != "" || c.Silence.Judged != w.noon+30_000 {
		t.Fatalf("coverage of silence: %+v, %v", c.Silence, err)
	}
	x, err := w.s.Explainer.explain(context.Background(), explain.Question{RuleID: id, Group: []string{"h1"}})
	if err != nil || len(x.Groups) != 1 || !strings.Contains(strings.Join(x.Groups[0].Notes, "\n"), "silent since 2026-05-01T12:00:00.000Z; would fire at") ||
		!strings.Contains(strings.Join(x.Groups[0].Notes, "\n"), "would fire at 2026-05-01T12:05:00.000Z") {
		t.Errorf("explained: %+v, %v", x, err)
	}
	w.clock, w.mono = w.clock.Add(10*time.Minute), w.mono+10*time.Minute
	w.awake(800)
	if c, _ = w.s.Status.Coverage(context.Background(), id, 0, Interval{}); !strings.Contains(c.Silence.Held, "stood still for 10m") {
		t.Errorf("held because %q", c.Silence.Held)
	}
	w.awake(900)
	if err := w.s.checkpoints.save(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	c, _ = w.s.Status.Coverage(context.Background(), id, 0, Interval{})
	if !slices.ContainsFunc(c.Entries, func(e Entry) bool { return e.State == CoveragePostponed && strings.Contains(e.Reason, "stood still") }) {
		t.Errorf("the evaluation log does not say that silence was judged late: %+v", c.Entries)
	}
	if text, _ := json.Marshal(c.Silence); c.Silence.Held != "" {
		t.Errorf("still held: %s", text)
	}
}

// TestAClockThatIsMovedAheadMakesNobodySilent while senders go by another, and is
// believed when they go by it or send nothing.
func TestAClockThatIsMovedAheadMakesNobodySilent(t *testing.T) {
	t.Parallel()
	w := newVigilWorld(t, "a < 1 && b < 1")
	w.awake(1)
	moved := 0
	beat := func(from, to, behind int) {
		for second := from; second < to; second += 10 {
			w.awake(second + moved)
			w.event(second+moved-behind, "h1", "beat")
		}
	}
	beat(10, 400, 0)
	moved = 3600
	w.clock = w.clock.Add(time.Hour)
	beat(410, 1200, 3600)
	w.want("")
	beat(1200, 1600, 0) // now they go by it
	w.want("h1 at 1490, 0 events, since 1190 until 4800")
}

// TestAClockThatWasAheadMakesNobodySilentWhenItIsPutRight: what was judged by it
// is judged again.
func TestAClockThatWasAheadMakesNobodySilentWhenItIsPutRight(t *testing.T) {
	t.Parallel()
	w := newVigilWorld(t, "a < 1 && b < 1")
	w.awake(1)
	w.event(0, "h1", "beat")
	w.clock = w.clock.Add(time.Hour)
	w.awake(3600 + 200) // nobody sends, so the clock is believed
	w.want("h1 at 300, 0 events, since 0")
	w.clock = w.noon.Time().Add(210 * time.Second)
	for second := 220; second < 1000; second += 10 {
		w.awake(second)
		w.event(second, "h1", "beat")
	}
	w.want("")
	retracted := 0
	for _, sig := range w.signals {
		if sig.Gone() {
			retracted++
		}
	}
	if retracted != 1 {
		t.Errorf("%d signals were retracted, want the one of the wrong clock", retracted)
	}
	w.awake(2000)
	w.want("h1 at 1290, 0 events, since 990")
}

// TestALateEventMovesASilence whose new end is judged already: the signal goes on
// under its id.
func TestALateEventMovesASilence(t *testing.T) {
	t.Parallel()
	w := newVigilWorld(t, "a < 1 && b < 1")
	w.awake(1)
	w.event(0, "h1", "beat")
	w.awake(900)
	w.want("h1 at 300, 0 events, since 0")
	id := standing(w.world)[0].ID
	w.event(200, "h1", "beat")
	w.want("h1 at 500, 0 events, since 200")
	if now := standing(w.world)[0].ID; now != id || len(w.signals) != 1 {
		t.Errorf("the signal %s is %s now, of %d in all", id, now, len(w.signals))
	}
}

// TestADoubtEnds when senders agree, with a move back, and with time.
func TestADoubtEnds(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for name, end := range map[string]func(*doubt) time.Time{
		"senders agree":   func(d *doubt) time.Time { d.saw(time.Second, noon); return noon },
		"it moves back":   func(d *doubt) time.Time { d.moved(-time.Hour, noon); return noon },
		"nothing arrives": func(*doubt) time.Time { return noon.Add(3 * time.Minute) },
		"time":            func(d *doubt) time.Time { d.look(9, noon.Add(61*time.Minute)); return noon.Add(61 * time.Minute) },
	} {
		d := doubt{}
		d.saw(time.Second, noon)
		d.moved(time.Hour, noon)
		d.look(1, noon)
		d.saw(time.Hour, noon)
		if !d.stands(DefaultSilenceDelay, noon) {
			t.Errorf("%s: there is no doubt to begin with", name)
		}
		if now := end(&d); d.stands(DefaultSilenceDelay, now) {
			t.Errorf("%s: the doubt goes on", name)
		}
	}
	unmeasured := doubt{}
	unmeasured.moved(time.Hour, noon)
	unmeasured.look(1, noon)
	if unmeasured.stands(DefaultSilenceDelay, noon) {
		t.Error("a move is doubted where no sender was ever heard")
	}
}
