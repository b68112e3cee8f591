package responses

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"nightjar/agent/orders"
	"nightjar/agent/responses"
	"nightjar/api"
	"nightjar/api/access"
	"nightjar/api/services/events"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// ResponseService serves ResponseService.
type ResponseService struct {
	pb.UnimplementedResponseServiceServer
	Book    *responses.Book
	Agents  Agents
	Signals Signals
	Events  Events
	Now     func() time.Time
}

// Agents are the agents that enrolled. engine joins it to agent/control.
type Agents interface {
	Agents() []Agent
}

// Agent is an agent as responses need it.
type Agent struct {
	ID, Host    string
	LastContact schema.Millis // 0: not since the engine started
	Enrolled    schema.Millis
	Disarmed    string // who has disarmed it; empty: nobody
	Isolated    bool   // as it said last
}

// Signals reads signals. services/signals.Store is one.
type Signals interface {
	// Document is what a signal says of itself; a *schema.NotFoundError where there is none.
	Document(ctx context.Context, id string) (schema.SignalDocument, error)
	// Searches are those that find its events, in [from, to).
	Searches(doc *schema.SignalDocument) (queries []string, from, to schema.Millis, err error)
}

// Events are the stored events. services/events.Store is one.
type Events interface {
	SearchLogs(context.Context, events.LogSearch) (events.LogPage, error)
}

// defaultDeadline is how long an agent may be away unless the caller says.
const defaultDeadline = 15 * time.Minute

// needs are the permissions of the actions.
var needs = map[responses.Action]access.Permission{
	responses.Kill: access.KillProcesses, responses.Isolate: access.IsolateHosts, responses.Release: access.IsolateHosts,
	responses.Collect: access.CollectProcesses,
}

// RespondToSignal has something done about a signal.
func (s *ResponseService) RespondToSignal(ctx context.Context, in *pb.RespondRequest) (*pb.Response, error) {
	if err := mayDo(ctx, in); err != nil {
		return nil, err
	}
	doc, err := s.Signals.Document(ctx, in.GetSignalId())
	if err != nil {
		return nil, err
	}
	if len(doc.Nightjar.Responses) >= schema.MaxResponses {
		return nil, api.BadRequest("signal_id", "signal %s has %d responses already; respond without it", in.GetSignalId(), schema.MaxResponses)
	}
	target, err := s.choose(ctx, in, &doc)
	if err != nil {
		return nil, err
	}
	return s.create(ctx, in, target)
}

// CreateResponse has something done to a host without a signal.
func (s *ResponseService) CreateResponse(ctx context.Context, in *pb.RespondRequest) (*pb.Response, error) {
	if err := mayDo(ctx, in); err != nil {
		return nil, err
	}
	if in.GetSignalId() != "" {
		return nil, api.BadRequest("signal_id", "about a signal, POST /api/nightjar/v1/signals/%s/respond", api.Shorten(in.GetSignalId()))
	}
	agent, err := s.agent(in.GetAgent(), in.GetHost())
	if err != nil {
		return nil, err
	}
	process, err := processOf(in.GetProcess())
	if err != nil {
		return nil, err
	}
	return s.create(ctx, in, target{agent, process})
}

// mayDo refuses what is no action, and callers who may not do it.
func mayDo(ctx context.Context, in *pb.RespondRequest) error {
	need, known := needs[responses.Action(in.GetAction())]
	if !known {
		return api.BadRequest("action", "want kill, isolate, release or collect, got %q", api.Shorten(in.GetAction()))
	}
	return access.Of(ctx).Check(need)
}

// create keeps the response.
func (s *ResponseService) create(ctx context.Context, in *pb.RespondRequest, to target) (*pb.Response, error) {
	deadline := defaultDeadline
	if n := in.GetDeadlineSeconds(); n != 0 {
		if n < 1 || n > int64(responses.MaxDeadline/time.Second) {
			return nil, api.BadRequest("deadline_seconds", "want 1 to %d, got %d", int64(responses.MaxDeadline/time.Second), n)
		}
		deadline = time.Duration(n) * time.Second
	}
	v, err := s.Book.Create(ctx, responses.Response{
		Action: responses.Action(in.GetAction()), Signal: in.GetSignalId(), Agent: to.agent.ID, Host: to.agent.Host, Process: to.process,
		SignalName: in.GetSignalName(), Scope: in.GetScope(), Reason: strings.TrimSpace(in.GetReason()), By: api.AuthorOf(ctx),
		Deadline: schema.MillisOf(s.Now().Add(deadline)),
	}, s.beside(to.agent)...)
	if err != nil {
		return nil, told(err)
	}
	api.AnswerWith(ctx, http.StatusCreated)
	return answer(v, s.lastContacts()), nil
}

