package clickhouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/migrations"
	"nightjar/notify"
	"nightjar/notify/sink"
	"nightjar/objects"
	"nightjar/scheduler"
	"nightjar/schema"
	"nightjar/testenv"
)

// unstored keeps no configuration beyond this run.
type unstored struct{}

func (unstored) All(context.Context, string) ([]objects.Object, error) { return nil, nil }
func (unstored) Append(context.Context, objects.Object) error          { return nil }

// published are signals as the scheduler published them, numbered from 1.
type published []scheduler.Published

func (p published) ChangedAfter(_ context.Context, after, through uint64, limit int) ([]scheduler.Published, uint64, error) {
	page := p[after:min(through, after+uint64(limit))]
	return page, after + uint64(len(page)), nil
}

func signalsOf(t *testing.T, rules, each int) (out published) {
	t.Helper()
	for i := range rules * each {
		rule := fmt.Sprintf("rule-%d", i%rules)
		attributes, err := schema.ParseAttributes(`{"title":"t","workflow":{"rule":{"name":"` + rule + `"}},"nightjar":{"notifications":["@webhook-soc"]}}`)
		if err != nil {
			t.Fatal(err)
		}
		p := scheduler.Published{Status: "high", Message: "m", Attributes: attributes}
		p.ID, p.Version, p.RuleID, p.State, p.Place = fmt.Sprintf("signal-%05d", i), 1, rule, schema.StateOpen, uint64(i+1)
		out = append(out, p)
	}
	return out
}

// flapping is a webhook that is well for a while and then, for some calls, fails in one
// way after another; among them: it takes the delivery, and its answer gets lost.
type flapping struct {
	mu    sync.Mutex
	calls int
	keys  map[string][]string // signals by idempotency key
	times map[string]int      // by signal: under how many keys it was taken
	twice int                 // deliveries that came again under a key
}

func (f *flapping) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	switch f.calls % 150 {
	case 50:
		w.WriteHeader(http.StatusInternalServerError)
		return
	case 51:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case 100:
		panic(http.ErrAbortHandler) // before it was taken
	}
	var told struct {
		SignalID string `json:"signal_id"`
		Digest   bool
		Signals  []struct {
			SignalID string `json:"signal_id"`
		}
	}
	if err := json.Unmarshal(body, &told); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	ids := []string{told.SignalID}
	if told.Digest {
		ids = nil
		for _, s := range told.Signals {
			ids = append(ids, s.SignalID)
		}
	}
	key := r.Header.Get("Idempotency-Key")
	if _, again := f.keys[key]; again {
		f.twice++
	} else {
		for _, id := range ids {
			f.times[id]++
		}
	}
	f.keys[key] = ids
	if f.calls%150 == 120 {
		panic(http.ErrAbortHandler) // its answer is lost
	}
}

func (f *flapping) told() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.times)
}

// unsure is a Store whose writes fail now and then, before they are done or after it.
type unsure struct {
	Store
	writes atomic.Int64
}

var errLost = errors.New("the connection is lost")

func (u *unsure) Put(ctx context.Context, news []notify.News) error {
	switch u.writes.Add(1) % 200 {
	case 77:
		return errLost
	case 177:
		return errors.Join(u.Store.Put(ctx, news), errLost)
	}
	return u.Store.Put(ctx, news)
}

