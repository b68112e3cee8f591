package control

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/agent/orders"
	"nightjar/configuration"
	"nightjar/content"
	"nightjar/objects/objectstest"
	"nightjar/schema"
)

func TestTheShippedPolicyIsReadWhole(t *testing.T) {
	text, err := content.Files.ReadFile("agent/default.policy")
	if err != nil {
		t.Fatal(err)
	}
	d, err := ReadDefaults(string(text))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for i := range d.Rules {
		ids[d.Rules[i].ID] = true
		d.Rules[i].BuiltIn, d.Rules[i].Version = true, 1
	}
	again, err := d.PolicyText(d.Rules)
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := load([]source{{name: "a", text: string(text)}})
	parts, problems := load([]source{{name: "a", text: string(again)}})
	if len(problems) > 0 || len(parts.Rules) != len(whole.Rules) || len(ids) != len(whole.Rules) || len(whole.Rules) < 80 {
		t.Errorf("%d rules, %d ids, of %d; %v", len(parts.Rules), len(ids), len(whole.Rules), problems)
	}
	for i, r := range whole.Rules {
		if p := parts.Rules[i]; p.ID != r.ID || p.Expression != r.Expression || p.Every != r.Every || len(p.Actions) != len(r.Actions) || len(p.Tags) != len(r.Tags) {
			t.Errorf("%s is another rule: %+v", r.ID, p.RuleDef)
		}
	}
}

