package control

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nightjar/configuration"
)

// fleet enrols agents that follow what there is, and turns the clock until each was seen
// at rest for a while.
func (w *world) fleetOf(n int, tags func(i int) []string) []*host {
	w.t.Helper()
	var all []*host
	for i := range n {
		all = append(all, w.enrol(fmt.Sprintf("host-%d", i), tags(i)...))
	}
	for range 6 {
		for _, h := range all {
			h.settles()
		}
		w.pass(30 * time.Second)
	}
	return all
}

func noTags(int) []string { return []string{} }

// following is how many agents have the rule, when all have polled.
func following(all []*host, rule string) (n int) {
	for _, h := range all {
		h.settles()
		if strings.Contains(h.rules(), rule) {
			n++
		}
	}
	return n
}

func (w *world) plan(stages ...Stage) {
	w.t.Helper()
	if err := w.Plan(w.t.Context(), stages); err != nil {
		w.t.Fatal(err)
	}
}

func nothing(*configuration.AgentRule) {}

func TestAChangeReachesEverybodyAtOnceWithoutStages(t *testing.T) {
	w := newWorld(t)
	all := w.fleetOf(3, noTags)
	w.rule("news", nothing)
	w.pass(time.Second)
	if n := following(all, "news"); n != 3 {
		t.Errorf("%d follow it", n)
	}
	if b := w.Rollout(); b.Target == nil || b.Stages[0].InForce != 3 {
		t.Errorf("it is not watched: %+v", b.Stages)
	}
	w.pass(time.Second)
	w.pass(DefaultSoak)
	if b := w.Rollout(); b.Target != nil || b.Base.Version != all[0].sync.InForce {
		t.Errorf("it is not done: %+v", b.Stages)
	}
}

func TestStagesFollowOneAnother(t *testing.T) {
	w := newWorld(t)
	all := w.fleetOf(10, func(i int) []string {
		if i == 0 {
			return []string{"ring:canary", "env:x"}
		}
		return []string{"env:x"}
	})
	w.plan(Stage{Tags: []string{"ring:canary"}, Soak: time.Hour}, Stage{Percent: 40, Soak: time.Minute})
	w.rule("news", nothing)
	w.pass(time.Second)
	if n := following(all, "news"); n != 1 || !strings.Contains(all[0].rules(), "news") {
		t.Errorf("first stage: %d", n)
	}
	w.pass(time.Second)
	for range 59 {
		w.pass(time.Minute)
		if n := following(all, "news"); n != 1 {
			t.Fatalf("too early: %d", n)
		}
	}
	w.pass(time.Minute)
	n := following(all, "news")
	if n < 4 || n > 5 { // the canary may be among the 40 %
		t.Errorf("second stage: %d", n)
	}
	// Who enrols now may follow it or not; those who do stay with it.
	late := w.enrol("late", "env:x")
	if got := following(all, "news"); got < n {
		t.Errorf("%d went back", n-got)
	}
	late.settles()
	w.pass(time.Second)
	w.pass(time.Minute)
	if n := following(append(all, late), "news"); n != 11 {
		t.Errorf("last stage: %d", n)
	}
	if err := w.Plan(t.Context(), nil); err == nil {
		t.Error("stages were changed in the middle")
	}
}

func TestAnEmptyStageIsPassed(t *testing.T) {
	w := newWorld(t)
	all := w.fleetOf(2, noTags)
	w.plan(Stage{Tags: []string{"ring:nobody"}, Soak: time.Hour})
	w.rule("news", nothing)
	w.pass(time.Second)
	w.pass(time.Second)
	if n := following(all, "news"); n != 2 {
		t.Errorf("%d follow it", n)
	}
}

