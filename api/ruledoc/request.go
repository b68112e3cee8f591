package ruledoc

import (
	"context"
	"errors"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// Requested is the rule of a request, with its defaults.
func Requested(in *pb.Rule) (schema.Rule, error) {
	if in == nil {
		return schema.Rule{}, api.BadRequest("", "the body is empty; want a rule, a JSON object")
	}
	rule, err := FromProto(in)
	if err != nil {
		return schema.Rule{}, err
	}
	Complete(&rule)
	return rule, nil
}

// Answer is the stored rule as an answer.
func Answer(ctx context.Context, stored schema.Rule, warnings []string, err error) (*pb.Rule, error) {
	if err != nil {
		return nil, Explain(err)
	}
	out, err := ToProto(stored)
	if err != nil {
		return nil, err
	}
	out.Warnings = warnings
	if !OwnSurface(ctx) {
		conceal(out)
	}
	return out, nil
}

// Explain words a refusal as the reference does.
func Explain(err error) error {
	var invalid *schema.InvalidError
	if errors.As(err, &invalid) {
		return &api.Error{Code: api.CodeInvalidArgument, Message: "Invalid rule configuration", Details: invalid.Details}
	}
	return err
}
