package ruledoc

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// ownRules is where rules are with everything that nightjar has.
const ownRules = "/api/nightjar/v1/rules"

// OwnSurface tells whether the caller looks where only nightjar's own clients
// do.
func OwnSurface(ctx context.Context) bool {
	x := api.ExchangeOf(ctx)
	return x == nil || strings.HasPrefix(x.Path, ownRules)
}

// conceal leaves out of a rule what is right and what the reference's clients
// would read no rule with, and says so.
func conceal(out *pb.Rule) {
	leftOut := func(field, value string) {
		out.Warnings = append(out.Warnings, fmt.Sprintf("%s: %s is not shown here; see %s", field, value, ownRules))
	}
	o := out.GetOptions()
	if schema.Method(o.GetDetectionMethod()) == contentAnomaly {
		leftOut("options.detectionMethod", string(contentAnomaly))
		o.DetectionMethod = nil
	}
	if n := o.GetNewValueOptions(); n.GetLearningThreshold() > 1 {
		leftOut("options.newValueOptions.learningThreshold", strconv.FormatInt(n.GetLearningThreshold(), 10))
		n.LearningThreshold = nil
	}
}

// contentAnomaly is nightjar's own detection method.
const contentAnomaly = schema.MethodContentAnomaly

// RefuseUnseen refuses a rule whose method a client of the reference can't see:
// writing back what it read would replace the method.
func RefuseUnseen(ctx context.Context, r *schema.Rule) error {
	if OwnSurface(ctx) || r.Options.Method() != contentAnomaly {
		return nil
	}
	return &schema.InvalidError{Details: []schema.Detail{{
		Target: "options.detectionMethod", Message: "content_anomaly is nightjar's own; such rules are written at " + ownRules,
	}}}
}
