package detect

import (
	"fmt"
	"slices"
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
)

// at is a match of a traveller.
func at(hour schema.Millis, latitude, longitude, name, address string) compiler.Match {
	return compiler.Match{At: hour * anHour, Seq: uint64(hour + 1), Values: []string{latitude, longitude, name, address}}
}

// TestStopsSayHowATravellerWouldHaveComeThere has journeys of all kinds, of which it says
// what a rule of impossible travel would: those are impossible that make a signal.
func TestStopsSayHowATravellerWouldHaveComeThere(t *testing.T) {
	own := []compiler.Match{
		at(0, "48.85", "2.35", "Paris", "a"),
		at(1, "48.85", "2.35", "Paris", "b"),
		at(2, "40.71", "-74", "New York", "c"),
		at(3, "48.85", "2.35", "Paris", "c"), // the address has not moved, whatever is said of it
		at(20, "48.85", "2.35", "Paris", "d"),
		{At: 20*anHour + 1000, Seq: 30, Values: []string{"48.75", "2.35", "Orly", "g"}}, // 11 km in a second are an error of the database
		at(60, "35.68", "139.65", "Tokyo", "e"),                                         // nobody knows where they were a day before
		// Of one address two places were said at one time: the least counts, and who leaves
		// from the other one has travelled.
		at(100, "40.71", "-74", "New York", "f"), at(100, "48.85", "2.35", "Paris", "f"), at(101, "48.85", "2.35", "Paris", "f"),
	}
	var got []string
	impossible := map[schema.Millis]bool{}
	for _, s := range stopsBetween(own, anHour, 101*anHour) {
		got = append(got, fmt.Sprintf("%d %v %.0f km %.0f km/h since %d impossible %v assumed %v", s.At/anHour, s.Place.Latitude, s.Km, s.Kmh, s.Since/anHour, s.Impossible, s.Assumed))
		impossible[s.At] = impossible[s.At] || s.Impossible
	}
	want := []string{
		"1 48.85 0 km 0 km/h since 0 impossible false assumed false",
		"2 40.71 5837 km 5837 km/h since 1 impossible true assumed false",
		"3 40.71 0 km 0 km/h since 2 impossible false assumed true",
		"20 48.85 5837 km 343 km/h since 3 impossible false assumed false",
		"20 48.75 11 km 40030 km/h since 20 impossible false assumed false",
		"60 35.68 0 km 0 km/h since 0 impossible false assumed false",
		"100 40.71 0 km 0 km/h since 0 impossible false assumed false",
		"100 48.85 0 km 0 km/h since 0 impossible false assumed false",
		"101 40.71 5837 km 5837 km/h since 100 impossible true assumed true",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	signalled := map[schema.Millis]bool{}
	for _, m := range travelled(own, anHour) {
		signalled[m.At] = true
	}
	for moment := range impossible {
		if impossible[moment] != signalled[moment] {
			t.Errorf("at hour %d: impossible %v, but a signal %v", moment/anHour, impossible[moment], signalled[moment])
		}
	}
	if one := stopsBetween(own, 2*anHour, 2*anHour); len(one) != 1 || !one[0].Impossible {
		t.Errorf("of one moment: %+v", one)
	}
}

// TestAThinnedCourseKeepsWhatIsHighestAndWhereACaseHeld has more points than are wanted.
func TestAThinnedCourseKeepsWhatIsHighestAndWhereACaseHeld(t *testing.T) {
	var c Course
	for i := range 1000 {
		p := CoursePoint{At: schema.Millis(i), Values: []float64{1, float64(i % 7)}, Case: -1}
		switch i {
		case 123:
			p.Values = []float64{50, 0} // the highest of all, and no case holds
		case 777:
			p.Values, p.Case = []float64{0, 0}, 0 // a case of absence holds: lower than its neighbours
		}
		c.Points = append(c.Points, p)
	}
	whole := slices.Clone(c.Points)
	if c.thin(1000); c.Thinned || len(c.Points) != 1000 {
		t.Errorf("as many as are wanted were thinned to %d", len(c.Points))
	}
	for _, most := range []int{1, 3, 10, 333, 999} {
		thin := Course{Points: slices.Clone(whole)}
		thin.thin(most)
		if !thin.Thinned || len(thin.Points) != most {
			t.Fatalf("%d points are left of %d, thinned %v", len(thin.Points), most, thin.Thinned)
		}
		has := func(at schema.Millis) bool {
			return slices.ContainsFunc(thin.Points, func(p CoursePoint) bool { return p.At == at })
		}
		if !has(777) || most > 1 && !has(123) {
			t.Errorf("of %d points, where a case held is kept: %v, the highest: %v", most, has(777), has(123))
		}
		for i, p := range thin.Points {
			if from, to := i*1000/most, (i+1)*1000/most; p.At < schema.Millis(from) || p.At >= schema.Millis(to) {
				t.Errorf("the point of stretch %d of %d is of moment %d", i, most, p.At)
			}
			for _, q := range whole[i*1000/most : (i+1)*1000/most] {
				if p.Case < 0 && q.Values[0]+q.Values[1] > p.Values[0]+p.Values[1] {
					t.Fatalf("stretch %d of %d has a higher point than %v: %v", i, most, p, q)
				}
			}
		}
	}
}
