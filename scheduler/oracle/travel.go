package oracle

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"nightjar/schema"
)

// This file is for impossible travel (docs/semantics.md, "Impossible travel").

// location is where and from which address an event came.
type location struct {
	latitude, longitude float64
	country, city, ip   string
}

// located is the place of an event, where it has one: coordinates that are on
// the Earth, and not 0,0, which databases say for unknown.
func (o *evaluator) located(q int, e *schema.Event) (location, bool) {
	under := o.rule.Queries[q].Metrics[0]
	latitude, longitude := numbers(under+".latitude", e), numbers(under+".longitude", e)
	if len(latitude) == 0 || len(longitude) == 0 {
		return location{}, false
	}
	text := func(path string) string {
		if l := e.Lookup(strings.TrimPrefix(path, "@")); len(l) > 0 {
			return l[0].Text()
		}
		return ""
	}
	l := location{latitude[0], longitude[0], text(under + ".country"), text(under + ".city"), text("@network.client.ip")}
	if l.country == "" { // the other name that databases have for it
		l.country = text(under + ".country.iso_code")
	}
	nowhere := math.Abs(l.latitude) > 90 || math.Abs(l.longitude) > 180 || l.latitude == 0 && l.longitude == 0
	return l, !nowhere
}

func (g *ruleGroup) judgeTravel() []Match {
	var out []Match
	for q := range g.matches {
		places := g.places(q)
		for i := range places {
			if g.flew(q, i, places) && !g.usual(q, i) {
				out = append(out, Match{At: int64(g.o.events[i].At), alone: true, event: i, group: g})
			}
		}
	}
	return out
}

// places are where the events of a query are taken to be: an event with the same
// address as one that it is compared with is at that one's place.
func (g *ruleGroup) places(q int) map[int]location {
	var order []int
	for i := range g.o.events {
		if g.matches[q][i] {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(g.o.events[i].At, g.o.events[j].At) })
	out := map[int]location{}
	for _, i := range order {
		here, _ := g.o.located(q, &g.o.events[i])
		var same []location
		for _, j := range g.compared(q, i) {
			if there := out[j]; here.ip != "" && there.ip == here.ip {
				same = append(same, there)
			}
		}
		if len(same) > 0 {
			here = slices.MinFunc(same, func(a, b location) int {
				return cmp.Or(cmp.Compare(a.latitude, b.latitude), cmp.Compare(a.longitude, b.longitude), cmp.Compare(a.country, b.country), cmp.Compare(a.city, b.city))
			})
		}
		out[i] = here
	}
	return out
}

// compared are the events at the nearest earlier time within a day.
func (g *ruleGroup) compared(q, i int) []int {
	at, nearest := int64(g.o.events[i].At), int64(math.MinInt64)
	for j := range g.o.events {
		if b := int64(g.o.events[j].At); g.matches[q][j] && b < at && b >= at-day {
			nearest = max(nearest, b)
		}
	}
	var out []int
	for j := range g.o.events {
		if g.matches[q][j] && int64(g.o.events[j].At) == nearest {
			out = append(out, j)
		}
	}
	return out
}

func (g *ruleGroup) flew(q, i int, places map[int]location) bool {
	return slices.ContainsFunc(g.compared(q, i), func(j int) bool {
		km, hours := arc(places[j], places[i]), float64(g.o.events[i].At-g.o.events[j].At)/3_600_000
		return km > 500 && km > 1000*hours
	})
}

// arc is the great-circle distance, by the spherical law of cosines.
func arc(a, b location) float64 {
	p, q := a.latitude*math.Pi/180, b.latitude*math.Pi/180
	c := math.Sin(p)*math.Sin(q) + math.Cos(p)*math.Cos(q)*math.Cos((a.longitude-b.longitude)*math.Pi/180)
	return 6371.0088 * math.Acos(max(-1, min(1, c)))
}

// usual reports whether the rule learns where users are, and still learns this
// one, or has seen the location within thirty days. What is learned is what events
// say, also of those that are taken to be elsewhere.
func (g *ruleGroup) usual(q, i int) bool {
	t := g.o.rule.Options.ImpossibleTravel
	if t == nil || t.BaselineUserLocations == nil || !*t.BaselineUserLocations {
		return false
	}
	at, days := int64(g.o.events[i].At), int64(1)
	if t.BaselineUserLocationsDuration != nil && *t.BaselineUserLocationsDuration > 0 {
		days = *t.BaselineUserLocationsDuration
	}
	if at <= g.first(q)+days*day {
		return true
	}
	here, _ := g.o.located(q, &g.o.events[i])
	if here.country == "" {
		return false
	}
	for j := range g.o.events {
		before := int64(g.o.events[j].At)
		if !g.matches[q][j] || before >= at || before < at-30*day {
			continue
		}
		if there, _ := g.o.located(q, &g.o.events[j]); there.country == here.country && there.city == here.city {
			return true
		}
	}
	return false
}
