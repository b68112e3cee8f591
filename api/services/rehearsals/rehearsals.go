package rehearsals

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"nightjar/agent/control"
	"nightjar/agent/deny"
	"nightjar/agent/rehearsal"
	"nightjar/agent/rehearsal/stored"
	"nightjar/agent/respond"
	"nightjar/api"
	"nightjar/api/access"
	"nightjar/api/codec"
	"nightjar/api/services/events"
	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/schema"
	"nightjar/secl/event"
	"nightjar/secl/policy"
)

// RehearsalService serves RehearsalService.
type RehearsalService struct {
	pb.UnimplementedRehearsalServiceServer
	DB       events.SQL
	Policies *objects.Store[configuration.AgentPolicy]
	Rules    *objects.Store[configuration.AgentRule]
	Defaults *control.Defaults
	Now      func() time.Time
}

// RehearsePolicies asks stored events for what each rule of policies would have done.
func (s *RehearsalService) RehearsePolicies(ctx context.Context, in *pb.RehearsePoliciesRequest) (*pb.RehearsePoliciesResponse, error) {
	span, err := s.spanOf(in)
	if err != nil {
		return nil, err
	}
	limits, err := limitsOf(in)
	if err != nil {
		return nil, err
	}
	policies, problems, err := s.requested(ctx, in)
	if err != nil {
		return nil, err
	}
	rules, more, err := rulesOf(policies, in)
	if err != nil {
		return nil, err
	}
	out := &pb.RehearsePoliciesResponse{}
	for _, p := range append(problems, more...) {
		out.Problems = append(out.Problems, p.Error())
	}
	for _, r := range rules {
		found, err := stored.Rule(ctx, s.ask, r, span, rehearsal.Config{
			Protect: in.GetProtect(), Denied: deny.Foreseen(r), Limits: limits,
		})
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", r.ID, err)
		}
		shown := &pb.RehearsedRule{}
		if err := codec.ToMessage(found, shown); err != nil {
			return nil, err
		}
		out.Rules = append(out.Rules, shown)
	}
	return out, nil
}

// spanOf is the time that a request asks for.
func (s *RehearsalService) spanOf(in *pb.RehearsePoliciesRequest) (stored.Span, error) {
	out, err := stored.Span{From: schema.MinMillis, To: schema.MaxMillis + 1}, error(nil)
	if in.GetFrom() != "" {
		if out.From, err = api.Moment("from", in.GetFrom(), s.Now()); err != nil {
			return out, err
		}
	}
	if in.GetTo() != "" {
		if out.To, err = api.Moment("to", in.GetTo(), s.Now()); err != nil {
			return out, err
		}
	}
	if out.From > out.To {
		return out, api.BadRequest("from", "it is after to")
	}
	return out, nil
}

// limitsOf are the limits of the disarmer that a request asks for.
func limitsOf(in *pb.RehearsePoliciesRequest) (respond.Limits, error) {
	const most = 1 << 30 // kills, and milliseconds
	for name, n := range map[string]int64{"kill_limit": in.GetKillLimit(), "kill_window_ms": in.GetKillWindowMs()} {
		if n < 0 || n > most {
			return respond.Limits{}, api.BadRequest(name, "want 0 to %d, got %d", most, n)
		}
	}
	for i, program := range in.GetProtect() {
		if !filepath.IsAbs(program) {
			return respond.Limits{}, api.BadRequest(fmt.Sprintf("protect[%d]", i), "want the absolute path of a program, got %q", api.Shorten(program))
		}
	}
	kills := int(in.GetKillLimit())
	return respond.Limits{Kills: kills, Spread: kills, Window: time.Duration(in.GetKillWindowMs()) * time.Millisecond}, nil
}

