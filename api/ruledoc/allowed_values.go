package ruledoc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// This file has the words and numbers that the reference's clients accept in a rule.
// With any other word they read nothing of the rule, and report no error; so it is
// refused. What the compiler checks itself is not here.

var (
	severities  = texts(schema.Severities)
	dataSources = []string{"logs", "audit", "app_sec_spans", "spans", "security_runtime", "network", "events", "security_signals"}
	actionTypes = []string{"block_ip", "block_user", "user_behavior", "flag_ip"}
	ipFlags     = []string{"SUSPICIOUS", "FLAGGED"}
)

// CheckValues says where a rule has a word or number that clients don't know, as
// *schema.InvalidError: what the API refuses beside what does not compile.
func CheckValues(r *schema.Rule) error {
	var w unknownValues
	for i, q := range r.Queries {
		at := fmt.Sprintf("queries[%d].", i)
		w.word(at+"dataSource", q.DataSource, dataSources)
		if c := q.CorrelatedQueryIndex; c != nil {
			w.between(at+"correlatedQueryIndex", new(int64(*c)), 0, 9)
		}
	}
	for i, c := range r.Cases {
		at := fmt.Sprintf("cases[%d].", i)
		w.word(at+"customStatus", string(c.CustomStatus), severities)
		w.actions(at+"actions", c.Actions)
	}
	for i, c := range r.ThirdPartyCases {
		at := fmt.Sprintf("thirdPartyCases[%d].", i)
		w.word(at+"status", string(c.Status), severities)
		w.word(at+"customStatus", string(c.CustomStatus), severities)
	}
	w.options(&r.Options)
	return w.found.Err()
}

func (w *unknownValues) options(o *schema.RuleOptions) {
	w.word("options.hardcodedEvaluatorType", o.HardcodedType, []string{"log4shell"})
	if n := o.NewValue; n != nil {
		const at = "options.newValueOptions."
		w.between(at+"forgetAfter", n.ForgetAfter, 1, 30)
		w.between(at+"learningDuration", n.LearningDuration, 0, 30)
		w.word(at+"learningMethod", n.LearningMethod, []string{"duration", "threshold"})
		w.between(at+"learningThreshold", n.LearningThreshold, 0, 1<<31) // above 1: see conceal
	}
	if a := o.Anomaly; a != nil {
		const at = "options.anomalyDetectionOptions."
		w.number(at+"bucketDuration", a.BucketDuration, schema.AnomalyBuckets)
		w.number(at+"learningDuration", a.LearningDuration, schema.AnomalyLearning)
		w.between(at+"detectionTolerance", a.DetectionTolerance, 1, 5)
		w.between(at+"learningPeriodBaseline", a.LearningPeriodBaseline, 0, 1<<31)
	}
	if t := o.ImpossibleTravel; t != nil {
		w.between("options.impossibleTravelOptions.baselineUserLocationsDuration", t.BaselineUserLocationsDuration, 1, 30)
	}
	if t := o.ThirdParty; t != nil {
		w.word("options.thirdPartyRuleOptions.defaultStatus", string(t.DefaultStatus), severities)
	}
	if s := o.Sequence; s != nil {
		for i, step := range s.Steps {
			w.number(fmt.Sprintf("options.sequenceDetectionOptions.steps[%d].evaluationWindow", i), step.EvaluationWindow, schema.EvaluationWindows)
		}
		for i, step := range s.Transitions {
			w.number(fmt.Sprintf("options.sequenceDetectionOptions.stepTransitions[%d].evaluationWindow", i), step.EvaluationWindow, schema.EvaluationWindows)
		}
	}
}

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

// unknownValues collects what clients don't know.
type unknownValues struct{ found schema.InvalidError }

func (w *unknownValues) word(at, word string, known []string) {
	if word != "" && !slices.Contains(known, word) {
		w.found.Add(at, fmt.Sprintf("want %s, got %q", strings.Join(known, ", "), word))
	}
}

// texts are words of a type as plain texts.
func texts[T ~string](words []T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}

func (w *unknownValues) number(at string, n *int64, known []int64) {
	if n != nil && !slices.Contains(known, *n) {
		w.found.Add(at, fmt.Sprintf("want one of %s, got %d", strings.Trim(fmt.Sprint(known), "[]"), *n))
	}
}

func (w *unknownValues) between(at string, n *int64, low, high int64) {
	if n != nil && (*n < low || *n > high) {
		w.found.Add(at, fmt.Sprintf("want %d to %d, got %d", low, high, *n))
	}
}

func (w *unknownValues) actions(at string, raw json.RawMessage) {
	var actions []struct {
		Type    string
		Options *struct {
			Duration      *int64
			FlaggedIPType string
		}
	}
	_ = json.Unmarshal(raw, &actions) // absent, or what the codec let in
	for i, a := range actions {
		w.word(fmt.Sprintf("%s[%d].type", at, i), a.Type, actionTypes)
		if o := a.Options; o != nil {
			w.between(fmt.Sprintf("%s[%d].options.duration", at, i), o.Duration, 0, 1<<53)
			w.word(fmt.Sprintf("%s[%d].options.flaggedIPType", at, i), o.FlaggedIPType, ipFlags)
		}
	}
}

// Joined is one *schema.InvalidError of two errors, if both are.
func Joined(a, b error) error {
	var first, second *schema.InvalidError
	if errors.As(a, &first) && errors.As(b, &second) {
		for _, d := range second.Details {
			if !slices.Contains(first.Details, d) {
				first.Details = append(first.Details, d)
			}
		}
		return first
	}
	if a != nil {
		return a
	}
	return b
}
