package geoip

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"nightjar/schema"
)

// record is what one database says of an address.
type record map[string]any

// describe writes what the records say, the first of them counting most, as one
// object; nil when that is nothing.
//
// City and country are there twice: as text (`city`, and `country`, the ISO
// code), and under the names that Datadog's rules use (`city.name`,
// `country.iso_code`, `country.name`). An object cannot be both in JSON, so the
// latter are keys with dots, which a search reads as paths.
func describe(records []record) *fastjson.Value {
	var out object
	if r, coordinates := chooseSite(records); r != nil {
		r.site(&out, coordinates)
	}
	for _, r := range records {
		if as := r.network(); len(as.members) > 0 {
			out.add("as", as)
			break
		}
	}
	out.text("isp", firstText(records, "isp"))
	out.text("organization", firstText(records, "organization"))
	for _, r := range records {
		if traits := r.traits(); len(traits.members) > 0 {
			out.add("traits", traits)
			break
		}
	}
	if len(out.members) == 0 {
		return nil
	}
	return out.value()
}

// chooseSite is the record that says where the address is: one that has
// coordinates before one that has not. Parts of two would be a place that is
// nowhere.
func chooseSite(records []record) (r record, coordinates bool) {
	for _, r := range records {
		if _, _, ok := r.coordinates(); ok && !r.unassigned() {
			return r, true
		}
	}
	for _, r := range records {
		if !r.unassigned() && (r.country() != "" || r.text("continent.code", "continent_code") != "") {
			return r, false
		}
	}
	return nil, false
}

// site adds the city and the country, and with coordinates where they are.
func (r record) site(out *object, coordinates bool) {
	city, country := r.text("city.names.en", "city"), r.country()
	out.text("city", city)
	out.text("country", country)
	if coordinates {
		latitude, longitude, _ := r.coordinates()
		out.add("latitude", latitude)
		out.add("longitude", longitude)
	}
	out.text("city.name", city)
	out.text("country.iso_code", country)
	out.text("country.name", r.countryName(country))
	var subdivision, continent object
	subdivision.text("name", r.text("subdivisions.0.names.en", "state1", "region", "stateprov"))
	if code := r.text("subdivisions.0.iso_code", "region_code"); code != "" && country != "" {
		subdivision.text("iso_code", country+"-"+code)
	}
	out.object("subdivision", subdivision)
	continent.text("code", r.text("continent.code", "continent_code"))
	continent.text("name", r.text("continent.names.en", "continent_name"))
	out.object("continent", continent)
	out.text("postal_code", r.text("postal.code", "postal_code", "postcode"))
	out.text("timezone", r.text("location.time_zone", "timezone"))
}

// country is the ISO 3166-1 code; flat layouts have it under either name.
func (r record) country() string {
	code := r.text("country.iso_code", "country_code", "country")
	if len(code) != 2 {
		return ""
	}
	return strings.ToUpper(code)
}

// unassigned tells of ZZ, which databases write for what is nobody's.
func (r record) unassigned() bool { return r.country() == "ZZ" }

func (r record) countryName(code string) string {
	if name := r.text("country.names.en", "country_name"); name != "" {
		return name
	}
	region, err := language.ParseRegion(code)
	if err != nil {
		return ""
	}
	return display.English.Regions().Name(region)
}

// coordinates are degrees.
func (r record) coordinates() (latitude, longitude float64, ok bool) {
	latitude, hasLatitude := r.number("location.latitude", "latitude", "lat")
	longitude, hasLongitude := r.number("location.longitude", "longitude", "lng", "lon")
	ok = hasLatitude && hasLongitude && math.Abs(latitude) <= 90 && math.Abs(longitude) <= 180
	return latitude, longitude, ok
}

// network is the autonomous system.
func (r record) network() (as object) {
	number := r.text("autonomous_system_number", "traits.autonomous_system_number", "asn", "as_number")
	if number != "" && !strings.HasPrefix(number, "AS") {
		number = "AS" + number
	}
	as.text("number", number)
	as.text("name", r.text("autonomous_system_organization", "traits.autonomous_system_organization", "as_name", "as_organization"))
	as.text("domain", r.text("as_domain"))
	return as
}

// flags are what databases of anonymous addresses say.
var flags = []string{
	"is_anonymous", "is_anonymous_vpn", "is_hosting_provider", "is_public_proxy", "is_residential_proxy", "is_tor_exit_node",
}

// traits are the flags that are set.
func (r record) traits() (out object) {
	for _, name := range flags {
		for _, path := range []string{name, "traits." + name} {
			if set, _ := r.at(path).(bool); set {
				out.add(name, true)
				break
			}
		}
	}
	return out
}

func firstText(records []record, path string) string {
	for _, r := range records {
		if s := r.text(path, "traits."+path); s != "" {
			return s
		}
	}
	return ""
}

// text is the first of these that is text, or a whole number.
func (r record) text(paths ...string) string {
	for _, p := range paths {
		switch v := r.at(p).(type) {
		case string:
			if s := strings.TrimSpace(v); s != "" {
				return s
			}
		case uint64:
			return strconv.FormatUint(v, 10)
		}
	}
	return ""
}

// number is the first of these that is a number, or text that is one.
func (r record) number(paths ...string) (float64, bool) {
	for _, p := range paths {
		var n float64
		var err error
		switch v := r.at(p).(type) {
		case float64:
			n = v
		case float32: // in its own digits, not those of the double beside it
			n, err = strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
		case string:
			n, err = strconv.ParseFloat(v, 64)
		default:
			continue
		}
		if err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
			return n, true
		}
	}
	return 0, false
}

// at follows a path through maps and, by index, arrays.
func (r record) at(path string) any {
	var v any = map[string]any(r)
	for step := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

// object is a JSON object whose members keep their order.
type object struct{ members []member }

type member struct {
	name  string
	value any
}

func (o *object) add(name string, value any) { o.members = append(o.members, member{name, value}) }

func (o *object) text(name, value string) {
	if value != "" {
		o.add(name, value)
	}
}

func (o *object) object(name string, value object) {
	if len(value.members) > 0 {
		o.add(name, value)
	}
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range o.members {
		if i > 0 {
			out = append(out, ',')
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, schema.QuoteJSON(m.name)...), ':'), value...)
	}
	return append(out, '}'), nil
}

// value is the object as the intake's walk reads it. That walk notes in values
// what it has unescaped; having happened here, reading it later changes nothing,
// and many may do so at once.
func (o object) value() *fastjson.Value {
	text, err := json.Marshal(o)
	if err != nil {
		return nil // cannot be: text, numbers and booleans
	}
	v, err := fastjson.ParseBytes(text)
	if err != nil {
		return nil // cannot be: JSON
	}
	schema.NewAttributes([]schema.Pair{{Key: "geoip", Value: v}})
	return v
}