// requested are the policies that a request brings or names.
func (s *RehearsalService) requested(ctx context.Context, in *pb.RehearsePoliciesRequest) (out []*policy.Policy, problems []*policy.DefinitionError, err error) {
	switch brings, names := len(in.GetPolicies()) > 0, len(in.GetPolicyIds()) > 0; {
	case brings && names:
		return nil, nil, api.BadRequest("policies", "want one of policies and policy_ids, got both")
	case !brings && !names:
		return nil, nil, api.BadRequest("policies", "missing: name policies of the engine in policy_ids, or bring some")
	}
	for i, p := range in.GetPolicies() {
		name := p.GetName()
		if name == "" {
			name = fmt.Sprintf("policies[%d]", i)
		}
		read, wrong := policy.Read(name, []byte(p.GetText()))
		problems = append(problems, wrong...)
		if read != nil {
			read.Default = p.GetDefault()
			out = append(out, read)
		}
	}
	for _, id := range in.GetPolicyIds() {
		read, wrong, err := s.ofEngine(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		out, problems = append(out, read), append(problems, wrong...)
	}
	return out, problems, nil
}

// ofEngine reads a policy of the engine as agents are given it.
func (s *RehearsalService) ofEngine(ctx context.Context, id string) (*policy.Policy, []*policy.DefinitionError, error) {
	if err := access.Of(ctx).Check(access.ReadAgents); err != nil {
		return nil, nil, err
	}
	p, err := s.Policies.Get(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	rules, err := s.Rules.List(ctx)
	if err != nil {
		return nil, nil, err
	}
	rules = slices.DeleteFunc(rules, func(r objects.Versioned[configuration.AgentRule]) bool { return !r.Body.In(id) })
	text, err := s.Defaults.PolicyText(rules)
	if err != nil {
		return nil, nil, err
	}
	read, wrong := policy.Read(p.Body.Name, text)
	if read == nil {
		return nil, nil, fmt.Errorf("read policy %s: %w", id, errors.Join(errorsOf(wrong)...))
	}
	return read, wrong, nil
}

func errorsOf(list []*policy.DefinitionError) []error {
	var out []error
	for _, e := range list {
		out = append(out, e)
	}
	return out
}

// rulesOf are the rules of policies that a request asks for.
func rulesOf(policies []*policy.Policy, in *pb.RehearsePoliciesRequest) ([]*policy.Rule, []*policy.DefinitionError, error) {
	set, err := policy.Load(policies, policy.Options{
		Model: event.Model(), World: event.World{}, AgentVersion: in.GetAgentVersion(), KeepDisabled: true,
		Support: &policy.Support{Events: event.Supported, Actions: event.SupportedActions},
	})
	if err != nil {
		return nil, nil, api.BadRequest("policies", "%s", err)
	}
	var out []*policy.Rule
	for _, r := range set.Rules {
		if !r.Disabled && (len(in.GetRules()) == 0 || slices.Contains(in.GetRules(), r.ID)) {
			out = append(out, r)
		}
	}
	for i, id := range in.GetRules() {
		if !slices.ContainsFunc(out, func(r *policy.Rule) bool { return r.ID == id }) {
			return nil, nil, api.BadRequest(fmt.Sprintf("rules[%d]", i), "no enabled rule %q is in the policies%s", api.Shorten(id), why(set.Problems))
		}
	}
	return out, set.Problems, nil
}

// why says what is wrong with policies, where nothing else will.
func why(problems []*policy.DefinitionError) string {
	if len(problems) == 0 {
		return ""
	}
	return ": " + problems[0].Error()
}

// ask has the database answer, as a user who can only read.
func (s *RehearsalService) ask(ctx context.Context, query string, params *search.Params) ([][]string, error) {
	const most = 20_000 // more than are ever asked for at once
	given := params.Given()
	for name, value := range given {
		if list, ok := value.([]string); ok {
			given[name] = anyOf(list)
		}
	}
	result, err := s.DB.QuerySQL(ctx, query, given, most)
	if err != nil {
		return nil, err
	}
	if result.Truncated {
		return nil, errors.New("the rows of matches are too long to be read")
	}
	out := make([][]string, len(result.Rows))
	for i, row := range result.Rows {
		for _, cell := range row {
			text, ok := cell.(string)
			if !ok {
				return nil, fmt.Errorf("column %d of the answer is no text", len(out[i]))
			}
			out[i] = append(out[i], text)
		}
	}
	return out, nil
}

func anyOf(list []string) []any {
	out := make([]any, len(list))
	for i, one := range list {
		out[i] = one
	}
	return out
}
