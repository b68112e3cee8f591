package api

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"nightjar/schema"
)

// ParseMoment reads a moment as searches write it: RFC 3339, a date, milliseconds
// since 1970, or `now` with spans added and taken away, `now-1d+2h`.
func ParseMoment(text string, now time.Time) (schema.Millis, bool) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return bounded(schema.Millis(ms))
	}
	if rest, ok := strings.CutPrefix(text, "now"); ok {
		return addSpans(now, rest)
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return bounded(schema.MillisOf(t))
		}
	}
	return 0, false
}

var span = regexp.MustCompile(`^([+-])(\d{1,9})(ms|s|m|h|d|w|M|mo|y)`)

var spans = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
	"d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
}

func addSpans(t time.Time, rest string) (schema.Millis, bool) {
	for rest != "" {
		m := span.FindStringSubmatch(rest)
		if m == nil {
			return 0, false
		}
		n, _ := strconv.Atoi(m[1] + m[2]) // nine digits
		switch m[3] {
		case "M", "mo":
			t = t.AddDate(0, n, 0)
		case "y":
			t = t.AddDate(n, 0, 0)
		default:
			// Millis have room for what a Duration has none.
			ms, ok := bounded(schema.MillisOf(t) + schema.Millis(int64(n)*spans[m[3]].Milliseconds()))
			if !ok {
				return 0, false
			}
			t = ms.Time()
		}
		rest = rest[len(m[0]):]
	}
	return bounded(schema.MillisOf(t))
}

// bounded refuses what ClickHouse cannot store, to keep it from wrapping around.
func bounded(m schema.Millis) (schema.Millis, bool) {
	return m, m >= schema.MinMillis && m <= schema.MaxMillis
}
