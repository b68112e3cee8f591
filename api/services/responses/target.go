package responses

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"nightjar/agent/responses"
	"nightjar/api"
	"nightjar/api/services/events"
	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// target is whom a response is for.
type target struct {
	agent   Agent
	process *responses.Process
}

// ListResponseTargets reads what a signal's events are about.
func (s *ResponseService) ListResponseTargets(ctx context.Context, in *pb.ListResponseTargetsRequest) (*pb.ResponseTargets, error) {
	doc, err := s.Signals.Document(ctx, in.GetSignalId())
	if err != nil {
		return nil, err
	}
	samples, err := s.samples(ctx, &doc)
	if err != nil {
		return nil, err
	}
	out := &pb.ResponseTargets{LookedAt: int64(len(samples)), Events: int64(doc.Nightjar.Events)}
	for _, c := range responses.Targets(samples) {
		out.Targets = append(out.Targets, s.candidate(c))
	}
	return out, nil
}

// maxLooked is how many events of a signal are looked at, beside those that it shows, of
// each of its rule's queries: the newest.
const maxLooked = 200

// samples are the events of a signal that are looked at: those that it shows, and where
// there are more, the newest of agents.
func (s *ResponseService) samples(ctx context.Context, doc *schema.SignalDocument) ([]schema.Sample, error) {
	out := schema.ReadSamples(string(doc.Samples))
	if uint64(len(out)) >= doc.Nightjar.Events {
		return out, nil
	}
	queries, from, to, err := s.Signals.Searches(doc)
	if err != nil {
		return nil, err
	}
	for _, text := range queries {
		q, err := search.Parse("(" + text + ") source:" + schema.AgentSource)
		if err != nil {
			continue // of a rule over signals, or one whose queries meant something else then
		}
		page, err := s.Events.SearchLogs(ctx, events.LogSearch{Query: q, From: from, To: to, Limit: maxLooked})
		if err != nil {
			return nil, err
		}
		for i := range page.Events {
			e := &page.Events[i]
			if !slices.ContainsFunc(out, func(known schema.Sample) bool { return known.EventID == e.ID() }) {
				out = append(out, schema.Sample{EventID: e.ID(), Content: schema.SampleContent{
					Timestamp: e.At.String(), Source: e.Source, Host: e.Host, Custom: json.RawMessage(e.JSON),
				}})
			}
		}
	}
	return out, nil
}

func (s *ResponseService) candidate(c responses.Candidate) *pb.ResponseTarget {
	out := &pb.ResponseTarget{Host: c.Host, Process: processToProto(c.Process), EventId: c.Event, EventAt: c.At, AgentRule: c.Rule}
	for _, a := range s.agentsOf(c.Host) {
		out.Agents = append(out.Agents, &pb.ResponseAgent{Id: a.ID, Host: a.Host, LastContact: moment(a.LastContact), Disarmed: a.Disarmed, Isolated: a.Isolated})
	}
	return out
}

// agentsOf are the agents of a host, those heard of last first.
func (s *ResponseService) agentsOf(host string) []Agent {
	all := slices.DeleteFunc(slices.Clone(s.Agents.Agents()), func(a Agent) bool { return a.Host != host })
	slices.SortStableFunc(all, func(a, b Agent) int { return cmp.Compare(b.LastContact, a.LastContact) })
	return all
}

// agent is the one with this id, or the one of this host.
func (s *ResponseService) agent(id, host string) (Agent, error) {
	if id != "" {
		for _, a := range s.Agents.Agents() {
			if a.ID == id && (host == "" || host == a.Host) {
				return a, nil
			}
		}
		return Agent{}, api.BadRequest("agent", "no agent %q enrolled%s; `nightjar agents` lists those that did", api.Shorten(id), ofHost(host))
	}
	if host == "" {
		return Agent{}, api.BadRequest("host", "say which host, or which agent")
	}
	found := s.agentsOf(host)
	switch {
	case len(found) == 0:
		return Agent{}, api.BadRequest("host", "no agent enrolled on host %q, so that nobody there can be told; `nightjar agents` lists those that did", api.Shorten(host))
	case len(found) > 1 && s.speaks(found[1]):
		ids := make([]string, len(found))
		for i, a := range found {
			ids[i] = a.ID
		}
		return Agent{}, api.BadRequest("agent", "several agents call their host %q: say which one of %s", api.Shorten(host), strings.Join(ids, ", "))
	}
	return found[0], nil
}

