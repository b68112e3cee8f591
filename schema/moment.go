package schema

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// MomentForms are the forms of a moment, for help and errors.
const MomentForms = "-7d, now-1h, 2026-11-28T20:00 (UTC) or seconds or milliseconds since 1970"

// MomentError is a text that is no moment.
type MomentError struct{ Text string }

func (e *MomentError) Error() string {
	text := e.Text
	if len(text) > 60 {
		text = text[:60] + "…"
	}
	return fmt.Sprintf("%q is no time; write %s", text, MomentForms)
}

// ParseMoment reads a moment as users write it, on every command line and in
// every parameter of the API alike: now, spans from now (-7d, now-1d+2h), a date
// with or without a time of day (UTC where it names no zone), or a number since
// 1970 in the unit that ParseEpoch takes it for. The error is a MomentError.
func ParseMoment(text string, now time.Time) (Millis, error) {
	text = strings.TrimSpace(text)
	if at, ok := ParseEpoch(text); ok {
		return inBounds(at, text)
	}
	if rest, ok := strings.CutPrefix(text, "now"); ok {
		return addSpans(now, rest, text)
	}
	if spans := momentSpan.MatchString(text); spans {
		return addSpans(now, text, text)
	}
	if at, ok := ParseClock(text); ok {
		return inBounds(at, text)
	}
	return 0, &MomentError{text}
}

// clock is a date, and behind T or a blank a time of day, with or without seconds
// and zone.
var clock = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d(?:[.,]\d{1,9})?)? ?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$`)

// ParseClock reads a date, or a date and a time of day, as ISO 8601 and RFC 3339
// write them; it is UTC where it names no zone.
func ParseClock(text string) (Millis, bool) {
	m := clock.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	day, minute, second, zone := m[1], m[2], strings.Replace(m[3], ",", ".", 1), strings.ReplaceAll(m[4], ":", "")
	if minute == "" {
		minute = "00:00"
	}
	if second == "" {
		second = ":00"
	}
	switch {
	case zone == "" || zone == "Z" || zone == "z":
		zone = "+0000"
	case len(zone) == len("+01"):
		zone += "00"
	}
	at, err := time.Parse("2006-01-02T15:04:05.999999999-0700", day+"T"+minute+second+zone)
	return MillisOf(at), err == nil
}

// ParseEpoch reads a number since 1970: seconds below 1e11, milliseconds below
// 1e14, microseconds below 1e17, else nanoseconds. Seconds reach to the year 5138
// and milliseconds begin in 1973, so nothing near the present is taken for
// another unit.
func ParseEpoch(text string) (Millis, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		switch abs := max(n, -n); {
		case abs < 0:
			return 0, false
		case abs < 1e11:
			return Millis(n * 1000), true
		case abs < 1e14:
			return Millis(n), true
		case abs < 1e17:
			return Millis(floorDiv(n, 1e3)), true
		}
		return Millis(floorDiv(n, 1e6)), true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1e19 || strings.ContainsAny(text, "xX_pP") {
		return 0, false
	}
	switch abs := math.Abs(f); {
	case abs < 1e11:
		return Millis(math.Round(f * 1e3)), true
	case abs < 1e14:
		return Millis(math.Floor(f)), true
	case abs < 1e17:
		return Millis(math.Floor(f / 1e3)), true
	}
	return Millis(math.Floor(f / 1e6)), true
}

func floorDiv(n, by int64) int64 {
	q := n / by
	if n%by < 0 {
		q--
	}
	return q
}

var momentSpan = regexp.MustCompile(`^([+-])(\d{1,9})(ms|s|m|h|d|w|M|mo|y)`)

// Units are the units of spans of time that have one length, as moments and
// intervals of the API write them.
var Units = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": Day, "w": 7 * Day,
}

func addSpans(t time.Time, rest, text string) (Millis, error) {
	for rest != "" {
		m := momentSpan.FindStringSubmatch(rest)
		if m == nil {
			return 0, &MomentError{text}
		}
		n, _ := strconv.Atoi(m[1] + m[2]) // nine digits
		switch m[3] {
		case "M", "mo":
			t = t.AddDate(0, n, 0)
		case "y":
			t = t.AddDate(n, 0, 0)
		default:
			// Millis have room for what a Duration has none.
			at, err := inBounds(MillisOf(t)+Millis(int64(n)*Units[m[3]].Milliseconds()), text)
			if err != nil {
				return 0, err
			}
			t = at.Time()
		}
		rest = rest[len(m[0]):]
	}
	return inBounds(MillisOf(t), text)
}

// inBounds refuses what ClickHouse cannot store, to keep it from wrapping around.
func inBounds(at Millis, text string) (Millis, error) {
	if !at.Storable() {
		return 0, &MomentError{text}
	}
	return at, nil
}

// Storable reports whether ClickHouse can hold the moment.
func (m Millis) Storable() bool { return m >= MinMillis && m <= MaxMillis }
