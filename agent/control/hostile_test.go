package control

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"nightjar/agent/orders"
	"nightjar/configuration"
	"nightjar/schema"
)

// TestARefusedSyncWaitsNoLonger holds that an agent whose sync was refused is still noticed
// when it falls silent.
func TestARefusedSyncWaitsNoLonger(t *testing.T) {
	w := newWorld(t)
	h := w.enrol("web-1")
	h.settles()
	in := h.sync
	in.InForce = maxNumber
	if _, _, err := w.Sync(t.Context(), &in); !errors.As(err, new(*schema.InvalidError)) {
		t.Fatalf("got %v", err)
	}
	w.pass(2 * time.Minute)
	if got := w.happened(); got != AgentSilent {
		t.Errorf("happened %q", got)
	}
}

// TestAnAgentMayRenumberOnce holds that no agent can have all others fetch their policies
// over and over by what it says it has.
func TestAnAgentMayRenumberOnce(t *testing.T) {
	w := newWorld(t)
	liar, other := w.enrol("web-1"), w.enrol("web-2")
	other.settles()
	liar.sync.InForce = newest(w) + 10
	liar.polls()
	was := newest(w)
	if was < liar.sync.InForce {
		t.Fatalf("the newest is %d, and an agent has %d", was, liar.sync.InForce)
	}
	in := liar.sync
	in.InForce = was + 10
	if _, _, err := w.Sync(t.Context(), &in); !errors.As(err, new(*schema.InvalidError)) {
		t.Errorf("got %v", err)
	}
	if got := newest(w); got != was {
		t.Errorf("the newest was %d, and is %d", was, got)
	}
}

// TestRefusedOrdersComeAgain holds that an agent which could not accept orders, as with a
// clock that was wrong for a while, gets them again, but not in a loop.
func TestRefusedOrdersComeAgain(t *testing.T) {
	w := newWorld(t)
	h := w.enrol("web-1")
	if _, ok, err := w.Sync(t.Context(), &h.sync); err != nil || !ok {
		t.Fatal(ok, err)
	}
	h.sync.OrdersRefused = "they could be accepted until yesterday"
	if h.polls() {
		t.Error("refused orders come again at once")
	}
	w.pass(2 * time.Minute)
	if !h.polls() {
		t.Error("orders that were refused two minutes ago do not come again")
	}
}

// TestASwitchReachesWhoCannotHaveItsPolicies holds for a host whose policies do not check:
// it refuses these, whole, and is disarmed all the same.
func TestASwitchReachesWhoCannotHaveItsPolicies(t *testing.T) {
	w := newWorld(t)
	sets := w.policy("sets", []string{"role:db"})
	w.rule("setter", func(r *configuration.AgentRule) {
		r.Monitoring = []string{sets}
		r.Actions = []configuration.AgentAction{{Set: &configuration.SetAction{Name: "seen", Value: true}}}
	})
	uses := w.policy("uses", []string{"role:db"}, []string{"role:web"})
	w.rule("user", func(r *configuration.AgentRule) {
		r.Monitoring = []string{uses}
		r.Expression = `exec.file.name == "x" && ${seen}`
	})
	w.pass(time.Second)
	if problems := w.current().Errors; len(problems) > 0 {
		t.Fatal(problems)
	}
	w.Respond(disarmed{})
	h := w.enrol("web-1", "role:web")
	if e := w.effective(w.current().Base, h.sync.Tags); len(e.problems) == 0 {
		t.Fatal("these policies check: this test shows nothing")
	}
	h.refuses = []string{"a reason"}
	h.settles()
	if !h.gate.Last().Disarmed {
		t.Error("the switch does not reach it")
	}
	if got := w.happened(); got != PoliciesRefused {
		t.Errorf("happened %q", got)
	}
}

type disarmed struct{}

func (disarmed) Enrolled(context.Context, string, string) error        { return nil }
func (disarmed) For(string) Response                                   { return Response{Disarmed: true} }
func (disarmed) Answer(context.Context, string, []orders.Result) error { return nil }

