package notify

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/objects/objectstest"
	"nightjar/scheduler"
	"nightjar/schema"
)

// settings have two targets, @webhook-soc and @pagerduty-duty.
func settings(t *testing.T) *configuration.Stores {
	t.Helper()
	s := configuration.NewStores(&objectstest.Table{}, time.Now, configuration.ForAgents{})
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, target := range []configuration.NotificationTarget{
		{Name: "soc", Type: "webhook", URL: "https://soc.example/", Enabled: true}, {Name: "duty", Type: "pagerduty", Secret: "secret:duty", Enabled: true},
	} {
		if _, err := s.NotificationTargets.Create(t.Context(), target); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// world keeps news, and is told them.
type world struct {
	mu      sync.Mutex
	kept    map[string]News
	waiting func() []News
	tell    func(call int) Outcome
	calls   int
	asked   []News              // of all calls
	sets    map[string][]string // ids by key
	told    map[string]int      // deliveries that were taken, by id
	t       *testing.T
}

func (w *world) Place(context.Context) (uint64, bool, error)     { return 0, true, nil }
func (w *world) SavePlace(context.Context, uint64) error         { return nil }
func (w *world) Waiting(context.Context) (out []News, err error) { return w.waiting(), nil }
func (w *world) Changed(context.Context, uint64, uint64) ([]scheduler.Published, uint64, error) {
	return nil, 0, nil
}

func (w *world) pick(of func(*News) bool) (out []News, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.kept {
		if of(&n) {
			out = append(out, n)
		}
	}
	return out, nil
}

func (w *world) Of(_ context.Context, signals []string) ([]News, error) {
	return w.pick(func(n *News) bool { return slices.Contains(signals, n.About.SignalID) })
}

func (w *world) Named(_ context.Context, target, id string) (News, bool, error) {
	found, err := w.pick(func(n *News) bool { return n.Target == target && n.ID == id })
	if err != nil || len(found) == 0 {
		return News{}, false, err
	}
	return found[0], true, nil
}

func (w *world) InDigest(_ context.Context, target, digest string) ([]News, error) {
	return w.pick(func(n *News) bool { return n.Target == target && n.Digest == digest })
}

func (w *world) Put(_ context.Context, news []News) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range news {
		if n.Version > w.kept[n.ID].Version {
			w.kept[n.ID] = n
		}
	}
	return nil
}

func (w *world) Tell(_ context.Context, _ configuration.NotificationTarget, key string, news []News) Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for _, n := range news {
		ids = append(ids, n.ID)
	}
	if before, again := w.sets[key]; again && !slices.Equal(before, ids) {
		w.t.Errorf("under key %s %d news were told, and now %d", key, len(before), len(ids))
	}
	w.sets[key] = ids
	w.calls++
	w.asked = append(w.asked, news...)
	o := w.tell(w.calls)
	if o.Done {
		for _, id := range ids {
			w.told[id]++
		}
	}
	return o
}

// run runs a Sender until all is told once.
func (w *world) run(s *Sender, want int) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		w.mu.Lock()
		n := len(w.told)
		w.mu.Unlock()
		if n >= want || time.Now().After(end) {
			break
		}
	}
	cancel()
	<-done
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, n := range w.told {
		if n != 1 {
			w.t.Errorf("%s was told %d times", id, n)
		}
	}
	if len(w.told) != want {
		w.t.Errorf("%d news were told, want %d", len(w.told), want)
	}
}

