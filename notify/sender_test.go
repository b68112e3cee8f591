package notify

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"nightjar/configuration"
	"nightjar/scheduler"
	"nightjar/schema"
)

// objects keep nothing beyond a Stores.
type objects struct{}

func (objects) All(context.Context, string) ([]scheduler.Object, error) { return nil, nil }
func (objects) Append(context.Context, scheduler.Object) error          { return nil }

// settings have one target, @webhook-soc.
func settings(t *testing.T) *configuration.Stores {
	t.Helper()
	s := configuration.NewStores(objects{}, time.Now, nil)
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.NotificationTargets.Create(t.Context(), configuration.NotificationTarget{Name: "soc", Type: "webhook", URL: "https://soc.example/", Enabled: true}); err != nil {
		t.Fatal(err)
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
	sets    map[string][]string // ids by key
	told    map[string]int      // deliveries that were taken, by id
	t       *testing.T
}

func (w *world) Place(context.Context) (uint64, bool, error)     { return 0, true, nil }
func (w *world) SavePlace(context.Context, uint64) error         { return nil }
func (w *world) Of(context.Context, []string) ([]News, error)    { return nil, nil }
func (w *world) Waiting(context.Context) (out []News, err error) { return w.waiting(), nil }
func (w *world) Changed(context.Context, uint64, uint64) ([]scheduler.Published, uint64, error) {
	return nil, 0, nil
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
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
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
		out = append(out, News{ID: fmt.Sprintf("%06d", i), Version: 1, Target: "@webhook-soc", Kind: Opened, State: Waiting, Digest: "rule 7", Due: 1, Created: schema.MillisOf(time.Now())})
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
