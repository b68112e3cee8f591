package authoring

import (
	"context"
	"fmt"
	"io/fs"

	"nightjar/api"
	"nightjar/api/limits"
	"nightjar/api/ruledoc"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/content"
	"nightjar/objects"
	"nightjar/scheduler/ruletest"
	"nightjar/schema"
)

// testBounds are those of the events of all tests of a text, which are held in memory.
var testBounds = ruletest.Bounds{Events: 100_000, Bytes: 64 << 20}

// ships are the rules that ship, and their tests.
func ships() fs.FS {
	rules, err := fs.Sub(content.Files, "rules")
	if err != nil {
		panic(err) // the name of a folder is valid
	}
	return rules
}

// RunRuleTests runs tests on a rule. That some fail is no error.
func (s *RuleAuthoringService) RunRuleTests(ctx context.Context, in *pb.RunRuleTestsRequest) (*pb.RunRuleTestsResponse, error) {
	rule, err := ruledoc.Requested(in.GetRule())
	if err != nil {
		return nil, err
	}
	if n := len(in.GetText()); n > configuration.MaxTests {
		return nil, api.BadRequest("text", "at most %d bytes, got %d; `nightjar test` runs longer ones", configuration.MaxTests, n)
	}
	report, err := s.runTests(ctx, rule, in.GetText())
	if err != nil {
		return nil, err
	}
	out := &pb.RunRuleTestsResponse{Error: report.Error, Warnings: report.Warnings}
	for _, t := range report.Tests {
		out.Tests = append(out.Tests, &pb.RuleTestResult{Name: t.Name, Line: int64(t.Line), Passed: t.Passed, Problems: t.Problems})
	}
	return out, nil
}

// runTests runs a text of tests on a rule, once there is room.
func (s *RuleAuthoringService) runTests(ctx context.Context, rule schema.Rule, text string) (ruletest.Report, error) {
	o := s.Run
	o.Ships, o.Most = ships(), testBounds
	return limits.Through(ctx, s.Gate, func() (ruletest.Report, error) { return ruletest.RunText(ctx, []byte(text), rule, o) })
}

type storedTests = objects.Versioned[configuration.RuleTests]

// testsOf are the tests that are kept of a rule; an ID of "": there were never any.
func (s *RuleAuthoringService) testsOf(ctx context.Context, ruleID string) (storedTests, error) {
	all, err := s.Tests.List(ctx)
	if err != nil {
		return storedTests{}, err
	}
	for _, v := range all {
		if v.Body.RuleID == ruleID {
			return v, nil
		}
	}
	return storedTests{}, nil
}

func testsToProto(v storedTests) *pb.RuleTests {
	out := &pb.RuleTests{Text: v.Body.Text, Version: v.Version}
	if v.ID != "" {
		out.UpdatedAt = new(int64(v.UpdatedAt))
	}
	return out
}

// GetRuleTests reads the tests of a rule.
func (s *RuleAuthoringService) GetRuleTests(ctx context.Context, in *pb.GetRuleTestsRequest) (*pb.RuleTests, error) {
	if _, err := s.Rules.Rule(ctx, in.GetRuleId()); err != nil {
		return nil, err
	}
	v, err := s.testsOf(ctx, in.GetRuleId())
	return testsToProto(v), err
}

// UpdateRuleTests replaces the tests of a rule.
func (s *RuleAuthoringService) UpdateRuleTests(ctx context.Context, in *pb.UpdateRuleTestsRequest) (*pb.RuleTests, error) {
	if _, err := s.Rules.Rule(ctx, in.GetRuleId()); err != nil {
		return nil, err
	}
	v, err := s.keepTests(ctx, in.GetRuleId(), in.GetTests().GetText(), in.GetTests().GetVersion())
	if err != nil {
		return nil, err
	}
	return testsToProto(v), nil
}

// keepTests stores the tests of a rule. ifVersion, unless 0, must be the stored one.
func (s *RuleAuthoringService) keepTests(ctx context.Context, ruleID, text string, ifVersion int64) (storedTests, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	was, err := s.testsOf(ctx, ruleID)
	if err != nil {
		return storedTests{}, err
	}
	if was.ID == "" {
		if ifVersion != 0 {
			return storedTests{}, api.BadRequest("version", "there are no tests of rule %s yet, so there is no version %d", ruleID, ifVersion)
		}
		return s.Tests.Create(ctx, configuration.RuleTests{RuleID: ruleID, Text: text})
	}
	v, err := s.Tests.Update(ctx, was.ID, ifVersion, func(t *configuration.RuleTests) error {
		t.Text = text
		return nil
	})
	if err != nil {
		return v, fmt.Errorf("keep the tests of rule %s: %w", ruleID, err)
	}
	return v, nil
}