// beside are the other agents of an agent's host that are no earlier ones of it: they were
// heard of since it enrolled. What asked before that is answered within away.
func (s *ResponseService) beside(a Agent) (ids []string) {
	settled := a.Enrolled + schema.Millis(away.Milliseconds())
	for _, o := range s.agentsOf(a.Host) {
		if o.ID != a.ID && o.LastContact > a.Enrolled && (o.LastContact > settled || schema.MillisOf(s.Now()) < settled) {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// speaks reports whether an agent was heard of lately: one that was enrolled again left its
// former id behind.
func (s *ResponseService) speaks(a Agent) bool {
	const lately = 10 * time.Minute
	return a.LastContact > schema.MillisOf(s.Now().Add(-lately))
}

func ofHost(host string) string {
	if host == "" {
		return ""
	}
	return fmt.Sprintf(" on host %q", api.Shorten(host))
}

// choose is whom a response to a signal is for: what the caller says, filled up by what the
// signal's events are about.
func (s *ResponseService) choose(ctx context.Context, in *pb.RespondRequest, doc *schema.SignalDocument) (t target, err error) {
	action := responses.Action(in.GetAction())
	process, err := processOf(in.GetProcess())
	if err != nil {
		return t, err
	}
	samples, err := s.samples(ctx, doc)
	if err != nil {
		return t, err
	}
	all := responses.Targets(samples)
	host := in.GetHost()
	if in.GetAgent() != "" {
		if t.agent, err = s.agent(in.GetAgent(), host); err != nil {
			return t, err
		}
		host = t.agent.Host
	}
	fitting := slices.DeleteFunc(all, func(c responses.Candidate) bool {
		return host != "" && c.Host != host || action.AboutProcess() && (c.Process == nil || !fits(process, c.Process))
	})
	if !action.AboutProcess() {
		fitting = hosts(fitting)
	}
	if len(fitting) != 1 {
		return t, ambiguous(action, fitting)
	}
	if t.agent.ID == "" {
		if t.agent, err = s.agent("", fitting[0].Host); err != nil {
			return t, err
		}
	}
	t.process = fitting[0].Process
	return t, nil
}

// fits reports whether a process of an event may be the one that the caller says: all that
// is said must be so.
func fits(said, have *responses.Process) bool {
	return said == nil ||
		(said.PID == 0 || said.PID == have.PID) &&
			(said.Executable == "" || said.Executable == have.Executable) &&
			(said.Inode == 0 || said.Inode == have.Inode) &&
			(said.Started.IsZero() || said.Started.Equal(have.Started)) &&
			(said.Boot == "" || said.Boot == have.Boot) &&
			(said.SinceBoot == 0 || said.SinceBoot == have.SinceBoot)
}

// hosts are the candidates, one for each host.
func hosts(all []responses.Candidate) (out []responses.Candidate) {
	for _, c := range all {
		if !slices.ContainsFunc(out, func(o responses.Candidate) bool { return o.Host == c.Host }) {
			out = append(out, c)
		}
	}
	return out
}

// ambiguous says that there is no one target, and what there is.
func ambiguous(action responses.Action, all []responses.Candidate) error {
	if len(all) == 0 {
		return api.BadRequest("process", "no event of the signal that was looked at is an agent's and names such a target; POST /api/nightjar/v1/responses takes any")
	}
	what := "process.pid"
	if !action.AboutProcess() {
		what = "host"
	}
	e := &api.Error{Code: api.CodeFailedPrecondition, Status: http.StatusConflict, Message: "the signal's events are about several targets: say which one by " + what, Target: what}
	for _, c := range all {
		e.Details = append(e.Details, schema.Detail{Target: what, Message: candidateText(c, action)})
	}
	return e
}

func candidateText(c responses.Candidate, action responses.Action) string {
	if !action.AboutProcess() || c.Process == nil {
		return c.Host
	}
	p := c.Process
	text, err := json.Marshal(map[string]any{
		"host": c.Host, "pid": p.PID, "executable": p.Executable, "args": p.Args, "user": p.User, "container": p.Container, "started": p.Started, "event": c.Event,
	})
	if err != nil {
		return p.String() // texts and numbers: cannot fail
	}
	return string(text)
}

// told is an error of the book as a caller sees it.
func told(err error) error {
	if d := (*responses.DisarmedError)(nil); errors.As(err, &d) {
		return &api.Error{Code: api.CodeFailedPrecondition, Status: http.StatusConflict, Message: d.Error()}
	}
	return err
}