func TestARolloutStopsWhenSomethingGetsWorse(t *testing.T) {
	for name, c := range map[string]struct {
		suffer func(h *host)
		want   string
	}{
		"losses": {func(h *host) {
			h.sync.Counts.Lost = map[string]uint64{"ring_full": h.sync.Counts.Lost["ring_full"] + 300}
		}, ", and 0.0 a second before"},
		"CPU":     {func(h *host) { h.sync.Counts.CPUSeconds += 12 }, "% of a core, and 0 % before"},
		"kills":   {func(h *host) { h.sync.Counts.Kills += 4; h.sync.Counts.Denials += 3 }, "killed or denied"},
		"silence": {func(h *host) { h.sync.Host = "gone" }, "fell silent"},
		"refusal": {func(h *host) { h.refuses = []string{"news:3: rule `news` error: bad"} }, "refused the policies: news:3"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			all := w.fleetOf(4, noTags)
			w.plan(Stage{Percent: 50, Soak: time.Hour})
			first := all[:0:0]
			for _, a := range members(w.fleet(), []Stage{{Percent: 50}}) {
				for _, h := range all {
					if h.sync.Agent == a.id {
						first = append(first, h)
					}
				}
			}
			sick := first[0]
			if name == "refusal" {
				c.suffer(sick)
			}
			w.rule("news", nothing)
			w.pass(time.Second)
			following(all, "news")
			for range 10 {
				if name != "refusal" {
					c.suffer(sick)
				}
				for _, h := range all {
					if h.sync.Host != "gone" {
						h.settles()
					}
				}
				w.pass(30 * time.Second)
			}
			b := w.Rollout()
			if !strings.Contains(b.Stopped, c.want) || !strings.Contains(b.Stopped, sick.sync.Agent) {
				t.Fatalf("got %q, want %q", b.Stopped, c.want)
			}
			if got := w.happened(); !strings.Contains(got, RolloutStopped) || strings.Count(got, RolloutStopped) != 1 {
				t.Errorf("told %q", got)
			}
			w.pass(24 * time.Hour)
			for _, h := range all {
				if h != sick {
					h.settles()
				}
			}
			if n := b.Stages[0].InForce; n > 2 || w.Rollout().Stopped == "" {
				t.Errorf("it went on: %d", n)
			}
			w.restart(w.table) // what is known of before is gone; that it stopped is not
			if err := w.RollBack(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, h := range all {
				h.refuses, h.sync.Host = nil, "back"
			}
			if n := following(all, "news"); n != 0 {
				t.Errorf("%d follow it after it was rolled back", n)
			}
			w.pass(time.Second)
			if b := w.Rollout(); b.Target != nil || following(all, "news") != 0 {
				t.Error("it came back by itself")
			}
			w.rule("better", nothing)
			w.pass(time.Second)
			if b := w.Rollout(); b.Target == nil || following(all, "better") != 2 {
				t.Error("the next change does not begin")
			}
		})
	}
}

func TestWhatIsAsBeforeDoesNotStopARollout(t *testing.T) {
	w := newWorld(t)
	all := w.fleetOf(2, noTags)
	work := func() {
		w.pass(30 * time.Second)
		for _, h := range all {
			h.sync.Counts.Lost = map[string]uint64{"ring_full": h.sync.Counts.Lost["ring_full"] + 300}
			h.sync.Counts.CPUSeconds += 20
			h.sync.Counts.Kills += 10
			h.settles()
		}
	}
	for range 40 {
		work()
	}
	w.rule("news", nothing)
	w.pass(time.Second)
	following(all, "news")
	for range 30 {
		work()
	}
	if b := w.Rollout(); b.Stopped != "" || b.Target != nil {
		t.Errorf("it stopped: %q", b.Stopped)
	}
}

func TestAPersonGoesOnInSpiteOfIt(t *testing.T) {
	w := newWorld(t)
	all := w.fleetOf(4, noTags)
	w.plan(Stage{Percent: 25, Soak: time.Minute})
	for _, h := range all {
		if h.sync.Agent == members(w.fleet(), []Stage{{Percent: 25}})[0].id {
			h.refuses = []string{"can't"}
		}
	}
	w.rule("news", nothing)
	w.pass(time.Second)
	following(all, "news")
	w.pass(time.Second)
	if w.Rollout().Stopped == "" {
		t.Fatal("it did not stop")
	}
	if n := following(all, "news"); n > 1 {
		t.Errorf("%d follow it", n)
	}
	if err := w.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		following(all, "news")
		w.pass(time.Minute)
	}
	following(all, "news")
	inForce := 0
	for _, h := range all {
		if h.sync.InForce == w.Rollout().newestWanted() {
			inForce++
		}
	}
	if inForce != 3 || w.Rollout().Stopped != "" {
		t.Errorf("%d follow it; stopped: %q", inForce, w.Rollout().Stopped)
	}
	if err := w.Resume(t.Context()); err == nil {
		t.Error("resumed what had not stopped")
	}
}

