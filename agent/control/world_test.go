package control

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightjar/agent/orders"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/objects/objectstest"
)

// builtIn is a default policy of two rules.
const builtIn = `version: 1.0.0
macros:
  - id: SHELLS
    expression: '["sh", "bash"]'
rules:
  - id: shell
    expression: exec.file.name in SHELLS
    tags: {tactic: x}
    actions:
      - kill: {signal: SIGKILL}
  - id: passwords
    expression: open.file.path == "/etc/shadow"
    every: 1m
`

// world is a server with a clock that tests turn, and agents that do as they are told.
type world struct {
	t     *testing.T
	table *objectstest.Table
	path  string // of the key

	mu    sync.Mutex
	at    time.Time
	told  []Happening
	bound map[string]string // keys that are valid, to agents

	*Registry
	stores *configuration.Stores
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, table: &objectstest.Table{}, path: filepath.Join(t.TempDir(), "key"), at: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC),
		bound: map[string]string{},
	}
	w.restart(w.table)
	return w
}

// restart is another run of the server, with what the table has.
func (w *world) restart(table *objectstest.Table) {
	w.t.Helper()
	defaults, err := ReadDefaults(builtIn)
	if err != nil {
		w.t.Fatal(err)
	}
	w.stores = configuration.NewStores(table, w.now, configuration.ForAgents{
		Rules: defaults.Rules, Policies: []objects.Versioned[configuration.AgentPolicy]{defaults.Policy},
	})
	key, err := OpenKey(w.path)
	if err == nil {
		err = w.stores.Load(w.t.Context())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.Registry = New(Deps{Objects: table, Stores: w.stores, Defaults: defaults, Keys: w, Key: key, Tell: w.tell, Now: w.now})
	if err := w.Load(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

// pass turns the clock, and lets the registry do what is due.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.mu.Lock()
	w.at = w.at.Add(d)
	w.mu.Unlock()
	for range 3 { // two looks see that no further change comes
		if err := w.look(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.listen(w.t.Context())
}

func (w *world) tell(h Happening) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, h)
}

// happened are the names of what was told since it was last asked.
func (w *world) happened() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for _, h := range w.told {
		names = append(names, h.Name)
	}
	w.told = nil
	return strings.Join(names, " ")
}

// Bind and Revoke implement Keys.
func (w *world) Bind(_ context.Context, agent, _ string) (string, string, error) {
	w.bound["key of "+agent] = agent
	return "key of " + agent, "secret of " + agent, nil
}

func (w *world) Revoke(_ context.Context, keyID string) error {
	delete(w.bound, keyID)
	return nil
}

// host is an agent as it is at its end: it accepts what its gate does.
type host struct {
	w    *world
	gate *orders.Gate
	sync orders.Sync
	// refuses are errors that it finds in every new policies.
	refuses []string
}

func (w *world) enrol(name string, tags ...string) *host {
	w.t.Helper()
	made, err := w.Enrol(w.t.Context(), "token", orders.Enrolment{Host: name, Tags: tags})
	if err != nil {
		w.t.Fatal(err)
	}
	return &host{w: w, gate: orders.NewGate(made.Agent, ed25519.PublicKey(made.ServerKey)), sync: orders.Sync{
		Agent: made.Agent, Host: name, Tags: tags, Instance: "run 1 of " + name,
	}}
}

// polls asks for orders without waiting, and follows them. It reports whether there were any.
func (h *host) polls() bool {
	h.w.t.Helper()
	in := h.sync
	s, ok, err := h.w.Sync(h.w.t.Context(), &in)
	if err != nil {
		h.w.t.Fatal(err)
	}
	if !ok {
		return false
	}
	o, err := h.gate.Accept(s, h.w.now())
	if err != nil {
		h.w.t.Fatalf("%s: %v", h.sync.Host, err)
	}
	h.sync.Sequence = o.Sequence
	switch {
	case o.Policies.Version == h.sync.InForce:
	case h.refuses != nil:
		h.sync.Refused = &orders.Refusal{Version: o.Policies.Version, Errors: h.refuses}
	default:
		h.sync.InForce, h.sync.Refused = o.Policies.Version, nil
	}
	return true
}

// settles polls until there is nothing new.
func (h *host) settles() {
	h.w.t.Helper()
	for range 5 {
		if !h.polls() {
			return
		}
	}
	h.w.t.Fatalf("%s is given orders again and again", h.sync.Host)
}

// rules are those that the host follows, as policy/mode: rules.
func (h *host) rules() string {
	var out []string
	for _, p := range h.gate.Last().Policies.Set {
		var ids []string
		for _, line := range strings.Split(p.Text, "\n") {
			if id, ok := strings.CutPrefix(strings.TrimSpace(line), "- id: "); ok && id != "SHELLS" {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		out = append(out, fmt.Sprintf("%s/%s: %s", p.Name, p.Mode, strings.Join(ids, " ")))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// waits waits until the agent's poll waits for an answer.
func (h *host) waits() {
	for waiting := false; !waiting; time.Sleep(time.Millisecond) {
		h.w.Registry.mu.Lock()
		waiting = h.w.members[h.sync.Agent].polls > 0
		h.w.Registry.mu.Unlock()
	}
}

// rule makes a rule, in the policies that edit says.
func (w *world) rule(name string, edit func(*configuration.AgentRule)) string {
	w.t.Helper()
	r := configuration.AgentRule{Name: name, Expression: `exec.file.name == "` + name + `"`, Enabled: true}
	edit(&r)
	v, err := w.stores.AgentRules.Create(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return v.ID
}

func (w *world) policy(name string, hosts ...[]string) string {
	w.t.Helper()
	v, err := w.stores.AgentPolicies.Create(w.t.Context(), configuration.AgentPolicy{Name: name, Enabled: true, HostTags: hosts})
	if err != nil {
		w.t.Fatal(err)
	}
	return v.ID
}

// builtInRule is the id of a built-in rule.
func (w *world) builtInRule(name string) string {
	i := slices.IndexFunc(w.deps.Defaults.Rules, func(v objects.Versioned[configuration.AgentRule]) bool { return v.Body.Name == name })
	return w.deps.Defaults.Rules[i].ID
}
