package api

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"

	pb "nightjar/api/v1"
	"nightjar/schema"
)

// requestedRule is the rule of a request, with its defaults.
func requestedRule(in *pb.Rule) (schema.Rule, error) {
	if in == nil {
		return schema.Rule{}, badRequest("", "the body is empty; want a rule, a JSON object")
	}
	rule, err := ruleFromProto(in)
	if err != nil {
		return schema.Rule{}, err
	}
	complete(&rule)
	return rule, nil
}

// ruleAnswer is the stored rule as an answer.
func ruleAnswer(ctx context.Context, stored schema.Rule, warnings []string, err error) (*pb.Rule, error) {
	if err != nil {
		return nil, ruleProblem(err)
	}
	out, err := ruleToProto(stored)
	if err != nil {
		return nil, err
	}
	out.Warnings = warnings
	if !ownSurface(ctx) {
		conceal(out)
	}
	return out, nil
}

// ruleProblem words a refusal as the reference does.
func ruleProblem(err error) error {
	var invalid *schema.Invalid
	if errors.As(err, &invalid) {
		return &problem{code: codes.InvalidArgument, message: "Invalid rule configuration", details: invalid.Details}
	}
	return err
}
