package operations

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightjar/agent/control"
	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/compiler"
	"nightjar/scheduler"
	"nightjar/schema"
)

// Agents reads what agents report. api/clickhouse implements it.
type Agents interface {
	// Agents are the newest reports of every agent that reported since then, by host.
	Agents(ctx context.Context, since schema.Millis) ([]AgentReport, error)
	// AgentLosses are the reports of losses among the arrivals in (after, through],
	// in their order; of very many the newest, and then more is true.
	AgentLosses(ctx context.Context, after, through uint64) (losses []AgentReport, more bool, err error)
}

// AgentReport is a report and the event that carried it.
type AgentReport struct {
	schema.AgentReport
	Host string
	Seq  uint64
	Seen schema.Millis
}

// States of agents.
const (
	AgentReporting = "reporting"
	AgentStopped   = "stopped"
	AgentSilent    = "silent"
)

// State is that of the agent if this is its newest report.
func (r *AgentReport) State(now schema.Millis) string {
	const patience = schema.Millis(3 * 60_000)
	switch {
	case r.Stopping:
		return AgentStopped
	case now-r.Seen > max(patience, 3*(r.To-r.From)):
		return AgentSilent
	}
	return AgentReporting
}

// AgentService serves AgentService.
type AgentService struct {
	pb.UnimplementedAgentServiceServer
	Store Agents
	Fleet *control.Registry // nil: none are enrolled
	// DisarmedAlone says how an agent was disarmed by itself; nil, or its nil: it was not.
	DisarmedAlone func(agent string) *pb.AgentArming
	Now           func() time.Time
}

// ListAgents reads the newest report of every agent, and all that are enrolled.
func (s *AgentService) ListAgents(ctx context.Context, in *pb.ListAgentsRequest) (*pb.ListAgentsResponse, error) {
	const day, most = 24 * time.Hour, 366 * 24 * time.Hour
	within := day
	if in.WithinSeconds != 0 {
		if in.WithinSeconds < 0 || in.WithinSeconds > int64(most/time.Second) {
			return nil, &api.Error{Message: "within_seconds: want a number of seconds up to a year", Target: "within_seconds"}
		}
		within = time.Duration(in.WithinSeconds) * time.Second
	}
	now := schema.MillisOf(s.Now())
	reports, err := s.Store.Agents(ctx, now.Add(-within))
	if err != nil {
		return nil, err
	}
	out := &pb.ListAgentsResponse{}
	for _, r := range reports {
		a := &pb.Agent{
			Host: r.Host, Instance: r.Instance, Version: r.Version, Kernel: r.Kernel, State: r.State(now),
			Started: r.Started.String(), LastReport: r.Seen.String(),
			Generated: r.Generated, Filtered: r.Filtered, Delivered: r.Delivered, Waiting: r.Waiting, Lost: r.Lost, Incomplete: r.Incomplete,
			Matches: r.Matches, HeldBack: r.HeldBack, Sent: r.Sent, Unsent: r.Unsent, Undelivered: r.Undelivered, Policies: r.Policies,
		}
		for _, h := range r.Hooks {
			a.Hooks = append(a.Hooks, &pb.AgentHook{Event: h.Event, Provider: h.Provider, Without: h.Without})
		}
		for _, u := range r.Unsupported {
			a.Unsupported = append(a.Unsupported, &pb.AgentUnsupported{Event: u.Event, Reason: u.Reason})
		}
		out.Agents = append(out.Agents, a)
	}
	if s.Fleet != nil {
		out.Agents = withEnrolled(out.Agents, s.Fleet.Agents())
	}
	for _, a := range out.Agents {
		if s.DisarmedAlone != nil && a.Id != "" {
			a.DisarmedAlone = s.DisarmedAlone(a.Id)
		}
	}
	return out, nil
}

// CoverageLost is the state of an entry about events that an agent lost.
const CoverageLost = "lost"

// agentGaps are the entries of a rule about events that agents lost and that the
// rule could have matched, in the version that was in force when it was reported.
func (s *CoverageService) agentGaps(ctx context.Context, ruleID string, found scheduler.Coverage) ([]scheduler.Entry, error) {
	in, reads, err := s.agentArrivals(ctx, ruleID, found)
	if err != nil || in.From >= in.To {
		return nil, err
	}
	losses, more, err := s.Agents.AgentLosses(ctx, in.From, in.To)
	if err != nil {
		return nil, fmt.Errorf("read what agents lost: %w", err)
	}
	var out []scheduler.Entry
	for i, r := range losses {
		at := slices.IndexFunc(found.Stretches, func(st scheduler.Stretch) bool { return st.In.From < r.Seq && r.Seq <= st.In.To })
		if at < 0 || !reads[found.Stretches[at].Version] {
			continue
		}
		of := r.entries()
		for k := range of {
			of[k].RuleID, of[k].RuleVersion = ruleID, found.Stretches[at].Version
		}
		if i == 0 && more && len(of) > 0 {
			of[0].Reason += "; earlier losses are not listed"
		}
		out = append(out, of...)
	}
	return out, nil
}

// entries are the gaps that a report tells of: the time in which nobody watched, and what
// was lost.
func (r *AgentReport) entries() []scheduler.Entry {
	entry := scheduler.Entry{State: CoverageLost, In: scheduler.Interval{From: r.Seq - 1, To: r.Seq}, At: r.Seen}
	var out []scheduler.Entry
	if r.Blind != nil {
		entry.Earliest, entry.Latest = r.Blind.From, r.Blind.To
		entry.Reason = "the agent on " + r.Host + " did not watch: " + r.Blind.Reason
		out = append(out, entry)
	}
	for _, n := range r.LostSince {
		entry.Events += n
	}
	if entry.Events > 0 {
		entry.Earliest, entry.Latest = r.From, r.To
		entry.Reason = "the agent on " + r.Host + " lost events: " + causes(r.LostSince)
		out = append(out, entry)
	}
	return out
}

// agentArrivals are the arrivals of the stretches under versions that could match
// events of agents, and which versions these are.
func (s *CoverageService) agentArrivals(ctx context.Context, ruleID string, found scheduler.Coverage) (in scheduler.Interval, reads map[int64]bool, err error) {
	versions, err := s.Rules.RuleVersions(ctx, ruleID)
	if err != nil {
		return in, nil, err
	}
	reads = map[int64]bool{}
	for _, r := range versions {
		plan, err := compiler.CompileStored(r)
		reads[r.Version] = err == nil && plan.MayMatch(schema.AgentSource)
	}
	for _, st := range found.Stretches {
		if !reads[st.Version] || st.State == scheduler.CoverageDisabled {
			continue
		}
		if in.To == 0 {
			in.From = st.In.From
		}
		in.From, in.To = min(in.From, st.In.From), max(in.To, st.In.To)
	}
	return in, reads, nil
}

// causes tells numbers by cause, the causes in the order of the alphabet.
func causes(lost map[string]uint64) string {
	var parts []string
	for _, cause := range slices.Sorted(maps.Keys(lost)) {
		if lost[cause] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", cause, lost[cause]))
		}
	}
	return strings.Join(parts, ", ")
}
