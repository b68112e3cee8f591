package compiler

import (
	"fmt"
	"strings"
	"time"

	"nightjar/anomaly/content"
	"nightjar/schema"
)

// maxContentDays bounds what a rule about contents learns and remembers: all of
// it is looked through for each event.
const maxContentDays = 10

// contentOptions make a plan whose events match when fewer texts than that are
// similar to theirs, of the group's past.
func (c *ruleCompiler) contentOptions() {
	o := c.plan.Rule.Options.ContentAnomaly
	if o == nil {
		o = &schema.ContentOptions{}
	}
	const target = "options.contentAnomalyOptions."
	c.plan.Content = &content.Options{
		Similarity: int(c.inRange(target+"similarityPercentage", o.Similarity, content.DefaultSimilarity, content.MinSimilarity, content.MaxSimilarity)),
		Items:      int(c.inRange(target+"similarItems", o.SimilarItems, content.DefaultItems, content.MinItems, content.MaxItems)),
	}
	c.plan.Novelty = &Novelty{
		Forget: time.Duration(c.inRange(target+"forgetAfter", o.ForgetAfter, 7, 1, maxContentDays)) * day, First: 1,
		Learn: time.Duration(c.inRange(target+"learningDuration", o.LearningDuration, 1, 1, maxContentDays)) * day,
	}
}

// content makes the label of a query whose texts are compared: those of one
// field, or the messages.
func (c *ruleCompiler) content(l *Label, q schema.RuleQuery, at func(string) string) {
	l.Aggregation = AggContent
	switch metrics := metricsOf(q); len(metrics) {
	case 0:
		l.Metric = schema.ParseField("message")
	case 1:
		l.Metric = c.fields(at("metrics"), metrics)[0]
	default:
		c.bad.Add(at("metrics"), fmt.Sprintf("content_anomaly compares the texts of one field, got %d; without any it is the message", len(metrics)))
	}
}

// signature is that of the event's text; ok is false when it has no words.
func (l *Label) signature(e *schema.Event) (signature string, ok bool) {
	s, ok := content.Sign(strings.Join(e.Values(l.Metric), "\n"))
	if !ok {
		return "", false
	}
	return s.Text(), true
}