// TestARolloutStopsWhereAPersonSaysSo, and goes on where one does; what is done can't be
// stopped.
func TestARolloutStopsWhereAPersonSaysSo(t *testing.T) {
	w := newWorld(t)
	if err := w.Stop(t.Context(), "stopped by ann"); err == nil {
		t.Error("stopped what does not go on")
	}
	all := w.fleetOf(3, noTags)
	w.plan(Stage{Percent: 30, Soak: time.Minute})
	w.rule("news", nothing)
	w.pass(time.Second)
	following(all, "news")
	if err := w.Stop(t.Context(), "stopped by ann: lunch"); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		w.pass(time.Minute)
		if n := following(all, "news"); n > 1 {
			t.Fatalf("%d follow what was stopped", n)
		}
	}
	if why := w.Rollout().Stopped; why != "stopped by ann: lunch" {
		t.Errorf("it says %q", why)
	}
	if err := w.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		following(all, "news")
		w.pass(time.Minute)
	}
	if n := following(all, "news"); n != 3 {
		t.Errorf("%d follow it", n)
	}
}

// TestANewerChangeTakesTheOlderOnesPlace holds that agents of later stages have neither,
// and that no version goes back meanwhile (host.polls fails where one does).
func TestANewerChangeTakesTheOlderOnesPlace(t *testing.T) {
	w := newWorld(t)
	all := w.fleetOf(4, noTags)
	w.plan(Stage{Percent: 25, Soak: time.Minute}, Stage{Percent: 50, Soak: time.Hour})
	w.rule("older", nothing)
	for range 4 {
		w.pass(time.Minute)
		following(all, "older")
	}
	if n := following(all, "older"); n != 2 {
		t.Fatalf("second stage: %d", n)
	}
	newer := w.rule("newer", nothing)
	w.pass(time.Second)
	if a, b := following(all, "older"), following(all, "newer"); a != 1 || b != 1 {
		t.Errorf("%d follow the older one, %d the newer one", a, b)
	}
	// What is undone is over, for everybody.
	if err := w.stores.AgentRules.Delete(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	for _, r := range w.stores.AgentRules.Newest() {
		if r.Body.Name == "older" {
			if err := w.stores.AgentRules.Delete(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.pass(time.Second)
	if n := following(all, "er"); n != 0 || w.Rollout().Target != nil {
		t.Errorf("%d follow what was undone", n)
	}
}

func TestStagesAreChecked(t *testing.T) {
	for want, stages := range map[string][]Stage{
		"want at most 10":             make([]Stage, 11),
		"either a percentage of":      {{}},
		"want 1 to 100":               {{Percent: 101}},
		"want at least the 50":        {{Percent: 50}, {Percent: 20}},
		"want a time of up to 30":     {{Percent: 50, Soak: -1}},
		"either a percentage of the ": {{Percent: 5, Tags: []string{"a:b"}}},
	} {
		if err := checkStages(stages); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", stages, err, want)
		}
	}
	if err := checkStages([]Stage{{Percent: 1}, {Tags: []string{"a:b"}}, {Percent: 100}}); err != nil {
		t.Error(err)
	}
}

// TestWhoFollowsAChangeStaysWithIt also where the stage no longer takes it in: its tags are
// others now.
func TestWhoFollowsAChangeStaysWithIt(t *testing.T) {
	w := newWorld(t)
	all := w.fleetOf(2, func(i int) []string { return []string{fmt.Sprintf("ring:%d", i)} })
	w.plan(Stage{Tags: []string{"ring:0"}, Soak: time.Hour})
	w.rule("news", nothing)
	w.pass(time.Second)
	if n := following(all, "news"); n != 1 {
		t.Fatalf("%d follow it", n)
	}
	all[0].settles() // now the server knows that it does
	all[0].sync.Tags = []string{"ring:2"}
	if n := following(all, "news"); n != 1 || !strings.Contains(all[0].rules(), "news") {
		t.Errorf("%d follow it", n)
	}
}

// TestWhoWasSilentBeforeDoesNotStopARollout, since it does not follow what it never saw.
func TestWhoWasSilentBeforeDoesNotStopARollout(t *testing.T) {
	b := &Rollout{Base: &Snapshot{Version: 1}, Target: &Snapshot{Version: 2, At: 1000}}
	fine := func(uint64) string { return "" }
	for name, c := range map[string]struct {
		agent standing
		stops bool
	}{
		"before the change":          {standing{id: "a", state: Silent, silent: 900, inForce: 2, watchman: fine}, false},
		"since, and it followed it":  {standing{id: "a", state: Silent, silent: 1100, inForce: 2, watchman: fine}, true},
		"since, without having it":   {standing{id: "a", state: Silent, silent: 1100, inForce: 1, watchman: fine}, false},
		"it said that it would stop": {standing{id: "a", state: Stopped, inForce: 2, watchman: fine}, false},
	} {
		if why := b.trouble([]standing{c.agent}); (why != "") != c.stops {
			t.Errorf("%s: %q", name, why)
		}
	}
}
