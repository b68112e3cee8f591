package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

type demoState struct {
	State   string
	Events  int
	RuleIDs []string `json:"rule_ids"`
	Job     string   `json:"triage_job_id"`
}

// TestTheDemoShowsItsAttacksAndGoes starts the demo of an empty install, twice, finds its
// attacks, and removes it.
func TestTheDemoShowsItsAttacksAndGoes(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	const path = "/api/nightjar/v1/demo"
	state := func(method string) (d demoState) {
		p.call(method, path, map[string][]byte{http.MethodPost: []byte("{}")}[method], &d)
		return d
	}
	if d := state(http.MethodGet); d.State != "none" {
		t.Fatalf("before: %+v", d)
	}
	first, again := state(http.MethodPost), state(http.MethodPost)
	if first.State != "shown" || first.Events < 1500 || len(first.RuleIDs) != 5 || again.Events != first.Events || !slices.Equal(first.RuleIDs, again.RuleIDs) {
		t.Fatalf("%+v, and again %+v", first, again)
	}
	p.caughtUp()
	if n := p.count("SELECT count() FROM events WHERE has(tags, 'env:demo')"); n != uint64(first.Events) {
		t.Errorf("%d events are stored of %d", n, first.Events)
	}
	found := map[string][]string{}
	for _, s := range p.signals("env:demo") {
		found[s.Rule] = append(found[s.Rule], s.Group[0])
	}
	for rule, group := range map[string]string{
		"SSH brute force": "203.0.113.66", "SSH login after failures": "203.0.113.66", "Password spraying": "198.51.100.23",
		"Shell started by PHP or a web server": "web-1", "Cryptominer started": "web-1",
	} {
		if !slices.Contains(found[rule], group) {
			t.Errorf("%s has no signal of %s: %v", rule, group, found)
		}
	}
	if _, talk, code := p.run("demo"); code != exitOK || !strings.Contains(talk, "env:demo") {
		t.Errorf("demo: exit %d, %s", code, talk)
	}
	gone := state(http.MethodDelete)
	if gone.State != "removed" || gone.Job == "" {
		t.Fatalf("removed: %+v", gone)
	}
	if _, talk, code := p.run("demo", "remove"); code != exitOK || !strings.Contains(talk, "nightjar delete env:demo") {
		t.Errorf("demo remove: exit %d, %s", code, talk)
	}
	p.await("its signals to be archived", func() bool { return len(p.signals("env:demo state:open")) == 0 })
	var rules struct{ Data []struct{ ID string } }
	p.call(http.MethodGet, "/api/v2/security_monitoring/rules", nil, &rules)
	for _, r := range rules.Data {
		if slices.Contains(first.RuleIDs, r.ID) {
			t.Errorf("rule %s is still there", r.ID)
		}
	}
}
