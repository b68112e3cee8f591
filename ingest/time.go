package ingest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// NoTime is the time of an event that has none and was read offline, where there
// is no arrival to stand in for it.
const NoTime = schema.Millis(math.MinInt64)

// errNoTime is text that is no time.
var errNoTime = errors.New("unreadable")

// zoneError is a time in a zone whose abbreviation stands for none or for several.
type zoneError struct{ name string }

func (e *zoneError) Error() string { return "unknown time zone " + e.name }

// moments is how times are read: what is known where they leave something open.
type moments struct {
	// Zone is that of times written without one; nil: UTC.
	Zone *time.Location
	// Now bounds times written without a year, and Year, when not 0, is theirs.
	Now  time.Time
	Year int
	// millis says that numbers are milliseconds, as long as they can be.
	millis bool
}

// told reads what an event says under a name of its time.
func (m moments) told(t told) (schema.Millis, error) {
	switch {
	case t.v != nil:
		return m.value(t.v, 0)
	case t.kind == '0':
		return m.number(t.text)
	case t.kind == '"':
		return m.text(t.text)
	}
	return 0, errNoTime
}

// value reads a member that holds a time: a number, text, or an object that some
// writers of JSON put around either.
func (m moments) value(v *fastjson.Value, depth int) (schema.Millis, error) {
	switch v.Type() {
	case fastjson.TypeNumber:
		return m.number(string(v.MarshalTo(nil)))
	case fastjson.TypeString:
		s, _ := v.StringBytes()
		return m.text(string(s))
	case fastjson.TypeObject:
		if depth < 3 {
			return m.object(v, depth)
		}
	}
	return 0, errNoTime
}

// object reads what MongoDB, protobuf, Firestore and Windows' XML make of a time.
func (m moments) object(v *fastjson.Value, depth int) (schema.Millis, error) {
	m.millis = true
	for _, key := range []string{"$date", "$numberLong", "SystemTime", "#attributes"} {
		if inner := v.Get(key); inner != nil {
			return m.value(inner, depth+1)
		}
	}
	for _, keys := range [][2]string{{"seconds", "nanos"}, {"_seconds", "_nanoseconds"}} {
		if s := v.Get(keys[0]); s != nil && s.Type() == fastjson.TypeNumber {
			if n := s.GetInt64(); n > -1e11 && n < 1e11 {
				return schema.Millis(n*1000 + v.GetInt64(keys[1])/1e6), nil
			}
		}
	}
	return 0, errNoTime
}

// text reads a time in text: digits as a number since the epoch, or one of the
// usual written forms.
func (m moments) text(s string) (schema.Millis, error) {
	s = strings.TrimSpace(s)
	if at, err := m.number(s); err == nil {
		return at, nil
	}
	if inner, ok := strings.CutPrefix(s, "/Date("); ok {
		inner, ok = strings.CutSuffix(inner, ")/")
		// What follows the number is the writer's zone, which changes nothing.
		if end := strings.LastIndexAny(inner, "+-"); ok && end > 0 {
			inner = inner[:end]
		}
		m.millis = true
		return m.number(inner)
	}
	at, err := m.written(s)
	if err != nil {
		return 0, err
	}
	return schema.MillisOf(at), nil
}

// number reads a number since the epoch.
func (m moments) number(s string) (schema.Millis, error) {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c|0x20 != 'e' {
			return 0, errNoTime // said at once, for most times are no numbers
		}
	}
	if m.millis {
		if at, ok := wholeMillis(s); ok && at >= schema.MinMillis && at <= schema.MaxMillis {
			return at, nil
		}
	}
	at, ok := parseEpoch(s)
	if !ok {
		return 0, errNoTime
	}
	return at, nil
}

func wholeMillis(s string) (schema.Millis, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return schema.Millis(n), true
	}
	f, ok := decimal(s)
	if !ok || math.Abs(f) > 1e15 {
		return 0, false
	}
	return schema.Millis(math.Floor(f)), true
}

// decimal reads a number as JSON writes it, and no other.
func decimal(s string) (float64, bool) {
	if s == "" || len(s) > 64 || strings.Trim(s, "+-.eE0123456789") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// ParseTime reads a time in text: digits as a number since the epoch whose unit
// its size tells, or one of the usual written forms, in the zone when it says none.
func ParseTime(s string, zone *time.Location) (schema.Millis, bool) {
	at, err := moments{Zone: zone}.text(s)
	return at, err == nil
}

// Numbers that are not since 1970: Windows counts tenths of microseconds since
// 1601, .NET since the year 1. Between these bounds, which are of the years 1980
// to 2100, nanoseconds since 1970 would be of 1973 or 1990.
const (
	minFileTime, maxFileTime = 119_600_064_000_000_000, 157_469_184_000_000_000
	minTicks, maxTicks       = 624_511_296_000_000_000, 662_380_416_000_000_000

	fileTimeEpoch = -11_644_473_600_000 // ms
	ticksEpoch    = -62_135_596_800_000 // ms
	perMillisTick = int64(time.Millisecond) / 100
)

// parseEpoch is schema.ParseEpoch that knows the counts of Windows too, which are
// as large as nanoseconds of other years.
func parseEpoch(s string) (schema.Millis, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		if _, ok := decimal(s); !ok {
			return 0, false
		}
	case n >= minFileTime && n < maxFileTime:
		return schema.Millis(n/perMillisTick + fileTimeEpoch), true
	case n >= minTicks && n < maxTicks:
		return schema.Millis(n/perMillisTick + ticksEpoch), true
	}
	return schema.ParseEpoch(s)
}

// ParseZone reads a time zone: a name such as Europe/Berlin, or an offset such
// as +02:00.
func ParseZone(s string) (*time.Location, error) {
	for _, layout := range []string{"-07:00", "-0700", "Z07:00"} {
		if at, err := time.Parse(layout, s); err == nil {
			_, offset := at.Zone()
			return time.FixedZone(s, offset), nil
		}
	}
	if s == "" || s == "Local" {
		return nil, fmt.Errorf("no time zone %q; write one as Europe/Berlin or +02:00", s)
	}
	zone, err := time.LoadLocation(s)
	if err != nil {
		return nil, fmt.Errorf("no time zone %q; write one as Europe/Berlin or +02:00", s)
	}
	return zone, nil
}
