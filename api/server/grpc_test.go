package server

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	pb "nightjar/api/v1"
)

func protoRule() *pb.Rule {
	return &pb.Rule{
		Name: "r", Message: "m", IsEnabled: true, Tags: []string{"a:b"},
		Queries: []*pb.RuleQuery{{Query: new("source:sshd")}},
		Cases:   []*pb.RuleCase{{Status: "high", Condition: new("a > 5")}},
		Options: &pb.RuleOptions{KeepAlive: new(int64(300)), MaxSignalDuration: new(int64(600))},
	}
}

func TestRuleLivesOverGRPC(t *testing.T) {
	s := newWorld().start(t)
	client, ctx := pb.NewRuleServiceClient(dial(t, s)), withKey(t.Context())
	made, err := client.CreateRule(ctx, &pb.CreateRuleRequest{Rule: protoRule()})
	if err != nil || made.GetVersion() != 1 || made.GetOptions().GetDetectionMethod() != "threshold" {
		t.Fatalf("create: %v, %v", made, err)
	}
	// A mask names what is replaced; a list that is named and empty is emptied.
	changed, err := client.UpdateRule(ctx, &pb.UpdateRuleRequest{
		RuleId: made.Id, Rule: &pb.Rule{Name: "s", Message: "ignored", Version: 1},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name", "tags"}},
	})
	if err != nil || changed.GetName() != "s" || changed.GetMessage() != "m" || len(changed.GetTags()) != 0 || changed.GetVersion() != 2 {
		t.Errorf("update: %v, %v", changed, err)
	}
	// Without a mask, what is set is replaced.
	changed, err = client.UpdateRule(ctx, &pb.UpdateRuleRequest{RuleId: made.Id, Rule: &pb.Rule{Message: "n"}})
	if err != nil || changed.GetName() != "s" || changed.GetMessage() != "n" || !changed.GetIsEnabled() {
		t.Errorf("update: %v, %v", changed, err)
	}
	_, err = client.UpdateRule(ctx, &pb.UpdateRuleRequest{RuleId: made.Id, Rule: &pb.Rule{Name: "t", Version: 1}})
	if status.Code(err) != codes.Aborted {
		t.Errorf("stale update: %v", err)
	}
	list, err := client.ListRules(ctx, &pb.ListRulesRequest{})
	if err != nil || len(list.GetData()) != 1 || list.GetMeta().GetPage().GetTotalCount() != 1 {
		t.Errorf("list: %v, %v", list, err)
	}
	if _, err := client.DeleteRule(ctx, &pb.DeleteRuleRequest{RuleId: made.Id}); err != nil {
		t.Error(err)
	}
	if _, err := client.GetRule(ctx, &pb.GetRuleRequest{RuleId: made.Id}); status.Code(err) != codes.NotFound {
		t.Errorf("get after delete: %v", err)
	}
}

func TestMistakesOverGRPCNameTheField(t *testing.T) {
	s := newWorld().start(t)
	client, ctx := pb.NewRuleServiceClient(dial(t, s)), withKey(t.Context())
	rule := protoRule()
	rule.Queries[0].Query = new("")
	_, err := client.CreateRule(ctx, &pb.CreateRuleRequest{Rule: rule})
	st := status.Convert(err)
	if st.Code() != codes.InvalidArgument || len(st.Details()) != 1 {
		t.Fatalf("got %v", err)
	}
	v := st.Details()[0].(*errdetails.BadRequest).FieldViolations[0]
	if v.Field != "queries[0].query" || v.Description != "Query filter cannot be empty" {
		t.Errorf("got %v", v)
	}
	if _, err := client.CreateRule(ctx, &pb.CreateRuleRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("no rule: %v", err)
	}
	if _, err := client.UpdateRule(ctx, &pb.UpdateRuleRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("empty update: %v", err)
	}
	rule = protoRule()
	rule.Name = "panic"
	_, err = client.CreateRule(ctx, &pb.CreateRuleRequest{Rule: rule})
	if status.Code(err) != codes.Internal || strings.Contains(err.Error(), "planted") {
		t.Errorf("panic: %v", err)
	}
}

func TestSQLOverGRPC(t *testing.T) {
	w := newWorld()
	client := pb.NewSQLServiceClient(dial(t, w.start(t)))
	got, err := client.Query(withKey(t.Context()), &pb.QueryRequest{
		Query: "SELECT {a:String}", Params: map[string]*structpb.Value{"a": structpb.NewStringValue("x")},
	})
	if err != nil || len(got.GetRows()) != 2 || fmt.Sprint(got.GetRows()[0].AsSlice()) != "[1 a,b]" || w.params["a"] != "x" {
		t.Errorf("got %v, %v", got, err)
	}
}

// No digit is lost between JSON and what gRPC carries.
func TestNumbersThatNoDoubleHoldsAreTexts(t *testing.T) {
	got := asStruct(t, `{"n":9007199254740993,"m":5,"f":0.1,"big":1e400,"l":[18446744073709551615]}`).AsMap()
	if got["n"] != "9007199254740993" || got["m"] != 5.0 || got["f"] != 0.1 || got["big"] != "1e400" || fmt.Sprint(got["l"]) != "[18446744073709551615]" {
		t.Errorf("got %v", got)
	}
}
