package pipeline

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/times"
	"nightjar/schema"
)

// DateRange is which dates a date remapper takes, as spans around the arrival; the zero
// range is all of them. The vendor's is 18 hours back and 2 ahead.
type DateRange struct{ Back, Ahead time.Duration }

func (r DateRange) allows(at schema.Millis, received time.Time) bool {
	if r == (DateRange{}) {
		return true
	}
	arrived := schema.MillisOf(received)
	return at >= arrived.Add(-r.Back) && at <= arrived.Add(r.Ahead)
}

// dates reads dates as the vendor's date remapper does: milliseconds, ISO 8601, and
// syslog's form, which has neither year nor zone. Other forms are for grok.
type dates times.Reader

func (d dates) of(v *fastjson.Value) (schema.Millis, bool) {
	at, ok := schema.Millis(0), false
	switch v.Type() {
	case fastjson.TypeNumber:
		at, ok = millis(v)
	case fastjson.TypeString:
		at, ok = d.text(strings.TrimSpace(string(v.GetStringBytes())))
	}
	return at, ok && at >= schema.MinMillis && at <= schema.MaxMillis
}

func millis(v *fastjson.Value) (schema.Millis, bool) {
	if i, err := v.Int64(); err == nil {
		return schema.Millis(i), true
	}
	f, err := v.Float64()
	if err != nil || math.Abs(f) >= 1<<62 || math.IsNaN(f) {
		return 0, false
	}
	return schema.Millis(math.Floor(f)), true
}

// text reads a date in text. Digits are milliseconds, even where they look like seconds.
func (d dates) text(s string) (schema.Millis, bool) {
	if s != "" && strings.Trim(s, "0123456789") == "" {
		i, err := strconv.ParseInt(s, 10, 64)
		return schema.Millis(i), err == nil
	}
	if !isISO(s) && !isSyslog(s) {
		return 0, false
	}
	at, err := times.Reader(d).Written(s)
	return schema.MillisOf(at), err == nil
}

// isISO reports whether a text is made like a date of ISO 8601.
func isISO(s string) bool {
	if len(s) < len("2006-01-02") || strings.Trim(s, "0123456789-:.,+TZ ") != "" {
		return false
	}
	return s[4] == '-' && s[7] == '-' || s[8] == 'T'
}

// isSyslog reports whether a text is made like `Mar  7 13:06:56`.
func isSyslog(s string) bool {
	const form = "Jan _2 15:04:05"
	return (len(s) == len(form) || len(s) == len(form)-1) && s[3] == ' ' && s[len(s)-3] == ':' && s[len(s)-6] == ':' && (s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z')
}
