package scheduler

import (
	"math"
	"slices"
	"sort"
	"strconv"

	"nightjar/schema"
)

// This file is the oracle's part for rules in which events match by what came
// before them: new values, and impossible travel.

// tuples are the event's values of a new-value query.
func (o *oracleRule) tuples(q int, e *schema.Event) []string {
	tuples := []string{""}
	for _, f := range o.rule.Queries[q].Metrics {
		var longer []string
		for _, t := range tuples {
			for _, v := range e.Values(schema.ParseField(f)) {
				longer = append(longer, t+strconv.Itoa(len(v))+":"+v)
			}
		}
		tuples = longer
	}
	return tuples
}

// judgeNews judges the events of a group one by one.
func (o *oracleRule) judgeNews(g []string) []oracleHit {
	var out []oracleHit
	for i := range o.events {
		e := &o.events[i]
		for q := range o.queries {
			if !o.in(q, e, g) {
				continue
			}
			at := int64(e.At)
			if o.rule.Options.DetectionMethod == "impossible_travel" {
				if o.flew(q, g, e) && (!o.learns() || !o.learning(q, g, at) && !o.knows(q, g, at, city(e))) {
					out = append(out, oracleHit{at: at, seq: e.Seq})
				}
				continue
			}
			if o.learning(q, g, at) {
				continue
			}
			for _, v := range o.tuples(q, e) {
				if o.knows(q, g, at, v) {
					continue
				}
				h := oracleHit{at: at, seq: e.Seq}
				if *o.rule.Options.KeepAlive == 0 {
					h.value = v
				}
				out = append(out, h)
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].at < out[j].at })
	return out
}

func (o *oracleRule) learns() bool {
	t := o.rule.Options.ImpossibleTravel
	return t != nil && *t.BaselineUserLocations
}

// learning tells whether the group is learned in silence at this time.
func (o *oracleRule) learning(q int, g []string, at int64) bool {
	first, before := int64(math.MaxInt64), 0
	for i := range o.events {
		if e := &o.events[i]; o.in(q, e, g) {
			first = min(first, int64(e.At))
			if int64(e.At) < at {
				before++
			}
		}
	}
	if o.learns() {
		return at <= first+24*3_600_000
	}
	n := o.rule.Options.NewValue
	switch {
	case n.LearningMethod == "threshold":
		return int64(before) < max(1, *n.LearningThreshold)
	case *n.LearningDuration == 0:
		return at == first
	}
	return at < first+*n.LearningDuration*24*3_600_000
}

// knows tells whether a value was seen before this time, and not too long ago.
func (o *oracleRule) knows(q int, g []string, at int64, value string) bool {
	forget := int64(30)
	if n := o.rule.Options.NewValue; n != nil {
		forget = *n.ForgetAfter
	}
	for i := range o.events {
		e := &o.events[i]
		if !o.in(q, e, g) || int64(e.At) >= at || int64(e.At) < at-forget*24*3_600_000 {
			continue
		}
		if o.learns() && value != "" && value == city(e) || !o.learns() && slices.Contains(o.tuples(q, e), value) {
			return true
		}
	}
	return false
}

// city is what makes a place common; there is none without a country.
func city(e *schema.Event) string {
	country := e.Lookup("network.client.geoip.country")
	if len(country) == 0 {
		return ""
	}
	if l := e.Lookup("network.client.geoip.city"); len(l) > 0 {
		return "city " + l[0].Text() + " in " + country[0].Text()
	}
	return "somewhere in " + country[0].Text()
}

// located tells whether an event says where it was.
func located(e *schema.Event) bool {
	latitude, longitude, ok := coordinates(e)
	return ok && latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180 && (latitude != 0 || longitude != 0)
}

func coordinates(e *schema.Event) (latitude, longitude float64, ok bool) {
	for _, c := range []struct {
		name string
		into *float64
	}{{"latitude", &latitude}, {"longitude", &longitude}} {
		l := e.Lookup("network.client.geoip." + c.name)
		if len(l) == 0 {
			return 0, 0, false
		}
		if *c.into, ok = numberIn(l[0]); !ok {
			return 0, 0, false
		}
	}
	return latitude, longitude, true
}

// before are the events at the nearest earlier time, if that is near enough.
func (o *oracleRule) before(q int, g []string, e *schema.Event) []*schema.Event {
	var out []*schema.Event
	for i := range o.events {
		b := &o.events[i]
		if !o.in(q, b, g) || b.At >= e.At || e.At-b.At > 24*3_600_000 {
			continue
		}
		switch {
		case len(out) == 0 || b.At > out[0].At:
			out = []*schema.Event{b}
		case b.At == out[0].At:
			out = append(out, b)
		}
	}
	return out
}