// TestBuiltInRulesShowTheirActions holds that whoever reads the built-in rules sees that
// miners are killed where their policy blocks, whom that spares, and that nothing else is
// killed.
func TestBuiltInRulesShowTheirActions(t *testing.T) {
	text, err := content.Files.ReadFile("agent/default.policy")
	if err != nil {
		t.Fatal(err)
	}
	d, err := ReadDefaults(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var kill []string
	for _, r := range d.Rules {
		for _, a := range r.Body.Actions {
			if a.Kill == nil || a.Kill.Signal != "SIGKILL" || a.Kill.Scope != "process" || (a.Filter == "") != (r.Body.Name == "miner_name") {
				t.Errorf("%s has the action %+v", r.Body.Name, a)
			}
			kill = append(kill, r.Body.Name)
		}
	}
	if want := []string{"miner_pool_in_arguments", "miner_options", "miner_name"}; !slices.Equal(kill, want) {
		t.Errorf("%v kill, want %v", kill, want)
	}
}

func TestAnAgentIsGivenItsPoliciesOnce(t *testing.T) {
	w := newWorld(t)
	h := w.enrol("web-1")
	if !h.polls() || h.polls() {
		t.Fatal("want orders once")
	}
	if got := h.rules(); got != "default/monitoring: passwords shell" {
		t.Errorf("got %s", got)
	}
	w.rule("custom", func(*configuration.AgentRule) {})
	w.pass(time.Second)
	h.settles()
	if got := h.rules(); got != "custom/monitoring: custom; default/monitoring: passwords shell" {
		t.Errorf("got %s", got)
	}
	// A server that was started anew says the same, and no other version.
	version := h.sync.InForce
	w.restart(w.table)
	h.settles()
	if h.gate.Last().Policies.Version != version {
		t.Errorf("version %d, want %d", h.gate.Last().Policies.Version, version)
	}
}

// TestAChangeIsOfferedWhileTheAgentWaits holds that a poll ends as soon as there is news.
func TestAChangeIsOfferedWhileTheAgentWaits(t *testing.T) {
	w := newWorld(t)
	h := w.enrol("web-1")
	h.settles()
	got := make(chan bool)
	h.sync.WaitSeconds = orders.MaxWait
	go func() { got <- h.polls() }()
	h.waits()
	w.rule("custom", func(*configuration.AgentRule) {})
	w.pass(time.Second)
	if !<-got || !strings.Contains(h.rules(), "custom/monitoring: custom") {
		t.Errorf("got %s", h.rules())
	}
}

func TestTheStrongestModeOfARuleCounts(t *testing.T) {
	w := newWorld(t)
	prod, web := w.policy("prod", []string{"env:prod", "team:a"}, []string{"env:stage"}), w.policy("web", []string{"role:web"})
	w.rule("both", func(r *configuration.AgentRule) { r.Blocking, r.Monitoring = []string{web}, []string{prod} })
	w.rule("off", func(r *configuration.AgentRule) { r.Disabled = []string{prod} })
	w.rule("watch", func(r *configuration.AgentRule) { r.Monitoring, r.Disabled = []string{prod}, []string{web} })
	w.rule("disabled", func(r *configuration.AgentRule) { r.Enabled = false })
	if _, err := w.stores.AgentRules.Update(t.Context(), w.builtInRule("shell"), 0, func(r *configuration.AgentRule) error {
		r.Blocking = []string{web}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	for tags, want := range map[string]string{
		"":                           "default/monitoring: passwords shell",
		"env:prod":                   "default/monitoring: passwords shell",
		"env:prod team:a":            "default/monitoring: passwords shell; prod/monitoring: both watch",
		"env:stage":                  "default/monitoring: passwords shell; prod/monitoring: both watch",
		"role:web":                   "default/monitoring: passwords; web/blocking: both shell",
		"role:web env:prod team:a":   "default/monitoring: passwords; prod/monitoring: watch; web/blocking: both shell",
		"role:web env:prod team:abc": "default/monitoring: passwords; web/blocking: both shell",
	} {
		h := w.enrol("host", strings.Fields(tags)...)
		h.settles()
		if got := h.rules(); got != want {
			t.Errorf("%s:\n got %s\nwant %s", tags, got, want)
		}
		if problems := check(h.gate.Last().Policies.Set); len(problems) > 0 {
			t.Errorf("%s: %v", tags, problems)
		}
	}
}

func TestABlockingPolicyBlocksWhatItMonitors(t *testing.T) {
	w := newWorld(t)
	if _, err := w.stores.AgentPolicies.Update(t.Context(), DefaultPolicyID, 0, func(p *configuration.AgentPolicy) error {
		p.Mode = configuration.BlockingMode
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	h := w.enrol("web-1")
	h.settles()
	if got := h.rules(); got != "default/blocking: passwords shell" {
		t.Errorf("got %s", got)
	}
}

func TestAChangeThatDoesNotCheckIsRefusedWhole(t *testing.T) {
	w := newWorld(t)
	h := w.enrol("web-1")
	h.settles()
	before := h.gate.Last()
	bad := w.rule("bad", func(r *configuration.AgentRule) { r.Expression = `exec.file.name == NO_SUCH_MACRO` })
	w.rule("good", func(*configuration.AgentRule) {})
	w.pass(time.Second)
	if h.polls() {
		t.Errorf("offered %s", h.rules())
	}
	if errs := w.Rollout().Errors; len(errs) != 1 || !strings.Contains(errs[0], "rule `bad` error") {
		t.Errorf("errors: %v", errs)
	}
	if got := w.happened(); got != PoliciesRefused {
		t.Errorf("told %q", got)
	}
	w.restart(w.table)
	h.settles()
	if got := h.gate.Last().Policies.Version; got != before.Policies.Version || w.Rollout().Errors == nil {
		t.Errorf("after a restart: version %d, %v", got, w.Rollout().Errors)
	}
	if _, err := w.stores.AgentRules.Update(t.Context(), bad, 0, func(r *configuration.AgentRule) error { r.Expression = `exec.file.name == "b"`; return nil }); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	h.settles()
	if got := h.rules(); !strings.Contains(got, "bad good") || w.Rollout().Errors != nil {
		t.Errorf("got %s, %v", got, w.Rollout().Errors)
	}
}

// TestVersionsNeverGoBack holds for an agent whose server was restored from before what
// the agent has: it would refuse what is older.
func TestVersionsNeverGoBack(t *testing.T) {
	w := newWorld(t)
	h := w.enrol("web-1")
	h.settles()
	backup := objectstest.Table{}
	all, err := w.table.All(t.Context(), "agent")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if err := backup.Append(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		w.rule("r"+string(rune('a'+i)), func(*configuration.AgentRule) {})
		w.pass(time.Second)
		h.settles()
	}
	had := h.sync.InForce
	w.restart(&backup)
	h.settles()
	if h.sync.InForce <= had || h.rules() != "default/monitoring: passwords shell" {
		t.Errorf("version %d after %d: %s", h.sync.InForce, had, h.rules())
	}
	other := w.enrol("liar")
	other.sync.InForce = 1 << 40
	if _, _, err := w.Sync(t.Context(), &other.sync); err == nil {
		t.Error("a version that nobody gave was believed")
	}
}

func TestAnAgentSyncsAsItself(t *testing.T) {
	w := newWorld(t)
	one, other := w.enrol("one"), w.enrol("other")
	one.sync.Agent = other.sync.Agent
	s, ok, err := w.Sync(t.Context(), &one.sync)
	if err != nil || !ok {
		t.Fatal(err)
	}
	var refused *orders.RefusedError
	if _, err := one.gate.Accept(s, w.now()); !errors.As(err, &refused) || refused.Reason != orders.OfAnother {
		t.Errorf("got %v", err)
	}
}

func TestARevokedAgentIsRefused(t *testing.T) {
	w := newWorld(t)
	h := w.enrol("web-1")
	h.settles()
	h.sync.WaitSeconds = orders.MaxWait
	ended := make(chan error)
	go func() { _, _, err := w.Sync(context.Background(), &h.sync); ended <- err }()
	if err := w.Registry.Revoke(t.Context(), h.sync.Agent); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.As(err, new(*RevokedError)) {
		t.Errorf("while it waits: %v", err)
	}
	if _, _, err := w.Sync(t.Context(), &h.sync); !errors.As(err, new(*RevokedError)) {
		t.Errorf("afterwards: %v", err)
	}
	if len(w.bound) != 0 || len(w.Agents()) != 0 {
		t.Errorf("keys %v, agents %v", w.bound, w.Agents())
	}
	w.restart(w.table)
	if err := w.Registry.Revoke(t.Context(), h.sync.Agent); !errors.As(err, new(*schema.NotFoundError)) {
		t.Errorf("again: %v", err)
	}
}

func TestSilenceIsToldOnce(t *testing.T) {
	w := newWorld(t)
	h, goodbye := w.enrol("web-1"), w.enrol("web-2")
	w.enrol("never") // it is new: whoever installs it sees that
	h.settles()
	goodbye.settles()
	goodbye.sync.Leaving = true
	goodbye.polls()
	w.pass(time.Minute)
	if got := w.happened(); got != "" {
		t.Errorf("too early: %s", got)
	}
	for range 3 {
		w.pass(time.Minute)
	}
	if got := w.happened(); got != AgentSilent {
		t.Errorf("told %q", got)
	}
	w.restart(w.table)
	w.pass(time.Hour)
	if got := w.happened(); got != "" {
		t.Errorf("after a restart: %q", got)
	}
	h.settles()
	if got := w.happened(); got != AgentReturned {
		t.Errorf("when it is back: %q", got)
	}
	// It waits for orders for as long as it likes, and is not silent meanwhile.
	h.sync.WaitSeconds = orders.MaxWait
	waiting, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { _, _, _ = w.Sync(waiting, &h.sync); close(ended) }()
	h.waits()
	w.pass(time.Hour)
	if got := w.happened(); got != "" {
		t.Errorf("while it waits: %q", got)
	}
	stop()
	<-ended
	h.sync.Instance, h.sync.WaitSeconds = "run 2", 0
	h.settles()
	if got := w.happened(); got != AgentKilled {
		t.Errorf("when it runs anew: %q", got)
	}
	goodbye.sync.Instance, goodbye.sync.Leaving = "run 2", false
	goodbye.settles()
	if got := w.happened(); got != "" {
		t.Errorf("after a goodbye: %q", got)
	}
}

func TestAnswersThatWereLostComeAgain(t *testing.T) {
	w := newWorld(t)
	h := w.enrol("web-1")
	one, _, err := w.Sync(t.Context(), &h.sync)
	if err != nil {
		t.Fatal(err)
	}
	two, ok, err := w.Sync(t.Context(), &h.sync)
	if err != nil || !ok || string(one.Payload) != string(two.Payload) {
		t.Errorf("%v %v", ok, err)
	}
	// Other orders have another number than those that were lost.
	w.rule("custom", func(*configuration.AgentRule) {})
	w.pass(time.Second)
	three, ok, err := w.Sync(t.Context(), &h.sync)
	if err != nil || !ok {
		t.Fatal(err)
	}
	first, err := h.gate.Accept(two, w.now())
	if err != nil {
		t.Fatal(err)
	}
	if o, err := h.gate.Accept(three, w.now()); err != nil || o.Sequence <= first.Sequence {
		t.Errorf("sequence %d after %d: %v", o.Sequence, first.Sequence, err)
	}
	// What an agent does not want is not sent again and again.
	h.sync.OrdersRefused = "a reason"
	if _, ok, _ := w.Sync(t.Context(), &h.sync); ok {
		t.Error("sent again at once")
	}
}

func TestTheKeyIsReadByItsOwnerOnly(t *testing.T) {
	path := t.TempDir() + "/key"
	one, err := OpenKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if two, err := OpenKey(path); err != nil || !one.Equal(two) {
		t.Errorf("another key: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: %v", err)
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil || os.Chmod(path, 0o600) != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(path); err == nil {
		t.Error("a key that is none was taken")
	}
}