func newWorld(t *testing.T) (*world, SenderDeps) {
	w := &world{t: t, kept: map[string]News{}, sets: map[string][]string{}, told: map[string]int{}, waiting: func() []News { return nil }, tell: func(int) Outcome { return Outcome{Done: true} }}
	return w, SenderDeps{Store: w, Teller: w, Settings: settings(t), Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}

func digest(from, to int) (out []News) {
	for i := from; i < to; i++ {
		out = append(out, News{ID: fmt.Sprintf("%06d", i), Version: 1, Target: "@webhook-soc", Kind: Opened, State: Waiting, Digest: "rule 7", Due: 1, Created: schema.MillisOf(time.Now()), About: About{SignalID: fmt.Sprint(i)}})
	}
	return out
}

// TestUnderOneKeyTheSameIsTold has more in a digest than is told in one, a delivery that
// fails, and news that come while it is tried again.
func TestUnderOneKeyTheSameIsTold(t *testing.T) {
	w, d := newWorld(t)
	s := NewSender(d)
	w.waiting = func() []News { return digest(0, 2500) }
	w.tell = func(call int) Outcome {
		if call == 1 {
			go s.Wake(t.Context(), digest(2500, 2600))
			return Outcome{}
		}
		return Outcome{Done: true}
	}
	w.run(s, 2600)
	for key, ids := range w.sets {
		if len(ids) > perDigest {
			t.Errorf("%d news under key %s", len(ids), key)
		}
	}
}

// TestWhatIsFoundWhileWhatWaitsIsReadIsTold wakes the Sender before it knows what waited.
func TestWhatIsFoundWhileWhatWaitsIsReadIsTold(t *testing.T) {
	w, d := newWorld(t)
	s := NewSender(d)
	w.waiting = func() []News {
		s.Wake(t.Context(), digest(0, 3)) // stored after this was asked
		return digest(1, 2)
	}
	w.run(s, 3)
}

// TestATargetThatIsMadeAnewIsToldWhatWaited meanwhile, and one that stays away fails.
func TestATargetThatIsMadeAnewIsToldWhatWaited(t *testing.T) {
	w, d := newWorld(t)
	all, err := d.Settings.NotificationTargets.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(v objects.Versioned[configuration.NotificationTarget]) bool { return v.Body.Name != "soc" })
	if err := d.Settings.NotificationTargets.Delete(t.Context(), all[0].ID); err != nil {
		t.Fatal(err)
	}
	w.waiting = func() []News {
		time.AfterFunc(100*time.Millisecond, func() {
			_, _ = d.Settings.NotificationTargets.Create(context.Background(), all[0].Body)
		})
		old := News{ID: "old", Version: 1, Target: "@webhook-none", State: Waiting, Due: 1}
		return append(digest(0, 3), old)
	}
	w.run(NewSender(d), 3)
	if n := w.kept["old"]; n.State != Failed {
		t.Errorf("what waited for long is %+v", n)
	}
}

// TestNewsFollowVersionsOfTheSignal where the clock was moved back in between.
func TestNewsFollowVersionsOfTheSignal(t *testing.T) {
	opened := News{ID: "a", Target: "@webhook-soc", Kind: Opened, State: Sent, Created: 2000, About: About{Version: 1, Severity: "high"}}
	resolved := News{ID: "b", Target: "@webhook-soc", Kind: Resolved, State: Sent, Created: 1000, About: About{Version: 2, Severity: "high"}}
	d := &decision{targets: Targets(t.Context(), settings(t)), now: 1500}
	gone := &scheduler.Published{Status: "high"}
	gone.ID, gone.Version, gone.State, gone.Reason = "s", 3, schema.StateArchived, schema.ReasonRetracted
	if made := d.of(gone, []News{resolved, opened}); len(made) != 0 {
		t.Errorf("what ended is told to have ended: %+v", made)
	}
}

// TestWhoWasMutedIsNotToldOfChanges of what it was not told of.
func TestWhoWasMutedIsNotToldOfChanges(t *testing.T) {
	target := configuration.NotificationTarget{Name: "soc", Type: "webhook", On: []string{"changed"}, Enabled: true}
	d := &decision{targets: map[string]configuration.NotificationTarget{target.Handle(): target}, now: 1500, rules: []notificationRule{{NotificationRule: configuration.NotificationRule{Targets: []string{target.Handle()}}}}}
	p := &scheduler.Published{Status: "critical"}
	p.ID, p.Version, p.State = "s", 2, schema.StateOpen
	for state, want := range map[State]int{Sent: 1, Muted: 0} {
		told := []News{{ID: "a", Target: target.Handle(), Kind: Opened, State: state, Created: 1000, About: About{Version: 1, Severity: "high"}}}
		if made := d.of(p, told); len(made) != want {
			t.Errorf("an opening is %s: then there is %+v", state, made)
		}
	}
}

