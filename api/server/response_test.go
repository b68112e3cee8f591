package server

import (
	"strings"
	"testing"

	"nightjar/api/access"
)

// TestOnlyRespondersHaveAgentsKill by making a rule that does, or by changing or
// deleting one; nor has
// anybody else agents hold up packets.
func TestOnlyRespondersHaveAgentsKill(t *testing.T) {
	w := newWorld()
	s := w.start(t)
	keys := map[access.Role]string{}
	for _, p := range everybody(t, w) {
		keys[p.role] = p.key
	}
	const path = "/api/v2/remote_config/products/cws/agent_rules"
	rule := func(name, actions string) string {
		return `{"data":{"type":"agent_rule","attributes":{"name":"` + name + `","expression":"exec.file.name == \"x\""` + actions + `}}}`
	}
	const kill = `,"actions":[{"kill":{"signal":"SIGKILL"}}]`
	const filter = `,"actions":[{"log":{"level":"info"}},{"network_filter":{"filter":"port 53","policy":"drop"}}]`
	made := ""
	for _, c := range []struct {
		role    access.Role
		actions string
		want    int
	}{
		{access.Engineer, "", 200}, {access.Engineer, kill, 403}, {access.Engineer, filter, 403}, {access.Analyst, "", 403}, {access.Responder, kill, 200}, {access.Admin, kill, 200},
	} {
		got, answer := call(t, s, "POST", path, rule("r_"+string(c.role), c.actions), "DD-API-KEY", keys[c.role])
		if got != c.want {
			t.Errorf("%s, %q: %d %s", c.role, c.actions, got, answer)
		}
		if c.role == access.Responder {
			_, made, _ = strings.Cut(answer, `"id":"`)
			made, _, _ = strings.Cut(made, `"`)
		}
	}
	change := `{"data":{"id":"` + made + `","type":"agent_rule","attributes":{"enabled":false}}}`
	if got, answer := call(t, s, "PATCH", path+"/"+made, change, "DD-API-KEY", keys[access.Engineer]); got != 403 {
		t.Errorf("an engineer changes it: %d %s", got, answer)
	}
	if got, answer := call(t, s, "PATCH", path+"/"+made, change, "DD-API-KEY", keys[access.Responder]); got != 200 {
		t.Errorf("a responder changes it: %d %s", got, answer)
	}
	for _, path := range []string{path, "/api/v2/security_monitoring/cloud_workload_security/agent_rules"} {
		if got, answer := call(t, s, "DELETE", path+"/"+made, "", "DD-API-KEY", keys[access.Engineer]); got != 403 {
			t.Errorf("an engineer deletes it: %d %s", got, answer)
		}
	}
	if got, answer := call(t, s, "DELETE", path+"/"+made, "", "DD-API-KEY", keys[access.Responder]); got != 204 {
		t.Errorf("a responder deletes it: %d %s", got, answer)
	}
}
