package authoring

import (
	"context"
	"errors"
	"regexp"

	"nightjar/api"
	"nightjar/api/codec"
	"nightjar/api/ruledoc"
	pb "nightjar/api/v1"
	"nightjar/compiler/rulecheck"
	"nightjar/schema"
)

// CheckRule says what is wrong with a rule. What keeps it from being read is a problem as
// any other; an error is of the check itself.
func (s *RuleAuthoringService) CheckRule(ctx context.Context, in *pb.CheckRuleRequest) (*pb.CheckRuleResponse, error) {
	rule, err := written(in.GetRuleText())
	if err == nil {
		err = ruledoc.RefuseUnseen(ctx, &rule)
	}
	var checked rulecheck.Checked
	if err == nil {
		checked, err = s.checkAs(ctx, rule, in.GetRuleId())
	}
	if err != nil {
		problems, known := remarksOf(err)
		if !known {
			return nil, err
		}
		return &pb.CheckRuleResponse{Problems: problems, Warnings: placed(checked.Warnings)}, nil
	}
	warnings := checked.Warnings
	if s.Reach != nil {
		warnings = append(warnings, s.Reach.Look(ctx, checked.Plan)...)
	}
	return &pb.CheckRuleResponse{Valid: true, Warnings: placed(warnings), Unsupported: checked.Plan.Unsupported}, nil
}

// written is the rule that a text says.
func written(text string) (schema.Rule, error) {
	var rule pb.Rule
	if text == "" || text == "null" {
		return schema.Rule{}, api.BadRequest("", "there is no rule; want an object")
	}
	if err := codec.DecodeStrict([]byte(text), &rule); err != nil {
		return schema.Rule{}, err
	}
	return ruledoc.Requested(&rule)
}

// checkAs checks a rule that is new, or the next version of a stored one.
func (s *RuleAuthoringService) checkAs(ctx context.Context, rule schema.Rule, id string) (rulecheck.Checked, error) {
	if id == "" {
		checked := s.Check(rule)
		return checked, checked.Err()
	}
	stored, err := s.Rules.Rule(ctx, id)
	if err != nil {
		return rulecheck.Checked{}, err
	}
	rule.ID = stored.ID
	checked := s.Check(rule)
	if err := checked.Unstorable(); err != nil {
		return checked, err
	}
	if was := stored.Type.OrDefault(); rule.Type != was {
		return checked, api.BadRequest("type", "the type of a rule does not change, from %s to %s; clone it, or make a new one", was, rule.Type)
	}
	return checked, nil
}

// remarksOf are the mistakes that an error tells; known is false for an error of another
// kind.
func remarksOf(err error) (out []*pb.RuleRemark, known bool) {
	var told *api.Error
	var invalid *schema.InvalidError
	switch {
	case errors.As(err, &invalid):
		return detailsOf(invalid.Details), true
	case !errors.As(err, &told) || told.Code != 0 && told.Code != api.CodeInvalidArgument:
		return nil, false
	case len(told.Details) > 0:
		return detailsOf(told.Details), true
	}
	return []*pb.RuleRemark{{Place: told.Target, Message: told.Message}}, true
}

func detailsOf(details []schema.Detail) (out []*pb.RuleRemark) {
	for _, d := range details {
		out = append(out, &pb.RuleRemark{Place: d.Target, Message: d.Message})
	}
	return out
}

// place is how a warning begins that is about a part of a rule: queries[0].query.
var place = regexp.MustCompile(`^((?:[a-z]\w*(?:\[\d+\])?)(?:\.\w+(?:\[\d+\])?)*): `)

// placed takes the places of warnings apart.
func placed(warnings []string) (out []*pb.RuleRemark) {
	for _, w := range warnings {
		r := &pb.RuleRemark{Message: w}
		if m := place.FindStringSubmatch(w); m != nil {
			r.Place, r.Message = m[1], w[len(m[0]):]
		}
		out = append(out, r)
	}
	return out
}
