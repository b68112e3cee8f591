package times

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

// Earliest is where the time of events begins. Before it are clocks that were
// never set.
var Earliest = schema.MillisOf(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))

// ErrNoTime is what text gives that is no time.
var ErrNoTime = errors.New("unreadable")

// ZoneError is a time in a zone whose abbreviation stands for none or for several.
type ZoneError struct{ Name string }

func (e *ZoneError) Error() string { return "unknown time zone " + e.Name }

// Reader is how times are read: what is known where they leave something open.
type Reader struct {
	// Zone is that of times written without one; nil: UTC.
	Zone *time.Location
	// Now bounds times written without a year, and Year, when not 0, is theirs.
	Now  time.Time
	Year int
	// Millis says that numbers are milliseconds, as long as they can be.
	Millis bool
}

// Value reads a member that holds a time: a number, text, or an object that some
// writers of JSON put around either.
func (m Reader) Value(v *fastjson.Value) (schema.Millis, error) { return m.value(v, 0) }

func (m Reader) value(v *fastjson.Value, depth int) (schema.Millis, error) {
	switch v.Type() {
	case fastjson.TypeNumber:
		return m.Number(string(v.MarshalTo(nil)))
	case fastjson.TypeString:
		s, _ := v.StringBytes()
		return m.Text(string(s))
	case fastjson.TypeObject:
		if depth < 3 {
			return m.object(v, depth)
		}
	}
	return 0, ErrNoTime
}

// object reads what MongoDB, protobuf, Firestore and Windows' XML make of a time.
func (m Reader) object(v *fastjson.Value, depth int) (schema.Millis, error) {
	m.Millis = true
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
	return 0, ErrNoTime
}

// Text reads a time in text: digits as a number since the epoch, or one of the
// usual written forms.
func (m Reader) Text(s string) (schema.Millis, error) {
	s = strings.TrimSpace(s)
	if at, err := m.Number(s); err == nil {
		return at, nil
	}
	if inner, ok := strings.CutPrefix(s, "/Date("); ok {
		inner, ok = strings.CutSuffix(inner, ")/")
		// What follows the number is the writer's zone, which changes nothing.
		if end := strings.LastIndexAny(inner, "+-"); ok && end > 0 {
			inner = inner[:end]
		}
		m.Millis = true
		return m.Number(inner)
	}
	at, err := m.Written(s)
	if err != nil {
		return 0, err
	}
	return schema.MillisOf(at), nil
}

// Number reads a number since the epoch.
func (m Reader) Number(s string) (schema.Millis, error) {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c|0x20 != 'e' {
			return 0, ErrNoTime // said at once, for most times are no numbers
		}
	}
	if m.Millis {
		if at, ok := wholeMillis(s); ok && at >= schema.MinMillis && at <= schema.MaxMillis {
			return at, nil
		}
	}
	at, ok := ParseEpoch(s)
	if !ok {
		return 0, ErrNoTime
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

// ParseEpoch is schema.ParseEpoch that knows the counts of Windows too, which are
// as large as nanoseconds of other years.
func ParseEpoch(s string) (schema.Millis, bool) {
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
