package compiler

import (
	"math"
	"strconv"
	"strings"

	"nightjar/schema"
)

// Place is where an event happened.
type Place struct {
	Latitude, Longitude float64
	// Name is city and country, as one text.
	Name string
}

// addressField is what says that two events of a traveller were at one place,
// whatever a database says of where that is.
var addressField = schema.ParseField("@network.client.ip")

// place reads an event's location under the label's field; ok is false when it
// has no coordinates, or such as are no place.
func (l *Label) place(e *schema.Event) (p Place, ok bool) {
	number := func(names ...string) (float64, bool) {
		for _, n := range names {
			for _, leaf := range e.Lookup(l.Metric.Name + "." + n) {
				if v, isNumber := leaf.Number(); isNumber {
					return v, true
				}
			}
		}
		return 0, false
	}
	text := func(names ...string) string {
		for _, n := range names {
			if leaves := e.Lookup(l.Metric.Name + "." + n); len(leaves) > 0 {
				return leaves[0].Text()
			}
		}
		return ""
	}
	var hasLatitude, hasLongitude bool
	p.Latitude, hasLatitude = number("latitude", "location.latitude")
	p.Longitude, hasLongitude = number("longitude", "location.longitude")
	p.Name = joinTuple([]string{text("city", "city.name"), text("country", "country.iso_code", "country.name")})
	return p, hasLatitude && hasLongitude && p.exists()
}

// exists reports whether there is such a place on earth. Databases write (0, 0)
// where they do not know.
func (p Place) exists() bool {
	return math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180 && (p.Latitude != 0 || p.Longitude != 0)
}

// values are those of a match at the place: latitude, longitude, name, and the
// event's addresses, as one text; "" for none.
func (p Place) values(e *schema.Event) []string {
	address := ""
	if list := e.Values(addressField); len(list) > 0 {
		address = strings.Clone(joinTuple(list)) // a match outlives the event
	}
	return []string{schema.FormatFloat(p.Latitude), schema.FormatFloat(p.Longitude), p.Name, address}
}

// Place is where the event of a match of AggPlace happened, by its own words.
func (m *Match) Place() Place {
	latitude, _ := strconv.ParseFloat(m.Values[0], 64) // written by Expand
	longitude, _ := strconv.ParseFloat(m.Values[1], 64)
	return Place{Latitude: latitude, Longitude: longitude, Name: m.Values[2]}
}

// Address is the address, or the addresses, of the event of a match of AggPlace,
// as one text; "" where it has none, or none was kept.
func (m *Match) Address() string {
	if len(m.Values) < 4 {
		return ""
	}
	return m.Values[3]
}

// common are the names that make a place common once they were learned: none of
// a place without a country, which is never common.
func (m *Match) common() []string {
	if names := SplitTuple(m.Values[2], 2); len(names) < 2 || names[1] == "" {
		return []string{}
	}
	return m.Values[2:3]
}

// earthKm is the mean radius of the earth.
const earthKm = 6371.0088

// Km is the great-circle distance between two places, by the haversine formula.
func (p Place) Km(q Place) float64 {
	rad := math.Pi / 180
	a, b := p.Latitude*rad, q.Latitude*rad
	h := math.Pow(math.Sin((b-a)/2), 2) + math.Cos(a)*math.Cos(b)*math.Pow(math.Sin((q.Longitude-p.Longitude)*rad/2), 2)
	return 2 * earthKm * math.Asin(math.Sqrt(min(1, h)))
}
