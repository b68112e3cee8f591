package compiler

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"nightjar/schema"
)

// Limits of a rule.
const (
	MaxQueries     = 50
	MaxCases       = 10
	MaxGroupFields = 20
)

// Compile checks the rule and makes its plan. The error is a *schema.InvalidError
// that lists everything wrong; warnings are about what was accepted but has no
// effect. A rule of a kind that the engine can't run yet compiles to a plan
// that says so.
func Compile(rule schema.Rule) (*Plan, []string, error) {
	return compile(ruleCompiler{plan: &Plan{Rule: rule}})
}

// CompileStored makes the plan of a rule that was accepted once, by an earlier
// version maybe: what is refused only since then goes on without it.
func CompileStored(rule schema.Rule) (*Plan, error) {
	plan, _, err := compile(ruleCompiler{plan: &Plan{Rule: rule}, stored: true})
	return plan, err
}

// compilations counts for Compilations.
var compilations atomic.Uint64

// Compilations is how many rule documents this process has compiled. The engine shows
// it as a metric, by which a test holds that a request compiles its rule once.
func Compilations() uint64 { return compilations.Load() }

func compile(c ruleCompiler) (*Plan, []string, error) {
	compilations.Add(1)
	c.names()
	c.use(methodOf(c.plan.Rule.Options.Method()))
	c.plan.OfSignals = c.plan.Rule.Type == schema.RuleSignalCorrelation
	if whole := unsupported(&c.plan.Rule); len(whole) > 0 {
		c.plan.Unsupported = whole[0].Reason
	}
	c.method.queries(&c)
	c.tables()
	c.method.cases(&c)
	c.durations()
	c.thenSteps()
	c.analyze()
	c.signalGroup()
	c.silence()
	c.texts()
	for _, idle := range IdleOfRule(&c.plan.Rule) {
		c.warnings = append(c.warnings, idle.Warning())
	}
	if costly := c.plan.costWarning(); costly != "" {
		c.warnings = append(c.warnings, costly)
	}
	return c.plan, c.warnings, c.bad.Err()
}

type ruleCompiler struct {
	plan     *Plan
	method   method
	bad      schema.InvalidError
	warnings []string
	stored   bool // see CompileStored
}

func (c *ruleCompiler) names() {
	r := &c.plan.Rule
	if strings.TrimSpace(r.Name) == "" {
		c.bad.Add("name", "Rule name cannot be empty")
	}
	if !r.Type.OrDefault().Known() {
		c.bad.Add("type", fmt.Sprintf("unknown rule type %q; most rules are log_detection", r.Type))
	}
	if m := r.Options.Method(); !m.Known() {
		c.bad.Add("options.detectionMethod", fmt.Sprintf("unknown detection method %q; there are %s", m, commas(schema.Methods)))
	}
	if r.Scheduling != nil && r.Scheduling.RRule == "" {
		c.bad.Add("schedulingOptions.rrule", "The RRULE schedule is invalid for scheduled rules")
	}
	if len(r.Queries) > MaxQueries {
		c.bad.Add("queries", fmt.Sprintf("a rule has at most %d queries, this one has %d", MaxQueries, len(r.Queries)))
	}
	if len(r.Cases) > MaxCases && !c.stored {
		c.bad.Add("cases", fmt.Sprintf("a rule has at most %d cases, this one has %d", MaxCases, len(r.Cases)))
	}
}

// commas writes words for a message.
func commas[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}

// durations takes what is absent from its neighbour: keep alive is at least
// the window, and a signal may last a day.
func (c *ruleCompiler) durations() {
	o := &c.plan.Rule.Options
	window, keepAlive, longest := int64(0), int64(0), int64(schema.DefaultMaxSignalDuration)
	if o.EvaluationWindow != nil {
		window = *o.EvaluationWindow
	}
	keepAlive = window
	if o.KeepAlive != nil {
		keepAlive = *o.KeepAlive
	}
	if o.MaxSignalDuration != nil {
		longest = *o.MaxSignalDuration
	}
	if longest < keepAlive {
		c.bad.Add("maxSignalDuration", "Max signal duration must be greater than or equal to keep alive")
	}
	if keepAlive < window {
		c.bad.Add("keepAlive", "Keep alive must be greater than or equal to evaluation window")
	}
	c.allowed("evaluationWindow", "Evaluation window", window)
	c.allowed("keepAlive", "Keep alive", keepAlive)
	c.allowed("maxSignalDuration", "Max signal duration", longest)
	c.plan.Window = time.Duration(window) * time.Second
	c.plan.KeepAlive = time.Duration(keepAlive) * time.Second
	c.plan.MaxDuration = time.Duration(longest) * time.Second
	c.method.durations(c.plan)
}

func (c *ruleCompiler) allowed(target, name string, seconds int64) {
	if slices.Contains(schema.EvaluationWindows, seconds) {
		return
	}
	c.bad.Add(target, name+" is not in allowed durations: 0, 1, 5, 10, 15, 30, 60, 120, 180, 360 (in minutes)")
}

// signalGroup finds the positions that groupSignalsBy keeps.
func (c *ruleCompiler) signalGroup() {
	by := c.plan.Rule.GroupSignalsBy
	if len(by) == 0 {
		for i := range c.plan.Arity {
			c.plan.SignalGroup = append(c.plan.SignalGroup, i)
		}
		return
	}
	for i, name := range by {
		position, err := c.groupPosition(name)
		if err != nil {
			c.bad.Add(fmt.Sprintf("groupSignalsBy[%d]", i), err.Error())
			continue
		}
		c.plan.SignalGroup = append(c.plan.SignalGroup, position)
	}
	sort.Ints(c.plan.SignalGroup)
}

func (c *ruleCompiler) groupPosition(name string) (int, error) {
	for _, q := range c.plan.Rule.Queries {
		for position, field := range q.GroupByFields {
			if field == name {
				return position, nil
			}
		}
	}
	return 0, errors.New("not among the group-by fields of any query: " + name)
}

func seconds(n *int64) time.Duration {
	if n == nil {
		return 0
	}
	return time.Duration(*n) * time.Second
}

// inRange is an option's value, its default where it is absent or beyond its limits.
func (c *ruleCompiler) inRange(target string, value *int64, limits schema.Limits) int64 {
	switch {
	case value == nil:
		return limits.Default
	case *value < limits.Least || *value > limits.Most:
		c.bad.Add(target, fmt.Sprintf("%d is out of range: want %d to %d", *value, limits.Least, limits.Most))
		return limits.Default
	}
	return *value
}

func (c *ruleCompiler) oneOf(target string, value *int64, absent int64, allowed []int64) int64 {
	switch {
	case value == nil:
		return absent
	case !slices.Contains(allowed, *value):
		c.bad.Add(target, fmt.Sprintf("%d is none of %d", *value, allowed))
		return absent
	}
	return *value
}
