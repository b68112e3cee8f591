package compiler

import (
	"fmt"
	"strings"
	"time"

	"nightjar/anomaly/content"
	"nightjar/schema"
)

// contentMethod finds texts that few earlier ones of their group are similar to.
type contentMethod struct{ thresholdMethod }

func (contentMethod) about() aboutMethod { return aboutMethod{name: schema.MethodContentAnomaly} }

func (contentMethod) queries(c *ruleCompiler) {
	c.contentOptions()
	c.labels(c.content)
}

func (contentMethod) lookback(p *Plan) time.Duration { return p.Window + p.Novelty.Forget }

// The limits of how similar texts are, and how many of them.
var (
	similarityPercent = schema.Limits{Least: content.MinSimilarity, Most: content.MaxSimilarity, Default: content.DefaultSimilarity}
	similarItems      = schema.Limits{Least: content.MinItems, Most: content.MaxItems, Default: content.DefaultItems}
)

// contentOptions make a plan whose events match when fewer texts than that are
// similar to theirs, of the group's past.
func (c *ruleCompiler) contentOptions() {
	o := c.plan.Rule.Options.ContentAnomaly
	if o == nil {
		o = &schema.ContentOptions{}
	}
	const target = "options.contentAnomalyOptions."
	c.plan.Content = &content.Options{
		Similarity: int(c.inRange(target+"similarityPercentage", o.Similarity, similarityPercent)),
		Items:      int(c.inRange(target+"similarItems", o.SimilarItems, similarItems)),
	}
	c.plan.Novelty = &Novelty{
		Forget: time.Duration(c.inRange(target+"forgetAfter", o.ForgetAfter, schema.ContentForgetDays)) * day, First: 1,
		Learn: time.Duration(c.inRange(target+"learningDuration", o.LearningDuration, schema.ContentLearningDays)) * day,
	}
}

// content makes the label of a query whose texts are compared: those of one
// field, or the messages.
func (c *ruleCompiler) content(l *Label, q schema.RuleQuery, at func(string) string) bool {
	l.Aggregation = AggContent
	switch metrics := metricsOf(q); len(metrics) {
	case 0:
		l.Metric = schema.ParseField("message")
	case 1:
		l.Metric = c.fields(at("metrics"), metrics)[0]
	default:
		c.bad.Add(at("metrics"), fmt.Sprintf("content_anomaly compares the texts of one field, got %d; without any it is the message", len(metrics)))
	}
	return true
}

// signature is that of the event's text; ok is false when it has no words.
func (l *Label) signature(e *schema.Event) (signature string, ok bool) {
	s, ok := content.Sign(strings.Join(e.Values(l.Metric), "\n"))
	if !ok {
		return "", false
	}
	return s.Text(), true
}