// TestWhatIsNeverTakenHoldsUpNoOther has a signal whose news the target always fails at: the
// others are told, and what follows of that signal waits behind it.
func TestWhatIsNeverTakenHoldsUpNoOther(t *testing.T) {
	w, d := newWorld(t)
	news := func(id, signal string, due schema.Millis) News {
		return News{ID: id, Version: 1, Target: "@webhook-soc", Kind: Opened, State: Waiting, Due: due, Created: schema.MillisOf(time.Now()), About: About{SignalID: signal}}
	}
	w.waiting = func() []News {
		return []News{news("bad", "one", 1), news("after", "one", 2), news("b", "two", 3), news("c", "three", 4), news("d", "two", 5)}
	}
	w.tell = func(int) Outcome {
		return Outcome{Done: w.asked[len(w.asked)-1].About.SignalID != "one", Answer: "500"}
	}
	w.run(NewSender(d), 3)
	for _, n := range w.asked {
		if n.ID == "after" {
			t.Error("what follows was told before what it follows")
		}
	}
	if n := w.kept["bad"]; n.State != Waiting || n.Attempts == 0 || n.Answer != "500" {
		t.Errorf("what is not taken is %+v", n)
	}
}

// TestAnAlertOfADigestEndsWithItsLastSignal, and is known by the digest's key.
func TestAnAlertOfADigestEndsWithItsLastSignal(t *testing.T) {
	w, d := newWorld(t)
	about := func(id string, version uint64) About { return About{SignalID: id, Version: version} }
	var all []News
	for _, id := range []string{"one", "two"} {
		w.kept["opened "+id] = News{ID: "opened " + id, Version: 2, Target: "@pagerduty-duty", Kind: Opened, State: Sent, Digest: "rule 7 sealed x", About: about(id, 1)}
		all = append(all, News{ID: "resolved " + id, Version: 1, Target: "@pagerduty-duty", Kind: Resolved, State: Waiting, Due: 1, Created: schema.MillisOf(time.Now()), About: about(id, 2)})
	}
	w.kept["resolved one"] = all[0]
	w.waiting = func() []News { return all[:1] }
	s := NewSender(d)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	sent := func(id string) func() bool {
		return func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.kept[id].State == Sent }
	}
	await(t, "the first is done with", sent("resolved one"))
	if answer := w.kept["resolved one"].Answer; w.calls != 0 || !strings.Contains(answer, "of 2 signals that were told in one, 1 are open") {
		t.Errorf("%d calls, %q", w.calls, answer)
	}
	if err := w.Put(ctx, all[1:]); err != nil {
		t.Fatal(err)
	}
	s.Wake(ctx, all[1:])
	await(t, "the alert ends", sent("resolved two"))
	cancel()
	<-done
	opened := w.kept["opened one"]
	if w.calls != 1 || w.asked[0].Within != opened.Key() {
		t.Errorf("%d calls, of the digest %q, want %q", w.calls, w.asked[0].Within, opened.Key())
	}
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// TestStormsOfAllKindsAreGrouped but for what holds an alert of each signal.
func TestStormsOfAllKindsAreGrouped(t *testing.T) {
	for _, c := range []struct {
		target string
		kind   Kind
		alone  int
	}{
		{"@webhook-soc", Opened, 20}, {"@webhook-soc", Changed, 20}, {"@slack-soc", Resolved, 20}, {"@pagerduty-duty", Opened, 20}, {"@pagerduty-duty", Resolved, 50}, {"@webhook-soc", Escalated, 50},
	} {
		n := New(Deps{Now: time.Now})
		made := make([]News, 50)
		for i := range made {
			made[i] = News{ID: fmt.Sprint(i), Target: c.target, Kind: c.kind, State: Waiting, About: About{RuleID: "r"}}
		}
		n.group(made)
		alone := 0
		for _, m := range made {
			if m.Digest == "" {
				alone++
			}
		}
		if alone != c.alone {
			t.Errorf("of 50 times %s to %s, %d are told alone, want %d", c.kind, c.target, alone, c.alone)
		}
	}
}