// TestEachOfTenThousandSignalsIsToldOnce through a webhook that flaps, a store whose writes
// fail, and an engine that ends every few seconds and starts anew from what is stored.
func TestEachOfTenThousandSignalsIsToldOnce(t *testing.T) {
	conn := testenv.ClickHouse(t)
	if _, err := migrations.Apply(t.Context(), conn, schema.Tables); err != nil {
		t.Fatal(err)
	}
	signals := signalsOf(t, 20, 500)
	settings := configuration.NewStores(unstored{}, time.Now, configuration.ForAgents{})
	if err := settings.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	hook := &flapping{keys: map[string][]string{}, times: map[string]int{}}
	server := httptest.NewServer(hook)
	defer server.Close()
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	if _, err := settings.NotificationTargets.Create(t.Context(), configuration.NotificationTarget{Name: "soc", Type: "webhook", URL: server.URL, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	client, err := outbound.New(outbound.Config{AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	store := &unsure{Store: Store{Conn: conn, Signals: signals}}
	if err := store.SavePlace(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	var moved atomic.Int64 // the minutes that digests wait for pass at once
	now := func() time.Time { return time.Now().Add(time.Duration(moved.Load())) }

	runs := 0
	for last := 0; hook.told() < len(signals); runs++ {
		if runs > 200 {
			t.Fatalf("%d of %d signals were told in %d runs", hook.told(), len(signals), runs)
		}
		oneRun(t, store, settings, sink.Teller{Client: client, Now: now}, now, len(signals), func() bool { return hook.told() >= min(last+1500, len(signals)) })
		if hook.told() == last {
			moved.Add(int64(time.Minute))
		}
		last = hook.told()
	}
	// What is stored agrees, once the last answers are written.
	oneRun(t, store, settings, sink.Teller{Client: client, Now: now}, now, len(signals), func() bool {
		waiting, err := store.Waiting(t.Context())
		return err == nil && len(waiting) == 0
	})
	for id, n := range hook.times {
		if n != 1 {
			t.Errorf("%s was told under %d keys", id, n)
		}
	}
	sent, err := store.List(t.Context(), Query{State: string(notify.Sent), Limit: 2 * len(signals)})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, n := range sent {
		ids[n.About.SignalID] = true
	}
	if len(sent) != len(signals) || len(ids) != len(signals) {
		t.Errorf("%d news of %d signals are stored as sent, want %d", len(sent), len(ids), len(signals))
	}
	digests := 0
	for _, told := range hook.keys {
		if len(told) > 1 {
			digests++
		}
	}
	if digests == 0 || hook.twice == 0 || runs < 2 {
		t.Errorf("%d digests, %d deliveries that came again, %d runs: the test shows nothing", digests, hook.twice, runs)
	}
	t.Logf("%d calls, %d digests, %d again under their key, %d runs", hook.calls, digests, hook.twice, runs)
}

// oneRun is one life of the engine's notifications, which ends where it stands as soon as
// enough was told, or nothing was for a while.
func oneRun(t *testing.T, store notify.Store, settings *configuration.Stores, teller notify.Teller, now func() time.Time, published int, enough func() bool) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	log := slog.New(slog.DiscardHandler)
	sender := notify.NewSender(notify.SenderDeps{Store: store, Teller: teller, Settings: settings, Now: now, Log: log})
	notifier := notify.New(notify.Deps{
		Store: store, Settings: settings, Shown: func() uint64 { return uint64(published) }, URL: "https://nightjar.example", Now: now, Log: log,
		Wake: func(news []notify.News) { sender.Wake(ctx, news) },
	})
	var running sync.WaitGroup
	for _, run := range []func(context.Context) error{sender.Run, notifier.Run} {
		running.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	for left := 200; left > 0 && !enough(); left-- {
		time.Sleep(10 * time.Millisecond)
	}
	end()
	running.Wait()
}

// TestNewsAreFoundAsTheyWereWritten by each of the ways in which they are looked for.
func TestNewsAreFoundAsTheyWereWritten(t *testing.T) {
	conn := testenv.ClickHouse(t)
	if _, err := migrations.Apply(t.Context(), conn, schema.Tables); err != nil {
		t.Fatal(err)
	}
	s := Store{Conn: conn}
	news := func(id, signal, target, digest string, state notify.State) notify.News {
		return notify.News{ID: id, Version: 1, Target: target, Kind: notify.Opened, State: state, Digest: digest, Created: 1000, Due: 2000, About: notify.About{SignalID: signal, Title: "'; DROP TABLE events --", Group: []string{}, Tags: []string{}}}
	}
	all := []notify.News{
		news("a", "one", "@slack-x", "d1", notify.Waiting), news("b", "two", "@slack-x", "d1", notify.Sent), news("c", "one", "@teams-'x", "", notify.Failed),
	}
	if err := s.Put(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	for what, find := range map[string]func() ([]notify.News, error){
		"a b":   func() ([]notify.News, error) { return s.InDigest(t.Context(), "@slack-x", "d1") },
		"":      func() ([]notify.News, error) { return s.InDigest(t.Context(), "@teams-'x", "d1") },
		"a":     func() ([]notify.News, error) { return s.Waiting(t.Context()) },
		"a c":   func() ([]notify.News, error) { return s.Of(t.Context(), []string{"one"}) },
		"c":     func() ([]notify.News, error) { return s.List(t.Context(), Query{Target: "@teams-'x", Limit: 10}) },
		"a b c": func() ([]notify.News, error) { return s.List(t.Context(), Query{Limit: 10}) },
	} {
		found, err := find()
		got := ""
		for i, n := range found {
			if i > 0 {
				got += " "
			}
			got += n.ID
			if want := all[slices.IndexFunc(all, func(o notify.News) bool { return o.ID == n.ID })]; n.About.Title != want.About.Title || n.Due != want.Due || n.State != want.State {
				t.Errorf("found %+v, want %+v", n, want)
			}
		}
		if err != nil || got != what {
			t.Errorf("found %q %v, want %q", got, err, what)
		}
	}
	for i, want := range []int{2, 2, 1} { // under the key of each
		if found, err := s.List(t.Context(), Query{Key: all[i].Key(), Limit: 10}); err != nil || len(found) != want {
			t.Errorf("%d under the key of %s, want %d: %v", len(found), all[i].ID, want, err)
		}
	}
}
