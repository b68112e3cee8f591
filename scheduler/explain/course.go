package explain

import (
	"context"
	"strings"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// CourseQuestion asks how a group's values went from one moment to another.
type CourseQuestion struct {
	RuleID   string
	Group    []string // in the order of the group-by fields
	From, To schema.Millis
	Most     int // points
}

// CourseAnswer is how they went, beside what they are compared with.
type CourseAnswer struct {
	Version int64
	Window  int64    // the rule's evaluation window, in milliseconds
	Labels  []string // the names of the values of a point
	detect.Course
	Thresholds []Threshold
}

// Threshold is a number that a case compares a value with.
type Threshold struct {
	Case     int
	Severity string
	compiler.CondCompare
}

// CourseOf answers a question. What cannot be asked is a *schema.InvalidError.
func CourseOf(ctx context.Context, from Source, q CourseQuestion) (CourseAnswer, error) {
	rule, err := from.Evaluated(q.RuleID)
	if err != nil {
		return CourseAnswer{}, err
	}
	plan := rule.Plan
	if plan.Unsupported != "" {
		return CourseAnswer{}, invalid("rule_id", "the rule is not evaluated: %s", plan.Unsupported)
	}
	if len(q.Group) != plan.Arity {
		return CourseAnswer{}, invalid("group", "the rule groups by %d fields (%s), got %d values", plan.Arity, strings.Join(detect.GroupPaths(plan), ", "), len(q.Group))
	}
	e := explainer{Source: from, Evaluated: rule}
	all, err := e.deciding(ctx, q.Group, q.From)
	if err != nil {
		return CourseAnswer{}, err
	}
	m := detect.Moment{Plan: plan, Group: q.Group, At: q.To, Own: all.Own, Globals: all.Globals}
	if plan.Novelty != nil {
		if m.Seen, err = from.SeenValues(ctx, plan); err != nil {
			return CourseAnswer{}, err
		}
	}
	out := CourseAnswer{
		Version: plan.Rule.Version, Window: int64(detect.WindowOf(plan)), Labels: make([]string, len(plan.Labels)),
		Course: m.Course(q.From, q.Most), Thresholds: thresholds(plan),
	}
	for i := range plan.Labels {
		out.Labels[i] = plan.Labels[i].Name
	}
	return out, nil
}

func thresholds(plan *compiler.BoundPlan) (out []Threshold) {
	for i, c := range plan.Cases {
		for _, compared := range c.Condition.Comparisons() {
			out = append(out, Threshold{Case: i, Severity: string(c.Status), CondCompare: compared})
		}
	}
	return out
}