// ListResponses reads responses.
func (s *ResponseService) ListResponses(_ context.Context, in *pb.ListResponsesRequest) (*pb.ListResponsesResponse, error) {
	const most = 1000
	limit := int(cmp.Or(in.GetLimit(), 100))
	if limit < 1 || limit > most {
		return nil, api.BadRequest("limit", "want 1 to %d, got %d", most, limit)
	}
	if err := oneOf("state", responses.State(in.GetState()), responses.States); err != nil {
		return nil, err
	}
	if err := oneOf("action", responses.Action(in.GetAction()), responses.Actions); err != nil {
		return nil, err
	}
	all := s.Book.List(responses.Query{
		Signal: in.GetSignalId(), Agent: in.GetAgent(), Host: in.GetHost(), State: responses.State(in.GetState()), Action: responses.Action(in.GetAction()),
	})
	out, heard := &pb.ListResponsesResponse{}, s.lastContacts()
	for _, v := range all[:min(limit, len(all))] {
		one := answer(v, heard)
		if one.Result != nil {
			one.Result.ReportText = nil
		}
		out.Responses = append(out.Responses, one)
	}
	out.More = int64(len(all) - len(out.Responses))
	return out, nil
}

// oneOf refuses a word that is none of these; none at all is fine.
func oneOf[T ~string](target string, word T, words []T) error {
	var known []string
	for _, w := range words {
		if w == word {
			return nil
		}
		known = append(known, string(w))
	}
	if word == "" {
		return nil
	}
	return api.BadRequest(target, "want one of %s, got %q", strings.Join(known, ", "), api.Shorten(string(word)))
}

// GetResponse reads one.
func (s *ResponseService) GetResponse(ctx context.Context, in *pb.GetResponseRequest) (*pb.Response, error) {
	v, err := s.Book.Get(ctx, in.GetResponseId())
	if err != nil {
		return nil, err
	}
	return answer(v, s.lastContacts()), nil
}

// CancelResponse takes back what the agent has not answered; it needs the permission of
// the action.
func (s *ResponseService) CancelResponse(ctx context.Context, in *pb.CancelResponseRequest) (*pb.Response, error) {
	v, err := s.Book.Get(ctx, in.GetResponseId())
	if err != nil {
		return nil, err
	}
	if err := access.Of(ctx).Check(needs[v.Body.Action]); err != nil {
		return nil, err
	}
	if v, err = s.Book.Cancel(ctx, v.ID, api.AuthorOf(ctx)); err != nil {
		return nil, err
	}
	return answer(v, s.lastContacts()), nil
}

// answer is a response as callers see it.
func answer(v responses.Versioned, lastContacts map[string]schema.Millis) *pb.Response {
	r := &v.Body
	out := &pb.Response{
		Id: v.ID, Action: string(r.Action), SignalId: r.Signal, Agent: r.Agent, Host: r.Host, Process: processToProto(r.Process),
		SignalName: r.SignalName, Scope: r.Scope, Reason: r.Reason, By: r.By, Created: v.CreatedAt.String(), Deadline: r.Deadline.String(),
		State: string(r.State), Ended: moment(r.Ended), CancelledBy: r.CancelledBy, Target: r.Target(),
		AgentLastContact: moment(lastContacts[r.Agent]),
	}
	if res := r.Result; res != nil {
		out.Result = &pb.ResponseResult{Status: res.Status, Error: res.Error, At: res.At.String()}
		if len(res.Report) > 0 {
			out.Result.ReportText = new(string(res.Report))
		}
	}
	return out
}

// lastContacts are when each agent was last heard of, by its id.
func (s *ResponseService) lastContacts() map[string]schema.Millis {
	out := map[string]schema.Millis{}
	for _, a := range s.Agents.Agents() {
		out[a.ID] = a.LastContact
	}
	return out
}

// moment is a time as it is shown; empty where there is none.
func moment(m schema.Millis) string {
	if m == 0 {
		return ""
	}
	return m.String()
}

func processToProto(p *responses.Process) *pb.ResponseProcess {
	if p == nil {
		return nil
	}
	out := &pb.ResponseProcess{
		Pid: int64(p.PID), Executable: p.Executable, Inode: p.Inode, Boot: p.Boot,
		Args: p.Args, User: p.User, Container: p.Container, Cgroup: p.CGroup,
	}
	if p.SinceBoot != 0 {
		out.SinceBoot = strconv.FormatUint(p.SinceBoot, 10)
	}
	if !p.Started.IsZero() {
		out.Started = p.Started.UTC().Format(time.RFC3339Nano)
	}
	return out
}

func processOf(p *pb.ResponseProcess) (*responses.Process, error) {
	if p == nil {
		return nil, nil
	}
	if p.GetPid() < 0 || p.GetPid() > math.MaxInt32 {
		return nil, api.BadRequest("process.pid", "want a number above 0, got %d", p.GetPid())
	}
	out := &responses.Process{
		Process: orders.Process{PID: uint32(p.GetPid()), Executable: p.GetExecutable(), Inode: p.GetInode(), Boot: p.GetBoot()},
		Args:    p.GetArgs(), User: p.GetUser(), Container: p.GetContainer(), CGroup: p.GetCgroup(),
	}
	if text := p.GetSinceBoot(); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || p.GetBoot() == "" {
			return nil, api.BadRequest("process.since_boot", "want ns since the boot that `boot` says, got %q", api.Shorten(text))
		}
		out.SinceBoot = n
	}
	if p.GetStarted() != "" {
		at, err := time.Parse(time.RFC3339Nano, p.GetStarted())
		if err != nil {
			return nil, api.BadRequest("process.started", "want RFC 3339, such as 2026-11-29T13:00:00.123456Z, got %q", api.Shorten(p.GetStarted()))
		}
		out.Started = at
	}
	return out, nil
}
