package control

import (
	"fmt"
	"slices"
	"strings"

	"nightjar/agent/orders"
	"nightjar/schema"
)

// Happening is something that people should know of agents. The engine makes an event of
// it.
type Happening struct {
	Name    string // of the event
	Status  string // warn or info
	Message string
	Agent   string // its id; empty: all of them
	Host    string
	// Details are further attributes.
	Details map[string]any
}

// Names of happenings.
const (
	AgentSilent     = "agent_silent"     // it neither asks for orders nor said that it stops
	AgentReturned   = "agent_returned"   // after it was silent
	AgentKilled     = "agent_killed"     // it runs anew, and did not say before that it stops
	AgentDoubled    = "agent_doubled"    // two run with one identity
	PoliciesRefused = "policies_refused" // by the server, or by an agent
	RolloutStopped  = "rollout_stopped"
)

func (r *Registry) tellSilent(id string, a Agent, since schema.Millis) {
	r.deps.Tell(Happening{
		Name: AgentSilent, Status: "warn", Agent: id, Host: a.Host, Details: map[string]any{"last_contact": since.String()},
		Message: fmt.Sprintf("the agent on %s is silent since %s, and did not say that it stops", a.Host, since),
	})
}

// tellChange tells what a sync shows of what happened since the one before.
func (r *Registry) tellChange(in *orders.Sync, before, after Agent) {
	h := Happening{Agent: in.Agent, Host: in.Host}
	switch {
	case before.State == Silent:
		h.Name, h.Status, h.Message = AgentReturned, "info", fmt.Sprintf("the agent on %s is heard of again", in.Host)
	case before.State == Reporting && before.Instance != "" && before.Instance != after.Instance:
		h.Name, h.Status, h.Message = AgentKilled, "warn", fmt.Sprintf("the agent on %s ended without saying that it stops, and runs again", in.Host)
	default:
		return
	}
	r.deps.Tell(h)
}

// tellAgentRefused tells that an agent does not follow what it was sent.
func (r *Registry) tellAgentRefused(in *orders.Sync) {
	r.deps.Tell(Happening{
		Name: PoliciesRefused, Status: "warn", Agent: in.Agent, Host: in.Host,
		Details: map[string]any{"version": in.Refused.Version, "errors": some(in.Refused.Errors)},
		Message: fmt.Sprintf("the agent on %s refused the policies, version %d, and goes on with the last good ones: %s", in.Host, in.Refused.Version, firstOf(in.Refused.Errors)),
	})
}

func (r *Registry) tellRefused(problems []string) {
	r.deps.Tell(Happening{
		Name: PoliciesRefused, Status: "warn", Details: map[string]any{"errors": some(problems)},
		Message: "what is configured for agents does not check, and they keep what they have: " + strings.Join(some(problems), "; "),
	})
}

func (r *Registry) tellStopped(why string) {
	r.deps.Tell(Happening{Name: RolloutStopped, Status: "warn", Details: map[string]any{"reason": why}, Message: "the rollout of the agents' policies stopped: " + why})
}

// mostTold is how many errors an event has.
const mostTold = 10

func some(list []string) []string {
	out := slices.Clone(list[:min(len(list), mostTold)])
	for i := range out {
		out[i] = shortened(out[i])
	}
	return out
}

// shortened is as much of a text as an event has of it.
func shortened(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

func (r *Registry) tellDoubled(in *orders.Sync, before Agent) {
	r.deps.Tell(Happening{
		Name: AgentDoubled, Status: "warn", Agent: in.Agent, Host: in.Host, Details: map[string]any{"hosts": []string{before.Host, in.Host}},
		Message: fmt.Sprintf("two agents run as agent %s, on %s and %s: a state folder was copied; remove agent-id from one of them, and enrol that host again", in.Agent, before.Host, in.Host),
	})
}