// TestPoliciesAreNotLargerThanOrders holds that policies which no orders could carry are
// refused, instead of keeping everything else from the agents.
func TestPoliciesAreNotLargerThanOrders(t *testing.T) {
	w := newWorld(t)
	h := w.enrol("web-1")
	h.settles()
	for i := range 100 {
		w.rule(fmt.Sprintf("large_%d", i), func(r *configuration.AgentRule) { r.Description = strings.Repeat("<", 20_000) })
	}
	w.pass(time.Second)
	if got := strings.Join(w.current().Errors, "; "); !strings.Contains(got, "bytes") {
		t.Errorf("they are refused with %q", got)
	}
	w.Respond(disarmed{})
	h.settles()
	if !h.gate.Last().Disarmed {
		t.Error("the switch does not reach it")
	}
}

// TestTwoAgentsOfOneIdentity are told, once, and not as an agent that is killed again and
// again: a state folder was copied to a second host.
func TestTwoAgentsOfOneIdentity(t *testing.T) {
	w := newWorld(t)
	first := w.enrol("web-1")
	first.settles()
	second := &host{w: w, gate: orders.NewGate(first.sync.Agent, ed25519.PublicKey(w.PublicKey())), sync: first.sync}
	second.sync.Host, second.sync.Instance = "web-2", "run of the copy"
	w.happened()
	for range 20 {
		w.pass(5 * time.Second)
		second.polls()
		w.pass(5 * time.Second)
		first.polls()
	}
	if got := w.happened(); got != AgentKilled+" "+AgentDoubled {
		t.Errorf("happened %q", got)
	}
	if v, err := w.agents.Get(t.Context(), first.sync.Agent); err != nil || v.Version > 6 {
		t.Errorf("it was stored %d times (%v)", v.Version, err)
	}
	w.pass(25 * time.Hour)
	w.happened()
	second.polls()
	first.polls()
	second.polls()
	if got := w.happened(); !strings.Contains(got, AgentDoubled) {
		t.Errorf("a day later happened %q", got)
	}
}

// TestWhatAnAgentSaysIsBounded holds that nobody fills the server's memory or its events by
// what it says of itself.
func TestWhatAnAgentSaysIsBounded(t *testing.T) {
	w := newWorld(t)
	h := w.enrol("web-1")
	h.settles()
	for name, lie := range map[string]func(*orders.Sync){
		"host": func(s *orders.Sync) { s.Host = strings.Repeat("x", 1<<20) },
		"tags": func(s *orders.Sync) { s.Tags = make([]string, 1<<16) },
		"tag":  func(s *orders.Sync) { s.Tags = []string{strings.Repeat("x", 1<<20)} },
	} {
		in := h.sync
		lie(&in)
		if _, _, err := w.Sync(t.Context(), &in); !errors.As(err, new(*schema.InvalidError)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	in := h.sync
	in.Results = []orders.Result{{ID: "x", Error: strings.Repeat("x", 1<<20)}}
	in.Refused = &orders.Refusal{Version: in.InForce, Errors: []string{strings.Repeat("x", 1<<20)}}
	if _, _, err := w.Sync(t.Context(), &in); err != nil {
		t.Fatal(err)
	}
	kept := w.members[in.Agent].last
	if len(kept.Results) > 0 || len(kept.Refused.Errors[0]) > 2000 {
		t.Error("what is kept of a sync has no bound")
	}
	for _, told := range w.told {
		if len(told.Message) > 3000 || len(fmt.Sprint(told.Details)) > 3000 {
			t.Errorf("an event of %d bytes", len(told.Message))
		}
	}
	if _, err := w.Enrol(t.Context(), "token", orders.Enrolment{Host: strings.Repeat("x", 1<<20)}); !errors.As(err, new(*schema.InvalidError)) {
		t.Errorf("enrolled: %v", err)
	}
}

func newest(w *world) uint64 {
	b := w.current()
	return b.newest()
}
