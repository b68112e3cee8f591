package compiler

import (
	"fmt"
	"slices"
	"time"

	"nightjar/schema"
)

// anomalyMethod finds buckets of time whose values are unlike what was learned of their
// group. The values of its labels are probabilities.
type anomalyMethod struct{ thresholdMethod }

func (anomalyMethod) about() aboutMethod { return aboutMethod{name: schema.MethodAnomalyDetection} }

func (anomalyMethod) queries(c *ruleCompiler) {
	c.anomalyOptions()
	c.labels(nil)
	for i, l := range c.plan.Labels {
		if l.Global {
			c.bad.Add(fmt.Sprintf("queries[%d].groupByFields", i), "the queries of an anomaly rule all have group-by fields, or none has")
		}
	}
}

func (anomalyMethod) cases(c *ruleCompiler) { c.cases(c.condition, c.sides) }

func (anomalyMethod) lookback(p *Plan) time.Duration { return max(p.Window, p.Anomaly.Bucket) }

// Anomaly says how a plan of anomaly_detection learns the baselines of its groups
// (docs/semantics.md, "Anomalies"). The values of its labels are probabilities.
type Anomaly struct {
	// Bucket is the length of a bucket.
	Bucket time.Duration
	// Learn is how much history a group needs before it can match.
	Learn time.Duration
	// Baseline, unless nil, is the value above which a bucket matches before that.
	Baseline *float64
	// Tolerance, 1 to 5, widens what is within the baseline.
	Tolerance int
	// Low says that some case asks for the low side, so that closed buckets are
	// judged.
	Low bool
	// Peers says that a group with less history is judged by the rule's others.
	Peers bool
	// Before is how far back events that were stored before the rule was made
	// are learned from; 0: not at all.
	Before time.Duration
}

// anomalyPast is how much of the stored past is learned at once.
const anomalyPast = 14 * day

func (c *ruleCompiler) anomalyOptions() {
	o := c.plan.Rule.Options.Anomaly
	if o == nil {
		o = &schema.AnomalyOptions{}
	}
	const target = "options.anomalyDetectionOptions."
	bucket := c.oneOf(target+"bucketDuration", o.BucketDuration, schema.DefaultAnomalyBucket, schema.AnomalyBuckets)
	learn := c.oneOf(target+"learningDuration", o.LearningDuration, schema.DefaultAnomalyLearning, schema.AnomalyLearning)
	a := &Anomaly{
		Bucket: time.Duration(bucket) * time.Second, Learn: time.Duration(learn) * time.Hour,
		Tolerance: int(c.inRange(target+"detectionTolerance", o.DetectionTolerance, schema.AnomalyTolerance)),
	}
	if o.LearningPeriodBaseline != nil {
		if *o.LearningPeriodBaseline < 0 {
			c.bad.Add(target+"learningPeriodBaseline", "a bucket's value is not below 0")
		}
		baseline := float64(*o.LearningPeriodBaseline)
		a.Baseline = &baseline
	}
	if o.InstantaneousBaseline != nil && *o.InstantaneousBaseline {
		a.Before = max(anomalyPast, a.Learn)
	}
	if o.PeerBaseline != nil && *o.PeerBaseline {
		a.Peers = true
		if !c.grouped() {
			c.bad.Add(target+"peerBaseline", "without group-by fields there is one group, and it has no peers: add groupByFields, or leave peerBaseline out")
		}
	}
	c.plan.Anomaly = a
}

// grouped reports whether the rule's queries have group-by fields.
func (c *ruleCompiler) grouped() bool {
	return slices.ContainsFunc(c.plan.Rule.Queries, func(q schema.RuleQuery) bool { return len(q.GroupByFields) > 0 })
}

// sides finds the low side in the condition of a case.
func (c *ruleCompiler) sides(i int, k *Case) {
	if k.Condition.OverTime() && c.stored {
		return
	}
	if k.Condition.OverTime() {
		c.bad.Add(fmt.Sprintf("cases[%d].condition", i), "the labels of an anomaly rule are probabilities of single buckets: then is for threshold rules")
		return
	}
	k.Sides, k.Low = sided(k.Condition.Parts[0])
	c.plan.Anomaly.Low = c.plan.Anomaly.Low || k.Low
}
