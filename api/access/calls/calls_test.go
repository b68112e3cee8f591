package calls

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"nightjar/api/access"
	"nightjar/api/access/audit"
	pb "nightjar/api/v1"
)

// book is what was written down.
type book struct{ entries []audit.Entry }

func (b *book) Write(e audit.Entry) error { b.entries = append(b.entries, e); return nil }
func (b *book) Note(e audit.Entry)        { b.entries = append(b.entries, e) }
func (b *book) Refuse(e audit.Entry)      { e.Outcome = audit.Refused; b.entries = append(b.entries, e) }

var errRefused = errors.New("no such rule")

// rules is a service.
type rules struct {
	pb.UnimplementedRuleServiceServer
	got proto.Message
}

func (r *rules) CreateRule(_ context.Context, in *pb.CreateRuleRequest) (*pb.Rule, error) {
	r.got = in
	return &pb.Rule{Id: "abc-def", Name: in.GetRule().GetName()}, nil
}

func (r *rules) DeleteRule(context.Context, *pb.DeleteRuleRequest) (*emptypb.Empty, error) {
	return nil, errRefused
}

func dialed(t *testing.T) (pb.RuleServiceClient, *rules, *book) {
	t.Helper()
	b, service := &book{}, &rules{}
	g := &access.Guard{Audit: b, Limits: access.NewLimits(0, time.Now)}
	c := NewConn(Interceptor(g, func(context.Context) (string, string) { return "192.0.2.1:5", "r1" }))
	pb.RegisterRuleServiceServer(c, service)
	return pb.NewRuleServiceClient(c), service, b
}

func as(t *testing.T, r access.Role) context.Context {
	return access.With(t.Context(), access.Caller{ID: "k", Name: "somebody", Role: r, Kind: access.WithKey})
}

func TestACallComesThroughWithItsAnswerAndItsErrors(t *testing.T) {
	client, service, b := dialed(t)
	in := &pb.CreateRuleRequest{Rule: &pb.Rule{Name: "a rule", Tags: []string{"a"}}}
	out, err := client.CreateRule(as(t, access.Engineer), proto.CloneOf(in))
	if err != nil || !proto.Equal(out, &pb.Rule{Id: "abc-def", Name: "a rule"}) || !proto.Equal(service.got, in) {
		t.Errorf("%v, %v, asked for %v", out, err, service.got)
	}
	want := audit.Entry{Kind: "change", Action: "RuleService/CreateRule", Outcome: audit.Begun, CallerID: "k", Caller: "somebody", Role: "engineer", Address: "192.0.2.1", Request: "r1", Object: "a rule"}
	if len(b.entries) != 2 || b.entries[0] != want || b.entries[1].Outcome != audit.Done || b.entries[1].Object != "abc-def a rule" {
		t.Errorf("written down: %+v", b.entries)
	}
	b.entries = nil
	if _, err := client.DeleteRule(as(t, access.Engineer), &pb.DeleteRuleRequest{RuleId: "x"}); !errors.Is(err, errRefused) {
		t.Errorf("the error came as %v", err)
	}
	if len(b.entries) != 2 || b.entries[1].Outcome != audit.Failed || b.entries[1].Object != "x" {
		t.Errorf("written down: %+v", b.entries)
	}
	if _, err := client.ExportRules(as(t, access.Admin), &pb.RulesRequest{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("what the service does not do: %v", err)
	}
	if err := NewConn(nil).Invoke(t.Context(), "/x/Y", in, out); status.Code(err) != codes.Unimplemented {
		t.Errorf("what there is not: %v", err)
	}
}

func TestACallThatMayNotBeMadeIsNot(t *testing.T) {
	client, service, b := dialed(t)
	for _, ctx := range []context.Context{t.Context(), as(t, access.Reader), as(t, access.Intake)} {
		b.entries = nil
		if _, err := client.CreateRule(ctx, &pb.CreateRuleRequest{}); !errors.As(err, new(*access.DeniedError)) || service.got != nil {
			t.Errorf("%v", err)
		}
		if len(b.entries) != 1 || b.entries[0].Outcome != audit.Refused {
			t.Errorf("written down: %+v", b.entries)
		}
	}
}

func TestNothingOfAMessageIsWrittenDownButIdsAndNames(t *testing.T) {
	const secret = "do-not-tell-9f8e7d"
	for _, x := range []struct {
		m      proto.Message
		noted  access.Noted
		object string
		detail string
	}{
		{&pb.CreateUserRequest{Name: "jane", Role: "admin", Password: secret}, access.Secrets, "jane", ""},
		{&pb.CreateNotificationTargetRequest{Target: &pb.NotificationTarget{Name: "soc", Url: secret, Secret: secret, Headers: map[string]string{"X": secret}}}, access.Change, "soc", ""},
		{&pb.RespondRequest{SignalId: "s1", Action: "kill", Reason: "a miner", Host: "web-1", Process: &pb.ResponseProcess{Pid: 12, Executable: "/x", Args: secret}}, access.Response, "s1", "kill /x[12] on web-1: a miner"},
		{&pb.SwitchAgentsRequest{Reason: "it kills backups"}, access.Response, "", "it kills backups"},
		{&pb.UpdateRuleRequest{RuleId: "r1", Rule: &pb.Rule{Message: secret}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"message", "is_enabled"}}}, access.Change, "r1", "disabled, message"},
		{&pb.UpdateRetentionRequest{Settings: &pb.RetentionSettings{Events: "30d"}}, access.Deletion, "", "events=30d"},
		{&pb.SwitchAgentRequest{AgentId: "a1", Reason: "it kills backups"}, access.Response, "a1", "it kills backups"},
		{&pb.QueryRequest{Query: "SELECT 1"}, access.SQL, "", "SELECT 1"},
		{&pb.DeletionRequest{Query: secret, Confirm: secret}, access.Deletion, "", "SHA-256 of the query: "},
		{&pb.DeleteRuleRequest{RuleId: strings.Repeat("x", 3*maxName)}, access.Change, strings.Repeat("x", maxName) + "…", ""},
	} {
		object, detail := objectOf(x.m), detailOf(x.m, x.noted)
		if object != x.object || !strings.HasPrefix(detail, x.detail) || (x.detail == "") != (detail == "") || strings.Contains(object+detail, secret) {
			t.Errorf("%T: %q, %q", x.m, object, detail)
		}
	}
}

var _ grpc.ClientConnInterface = (*Conn)(nil)