// place is where the user is taken to be at an event: where they were before,
// from the same address, or where the event says.
func (o *oracleRule) place(q int, g []string, e *schema.Event) [2]float64 {
	latitude, longitude, _ := coordinates(e)
	here, found := [2]float64{latitude, longitude}, false
	address := e.Lookup("network.client.ip")
	for _, b := range o.before(q, g, e) {
		if other := b.Lookup("network.client.ip"); len(address) == 0 || len(other) == 0 || address[0].Str != other[0].Str {
			continue
		}
		if there := o.place(q, g, b); !found || slices.Compare(there[:], here[:]) < 0 { // events of one time have no order
			here, found = there, true
		}
	}
	return here
}

// flew compares with the events at the nearest earlier time.
func (o *oracleRule) flew(q int, g []string, e *schema.Event) bool {
	for _, b := range o.before(q, g, e) {
		km := arc(o.place(q, g, b), o.place(q, g, e))
		if km > 500 && km > 1000*float64(e.At-b.At)/3_600_000 {
			return true
		}
	}
	return false
}

// arc is the great-circle distance, by the spherical law of cosines.
func arc(a, b [2]float64) float64 {
	radian := math.Pi / 180
	p, q := a[0]*radian, b[0]*radian
	c := math.Sin(p)*math.Sin(q) + math.Cos(p)*math.Cos(q)*math.Cos((a[1]-b[1])*radian)
	return 6371.0088 * math.Acos(max(-1, min(1, c)))
}

// days spreads events over days, with ties, and says where some happened.
func (w worlds) days(events []schema.Event) []schema.Event {
	for i := range events {
		e := &events[i]
		e.At = schema.Millis(1_700_000_000_000 + w.Int64N(160)*6*3_600_000/4 + []int64{0, 0, 1, 1_800_000}[w.IntN(4)])
		e.Seen = e.At
		if w.IntN(5) == 0 {
			continue
		}
		where := w.pick(`48.85,"longitude":2.35,"city":"Paris","country":"FR"`, `40.71,"longitude":-74.0,"city":"New York","country":"US"`, `52.52,"longitude":13.4,"city":"Berlin","country":"DE"`,
			`48.8,"longitude":2.1,"city":"Versailles","country":"FR"`, `"35.68","longitude":"139.65","city":"Tokyo","country":"JP"`, `-33.87,"longitude":151.21,"city":"Sydney"`,
			`0,"longitude":0,"city":"Null Island","country":"XX"`, `948.85,"longitude":2.35`, `48.85,"longitude":181`, `" 48.85","longitude":2.35`)
		address := w.pick(`"ip":"1.1.1.1",`, `"ip":"1.1.1.1",`, `"ip":"2.2.2.2",`, `"ip":"3.3.3.3",`, "")
		text := e.JSON[:len(e.JSON)-1]
		if len(text) > 1 {
			text += ","
		}
		e.Attributes = must(schema.ParseAttributes(text + `"network":{"client":{` + address + `"geoip":{"latitude":` + where + `}}}}`))
	}
	return events
}

// newsRule is a rule about new values, or about travel.
func (w worlds) newsRule() schema.Rule {
	rule := w.rule()
	for rule.Options.DetectionMethod != "" || len(rule.Queries[0].GroupByFields) == 0 {
		rule = w.rule()
	}
	zero, yes := int64(0), w.IntN(2) == 0
	rule.Options.EvaluationWindow = &zero
	rule.Cases = []schema.RuleCase{{Status: "low"}}
	rule.Queries = rule.Queries[:1]
	q := &rule.Queries[0]
	q.DistinctFields = nil
	if w.IntN(3) == 0 {
		rule.Options.DetectionMethod, q.Aggregation, q.Metrics = "impossible_travel", "geo_data", []string{"@network.client.geoip"}
		rule.Options.ImpossibleTravel = &schema.TravelOptions{BaselineUserLocations: &yes}
		return rule
	}
	rule.Options.DetectionMethod, q.Aggregation = "new_value", "new_value"
	q.Metrics = [][]string{{"host"}, {"@bytes"}, {"@roles"}, {"host", "@roles"}}[w.IntN(4)]
	days, first, forget := int64(w.IntN(4)), int64(w.IntN(4)), int64(1+w.IntN(4))
	rule.Options.NewValue = &schema.NewValueOptions{
		ForgetAfter: &forget, LearningDuration: &days, LearningThreshold: &first, LearningMethod: w.pick("duration", "threshold"),
	}
	if w.IntN(3) == 0 {
		rule.Options.KeepAlive = &zero
	}
	if w.IntN(4) == 0 {
		rule.Queries = append(rule.Queries, rule.Queries[0])
		rule.Queries[0].Name, rule.Queries[1].Name = "a", "b"
		rule.Queries[1].Query = w.pick("source:x", "service:db")
		rule.Queries[1].GroupByFields = rule.Queries[0].GroupByFields
	}
	return rule
}
