package detect

import (
	"nightjar/compiler"
	"nightjar/schema"
)

// newValue is a threshold over matches of values that were not seen before. Which those
// are is asked of SeenValues, as of every plan with a novelty.
type newValue struct{ threshold }

// describeNewValues shows new values: as text, or as a list where the value is of several
// fields.
func describeNewValues(plan *compiler.BoundPlan, values []string) Description {
	fields := 1
	for i := range plan.Labels {
		if plan.Labels[i].Aggregation == compiler.AggNewValue {
			fields = max(fields, len(plan.Labels[i].Distinct))
		}
	}
	shown := make([]any, len(values))
	for i, v := range values {
		if parts := compiler.SplitTuple(v, fields); fields > 1 {
			shown[i] = parts
		} else {
			shown[i] = v
		}
	}
	truncated := len(values) == schema.MaxValues
	return Description{NewValues: shown, NewValuesTruncated: &truncated}
}
