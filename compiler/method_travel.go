package compiler

import (
	"fmt"
	"time"

	"nightjar/schema"
)

// travelMethod finds users at two places that nobody gets between in time.
type travelMethod struct{ thresholdMethod }

func (travelMethod) about() aboutMethod { return aboutMethod{name: schema.MethodImpossibleTravel} }

func (travelMethod) queries(c *ruleCompiler) {
	c.travelBaseline()
	c.labels(c.travel)
}

// durations: the evaluation window has no part in this method.
func (travelMethod) durations(p *Plan) { p.Window = 0 }

func (travelMethod) lookback(*Plan) time.Duration { return TravelWithin }

// Limits of impossible travel. They belong to the quiet side.
const (
	TravelWithin = 24 * time.Hour
	TravelKm     = 500
	TravelKmh    = 1000
)

// travelForget is how long a place stays common after a traveller was last there.
const travelForget = 30 * day

// travelBaseline makes the user's common places a matter of novelty.
func (c *ruleCompiler) travelBaseline() {
	o := c.plan.Rule.Options.ImpossibleTravel
	if o == nil || o.BaselineUserLocations == nil || !*o.BaselineUserLocations {
		return
	}
	days := c.inRange("options.impossibleTravelOptions.baselineUserLocationsDuration", o.BaselineUserLocationsDuration, schema.TravelBaselineDays)
	c.plan.Novelty = &Novelty{Forget: travelForget, First: 1, Learn: time.Duration(days) * day, LearnEnd: true}
}

// travel makes the label of a query whose events have a place.
func (c *ruleCompiler) travel(l *Label, q schema.RuleQuery, at func(string) string) bool {
	if q.Aggregation != aggregatePlaces {
		return false
	}
	l.Aggregation = AggPlace
	if len(q.Metrics) != 1 {
		c.bad.Add(at("metrics"), fmt.Sprintf("geo_data takes the field of the location, such as @network.client.geoip; got %d fields", len(q.Metrics)))
		return true
	}
	l.Metric = c.fields(at("metrics"), q.Metrics)[0]
	if len(q.GroupByFields) == 0 {
		c.bad.Add(at("groupByFields"), "whose travel? name the field of the user")
	}
	return true
}
