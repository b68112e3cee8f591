package detect

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"nightjar/compiler"
	"nightjar/schema"
)

// travel is a threshold over matches of somebody who is further away from where they last
// were than anybody travels.
type travel struct{ threshold }

func (travel) counting(_ *compiler.BoundPlan, matches []compiler.Match, from schema.Millis) []compiler.Match {
	return inGroups(matches, func(group []compiler.Match) []compiler.Match { return travelled(group, from) })
}

func (travel) reachesFurther(matches []compiler.Match, from, since schema.Millis) bool {
	return leavesOpen(matches, from, since)
}

func (travel) asksPast() bool { return true }

// opens takes the journey that ends with the match; of several the least.
func (travel) opens(ep *episode, m *compiler.Match) {
	if len(ep.values) == 0 || slices.Compare(m.Values, ep.values) < 0 {
		ep.values = slices.Clone(m.Values)
	}
}

func (t travel) explain(m *Moment, s *Standing) {
	s.Notes = append(s.Notes, journeys(m.Own, m.At)...)
	t.threshold.explain(m, s)
	for _, stop := range stopsBetween(m.Own, m.At, m.At) {
		if stop.Since == 0 {
			continue
		}
		for i := range s.Cases {
			s.Cases[i].Compared = append(s.Cases[i].Compared, limited("km", stop.Km, compiler.TravelKm), limited("km/h", stop.Kmh, compiler.TravelKmh))
		}
		break
	}
}

// limited compares a distance or a speed with what is possible.
func limited(name string, value, limit float64) Comparison {
	c := compiler.CondCompare{Name: name, Op: ">", Number: limit}
	return Comparison{CondCompare: c, Value: value, Holds: c.Compare(value)}
}

func (travel) describe(_ *compiler.BoundPlan, values []string) Description {
	return Description{Travel: journey(values)}
}

// stop is a match of a traveller, and where they are taken to be then: where
// they were at the nearest moment before from the same address, if they were
// anywhere from there, for then it is the database that moved.
type stop struct {
	*compiler.Match
	place compiler.Place
	// open says that an event before those at hand may be at the same address,
	// and then this is where that one was.
	open bool
}

const travelWithin = schema.Millis(compiler.TravelWithin / 1_000_000) // in milliseconds

// stops are the matches of one traveller, in the order of time, each with those
// at the nearest earlier moment within a day. The matches reach back to from.
func stops(group []compiler.Match, from schema.Millis, visit func(now stop, before []stop) bool) {
	var before []stop
	for i := 0; i < len(group); {
		t, j := group[i].At, i
		if len(before) > 0 && t-before[0].At > travelWithin {
			before = nil
		}
		open := i == 0 && from > Always && t-from <= travelWithin
		var now []stop
		for ; j < len(group) && group[j].At == t; j++ {
			s := arrive(&group[j], before)
			s.open = s.open || open
			if !visit(s, before) {
				return
			}
			now = append(now, s)
		}
		before, i = now, j
	}
}

// arrive says where a traveller is, who was there before. Where several were at
// the same address, events of one time have no order: it is the least of places.
func arrive(m *compiler.Match, before []stop) stop {
	s, found := stop{Match: m, place: m.Place()}, false
	for _, b := range before {
		if !sameAddress(m, b.Match) {
			continue
		}
		s.open = s.open || b.open
		if !found || comparePlaces(b.place, s.place) < 0 {
			s.place, found = b.place, true
		}
	}
	return s
}

func sameAddress(a, b *compiler.Match) bool { return a.Address() != "" && a.Address() == b.Address() }

func comparePlaces(a, b compiler.Place) int {
	return cmp.Or(cmp.Compare(a.Latitude, b.Latitude), cmp.Compare(a.Longitude, b.Longitude), cmp.Compare(a.Name, b.Name))
}

// travelled are the matches of one traveller, from a moment on, that are too far
// from one at the nearest moment before, whose place and time follow their own in
// Values. Before that moment it may not be known where they were.
func travelled(group []compiler.Match, from schema.Millis) []compiler.Match {
	var out []compiler.Match
	stops(group, Always, func(now stop, before []stop) bool {
		if now.At < from {
			return true
		}
		for _, b := range before {
			if km, kmh := leg(b, now); km > compiler.TravelKm && kmh > compiler.TravelKmh {
				m := *now.Match
				m.Values = slices.Concat(words(now.place), words(b.place), []string{strconv.FormatInt(int64(b.At), 10)})
				out = append(out, m)
				break
			}
		}
		return true
	})
	return out
}

// leg is how far it is from one stop to the next, and how fast that would be.
func leg(from, to stop) (km, kmh float64) {
	km = to.place.Km(from.place)
	return km, km / (float64(to.At-from.At) / 3_600_000)
}

func words(p compiler.Place) []string {
	return []string{schema.FormatFloat(p.Latitude), schema.FormatFloat(p.Longitude), p.Name}
}

// leavesOpen reports whether the matches, which reach back to from, leave
// open where a traveller was who came to another address at since or later.
func leavesOpen(matches []compiler.Match, from, since schema.Millis) (further bool) {
	for _, group := range ByGroup(matches) {
		stops(group, from, func(now stop, before []stop) bool {
			if now.At < since {
				return true
			}
			for _, b := range before {
				further = further || (b.open || now.open) && !sameAddress(now.Match, b.Match)
			}
			return !further
		})
		if further {
			return true
		}
	}
	return false
}

// journeys say how fast somebody would have come to where they are.
func journeys(own []compiler.Match, at schema.Millis) []string {
	var out []string
	stops(own, Always, func(now stop, before []stop) bool {
		if now.At != at {
			return now.At < at
		}
		if len(before) == 0 {
			out = append(out, "nothing is known of where they were in the 24 hours before")
		}
		for _, b := range before {
			if sameAddress(now.Match, b.Match) {
				out = append(out, fmt.Sprintf("the address is the one they were at before, at %s: they are taken to be where they were", b.At))
				continue
			}
			km, kmh := leg(b, now)
			out = append(out, fmt.Sprintf("%.0f km in %.2f h (%.0f km/h) from where they were at %s; more than %d km and more than %d km/h are impossible",
				km, float64(at-b.At)/3_600_000, kmh, b.At, compiler.TravelKm, compiler.TravelKmh))
		}
		return true
	})
	return out
}

// journey is where a traveller was first and then, and what that comes to.
func journey(values []string) *schema.SignalTravel {
	if len(values) != 7 {
		return nil
	}
	then, first := compiler.Match{Values: values[:3]}, compiler.Match{Values: values[3:6]}
	location := func(p compiler.Place) schema.TravelLocation {
		names := compiler.SplitTuple(p.Name, 2)
		for len(names) < 2 {
			names = append(names, "")
		}
		return schema.TravelLocation{City: names[0], Country: names[1], Latitude: p.Latitude, Longitude: p.Longitude}
	}
	return &schema.SignalTravel{
		TriggeringLocations: schema.TravelLocations{First: location(first.Place()), Second: location(then.Place())},
		DistanceKm:          math.Round(then.Place().Km(first.Place())),
	}
}
