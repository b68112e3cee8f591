package rulecheck

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"nightjar/schema"
)

// This file has the words and numbers that the reference's clients accept in a rule.
// With any other word they read nothing of the rule, and report no error; so it is
// refused. What the compiler checks itself is not here. Where a range here is narrower
// than the compiler's for the same option (schema/rule_limits.go), that is on purpose:
// the compiler's is what the engine can evaluate, and holds for rule tests, backtests
// and rules that are stored already; this one is what those clients can read, and
// holds for what is stored from now on.

var (
	severities  = texts(schema.Severities)
	dataSources = []string{"logs", "audit", "app_sec_spans", "spans", "security_runtime", "network", "events", "security_signals"}
	actionTypes = []string{"block_ip", "block_user", "user_behavior", "flag_ip"}
	ipFlags     = []string{"SUSPICIOUS", "FLAGGED"}
)

const (
	// clientDays is how long those clients let a rule remember or learn: the engine can
	// for a year (schema.NewValueForgetDays, NewValueLearningDays, TravelBaselineDays).
	clientDays = 30
	// maxCount is what they read as a number. How many events a rule can learn from
	// is up to the compiler, where it learns from events (schema.NewValueLearningEvents).
	maxCount = 1 << 31
)

// checkValues says where a rule has a word or number that clients don't know, as
// *schema.InvalidError.
func checkValues(r *schema.Rule) error {
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
		w.between(at+"forgetAfter", n.ForgetAfter, 1, clientDays)
		w.between(at+"learningDuration", n.LearningDuration, 0, clientDays)
		w.word(at+"learningMethod", n.LearningMethod, []string{"duration", "threshold"})
		w.between(at+"learningThreshold", n.LearningThreshold, 0, maxCount)
	}
	if a := o.Anomaly; a != nil {
		const at = "options.anomalyDetectionOptions."
		w.number(at+"bucketDuration", a.BucketDuration, schema.AnomalyBuckets)
		w.number(at+"learningDuration", a.LearningDuration, schema.AnomalyLearning)
		w.between(at+"detectionTolerance", a.DetectionTolerance, schema.AnomalyTolerance.Least, schema.AnomalyTolerance.Most)
		w.between(at+"learningPeriodBaseline", a.LearningPeriodBaseline, 0, maxCount)
	}
	if t := o.ImpossibleTravel; t != nil {
		w.between("options.impossibleTravelOptions.baselineUserLocationsDuration", t.BaselineUserLocationsDuration, 1, clientDays)
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
