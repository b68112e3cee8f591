package ingest

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// parseTime reads a timestamp: a number since the epoch, in the unit that its
// size shows, or text.
func parseTime(v *fastjson.Value, zone *time.Location) (schema.Millis, bool) {
	switch v.Type() {
	case fastjson.TypeNumber:
		return parseEpoch(string(v.MarshalTo(nil)))
	case fastjson.TypeString:
		s, _ := v.StringBytes()
		return ParseTime(string(s), zone)
	}
	return 0, false
}

// layouts of timestamps in text, besides numbers. Where a layout has no zone,
// the time is in the zone that the request says, else in UTC.
var layouts = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999 -0700",
	"2006-01-02 15:04:05.999999999 MST",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05,999999999",
	"2006-01-02 15:04:05,999999999",
	"02/Jan/2006:15:04:05 -0700",
	time.RFC1123Z, time.RFC1123, time.RFC850, time.ANSIC, time.UnixDate, time.RubyDate,
	"2006-01-02",
}

// ParseTime reads a timestamp in text: digits as a number since the epoch, or
// one of the usual layouts.
func ParseTime(s string, zone *time.Location) (schema.Millis, bool) {
	s = strings.TrimSpace(s)
	if at, ok := parseEpoch(s); ok {
		return at, true
	}
	if zone == nil {
		zone = time.UTC
	}
	for _, layout := range layouts {
		if at, err := time.ParseInLocation(layout, s, zone); err == nil {
			return schema.MillisOf(at), true
		}
	}
	return 0, false
}

// parseEpoch tells the unit by the size. Seconds reach to the year 5138 and
// milliseconds begin in 1973, so nothing near the present is taken for another.
func parseEpoch(s string) (schema.Millis, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		abs := n
		if abs < 0 {
			abs = -abs
		}
		switch {
		case abs == math.MinInt64:
			return 0, false
		case abs < 1e11:
			return schema.Millis(n * 1000), true
		case abs < 1e14:
			return schema.Millis(n), true
		case abs < 1e17:
			return schema.Millis(floorDiv(n, 1e3)), true
		}
		return schema.Millis(floorDiv(n, 1e6)), true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1e19 || strings.ContainsAny(s, "xX_pP") {
		return 0, false
	}
	switch abs := math.Abs(f); {
	case abs < 1e11:
		return schema.Millis(math.Round(f * 1e3)), true
	case abs < 1e14:
		return schema.Millis(math.Floor(f)), true
	case abs < 1e17:
		return schema.Millis(math.Floor(f / 1e3)), true
	}
	return schema.Millis(math.Floor(f / 1e6)), true
}

func floorDiv(n, by int64) int64 {
	q := n / by
	if n%by < 0 {
		q--
	}
	return q
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
