package explain

import (
	"context"
	"slices"
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
	Labels  []string // the names of the columns
	detect.Course
	Thresholds []Threshold
}

// Threshold is a number that a case compares a value with, or a step of it.
type Threshold struct {
	Case     int
	Severity string
	Column   int // the index of what is compared; −1: it has no course
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
		Version: plan.Rule.Version, Course: m.Course(q.From, q.Most),
	}
	for _, c := range out.Columns {
		out.Labels = append(out.Labels, plan.Labels[c.Label].Name)
	}
	out.Thresholds = thresholds(plan, out.Columns)
	return out, nil
}

// thresholds are what the cases compare with; of a sequence what its steps do.
func thresholds(plan *compiler.BoundPlan, columns []detect.Column) (out []Threshold) {
	add := func(of *compiler.Condition, at int, c compiler.Case, step string) {
		for _, compared := range of.Comparisons() {
			column := slices.IndexFunc(columns, func(x detect.Column) bool { return x.Label == compared.Label && x.Step == step })
			out = append(out, Threshold{Case: at, Severity: string(c.Status), Column: column, CondCompare: compared})
		}
	}
	for i, c := range plan.Cases {
		if len(plan.Steps) == 0 && c.Condition != nil {
			add(c.Condition, i, c, "")
		}
	}
	if len(plan.Steps) > 0 && len(plan.Cases) > 0 {
		for i, st := range plan.Steps {
			add(st.Condition, 0, plan.Cases[0], detect.StepName(st, i))
		}
	}
	return out
}
