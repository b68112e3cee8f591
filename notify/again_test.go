package notify

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"nightjar/schema"
)

// TestWhatFailedIsToldAgainWhenAsked: for good, in one with its digest, or while it waits for
// its next attempt; and nothing else is.
func TestWhatFailedIsToldAgainWhenAsked(t *testing.T) {
	w, d := newWorld(t)
	s := NewSender(d)
	now := schema.MillisOf(time.Now())
	for i, n := range []News{
		{ID: "alone", State: Failed}, {ID: "d1", State: Failed, Digest: "d sealed 1"}, {ID: "d2", State: Failed, Digest: "d sealed 1"},
		{ID: "d3", State: Sent, Digest: "d sealed 1"}, {ID: "sent", State: Sent},
	} {
		n.Target, n.Kind, n.Version, n.Created, n.Due, n.About.SignalID = "@webhook-soc", Opened, 3, now, now, string(rune('a'+i))
		w.kept[n.ID] = n
	}
	waits := News{ID: "waits", Version: 1, Target: "@pagerduty-duty", Kind: Opened, State: Waiting, Created: now, Due: now, About: About{SignalID: "w"}}
	w.kept["waits"] = waits
	w.waiting = func() []News { return []News{waits} }
	w.tell = func(call int) Outcome {
		if call > 1 {
			return Outcome{Done: true}
		}
		go func() { // the first attempt fails, and the next one is an hour away
			for _, x := range []struct {
				target, id string
				n          int
				ok         bool
			}{{"@webhook-soc", "alone", 1, true}, {"@webhook-soc", "d2", 2, true}, {"@webhook-soc", "nobody", 0, false}, {"@slack-soc", "alone", 0, false}} {
				if n, ok, err := s.Again(t.Context(), x.target, x.id); n != x.n || ok != x.ok || err != nil {
					t.Errorf("%s %s: %d %v %v", x.target, x.id, n, ok, err)
				}
			}
			if _, _, err := s.Again(t.Context(), "@webhook-soc", "sent"); !errors.As(err, new(*NotAgainError)) {
				t.Errorf("what was told: %v", err)
			}
			for { // until the pause after the failure has begun
				s.mu.Lock()
				q := s.queues["@pagerduty-duty"]
				s.mu.Unlock()
				q.mu.Lock()
				waiting := len(q.retry) > 0
				q.mu.Unlock()
				if waiting {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if n, ok, err := s.Again(t.Context(), "@pagerduty-duty", "waits"); n != 1 || !ok || err != nil {
				t.Errorf("what waits: %d %v %v", n, ok, err)
			}
		}()
		return Outcome{RetryAfter: time.Hour}
	}
	w.run(s, 4)
	stale := w.kept["waits"]
	w.kept["waits"] = waits // as it was read a moment before it was told
	if n, ok, err := s.Again(t.Context(), "@pagerduty-duty", "waits"); n != 1 || !ok || err != nil {
		t.Errorf("what was told meanwhile: %d %v %v", n, ok, err)
	}
	if q := s.queues["@pagerduty-duty"]; len(q.news) != 0 {
		t.Errorf("it would be told twice: %+v", q.news)
	}
	w.kept["waits"] = stale
	for _, id := range []string{"alone", "d1", "d2", "waits"} {
		if w.kept[id].State != Sent {
			t.Errorf("%s is %s", id, w.kept[id].State)
		}
	}
}

// TestTwoWhoRetryAtOneMomentHaveItToldOnce: the second finds what the first has made of it.
func TestTwoWhoRetryAtOneMomentHaveItToldOnce(t *testing.T) {
	w, d := newWorld(t)
	now := schema.MillisOf(time.Now())
	w.kept["n"] = News{ID: "n", Version: 3, Target: "@webhook-soc", Kind: Opened, State: Failed, Created: now, Due: now, About: About{SignalID: "a"}}
	d.Store = &oneByOne{world: w}
	s := NewSender(d)
	ended := make(chan error, 8)
	for range cap(ended) {
		go func() { _, _, err := s.Again(t.Context(), "@webhook-soc", "n"); ended <- err }()
	}
	w.run(s, 1)
	for range cap(ended) {
		if err := <-ended; err != nil && !errors.As(err, new(*NotAgainError)) {
			t.Error(err)
		}
	}
	if q := s.queues["@webhook-soc"]; len(q.news) != 0 {
		t.Errorf("it would be told again: %+v", q.news)
	}
}

// oneByOne is a world in which nobody may read what is to be told again before whoever read
// it first has kept what becomes of it.
type oneByOne struct {
	*world
	read atomic.Int32 // and not kept
}

func (o *oneByOne) Named(ctx context.Context, target, id string) (News, bool, error) {
	n, ok, err := o.world.Named(ctx, target, id)
	if n.State == Failed && o.read.Add(1) > 1 {
		o.t.Error("two have read that it failed, and both have it told")
	}
	time.Sleep(5 * time.Millisecond) // in which another may come
	return n, ok, err
}

func (o *oneByOne) Put(ctx context.Context, news []News) error {
	err := o.world.Put(ctx, news)
	if news[0].State == Waiting {
		o.read.Add(-1)
	}
	return err
}
