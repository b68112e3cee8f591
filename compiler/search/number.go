package search

import (
	"math"
	"strconv"
	"time"

	"nightjar/schema"
)

// literal is a number as a query writes it, ready to compare with both kinds of
// number an event can hold. Integers of 64 bits are exact; with doubles it
// compares as the double nearest to it.
type literal struct {
	isInt bool
	i     int64
	f     float64
}

// parseNumber reads a decimal number. `0x10`, `1_000`, `inf` and what no double
// can hold are no numbers but text, as they are in an event.
func parseNumber(s string) (literal, bool) {
	if !IsNumber(s) {
		return literal{}, false
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return literal{isInt: true, i: i, f: float64(i)}, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return literal{}, false
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return literal{isInt: true, i: int64(f), f: f}, true
	}
	return literal{f: f}, true
}

// IsNumber reports whether the text is a number literal of the search language: a
// sign, digits with a point, an exponent.
func IsNumber(s string) bool {
	i := 0
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	digits := func() bool {
		start := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > start
	}
	whole := digits()
	fraction := false
	if i < len(s) && s[i] == '.' {
		i++
		fraction = digits()
	}
	if !whole && !fraction {
		return false
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(s)
}

// text is the number as schema.Leaf.Text writes it.
func (l literal) text() string {
	if l.isInt {
		return strconv.FormatInt(l.i, 10)
	}
	return schema.FormatFloat(l.f)
}

// span is an interval of integers, both ends included; empty when lo > hi.
type span struct{ lo, hi int64 }

// All integers, and none.
var (
	allIntegers = span{lo: math.MinInt64, hi: math.MaxInt64}
	noIntegers  = span{lo: 1, hi: 0}
)

// from cuts off what is below the bound.
func (s span) from(l literal, inclusive bool) span {
	lo := l.i
	if !l.isInt {
		up := math.Ceil(l.f)
		if up >= 1<<63 {
			return noIntegers
		}
		if up < -(1 << 63) {
			return s
		}
		lo, inclusive = int64(up), inclusive || up != l.f
	}
	if !inclusive {
		if lo == math.MaxInt64 {
			return noIntegers
		}
		lo++
	}
	return span{lo: max(s.lo, lo), hi: s.hi}
}

// to cuts off what is above the bound.
func (s span) to(l literal, inclusive bool) span {
	hi := l.i
	if !l.isInt {
		down := math.Floor(l.f)
		if down < -(1 << 63) {
			return noIntegers
		}
		if down >= 1<<63 {
			return s
		}
		hi, inclusive = int64(down), inclusive || down != l.f
	}
	if !inclusive {
		if hi == math.MinInt64 {
			return noIntegers
		}
		hi--
	}
	return span{lo: s.lo, hi: min(s.hi, hi)}
}

func (s span) empty() bool           { return s.lo > s.hi }
func (s span) contains(i int64) bool { return s.lo <= i && i <= s.hi }

// parseMoment reads a bound of the field timestamp: milliseconds since the
// epoch, or a time or date of RFC 3339 (UTC where it names no zone).
func parseMoment(s string) (literal, bool) {
	if l, ok := parseNumber(s); ok {
		return l, true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			ms := int64(schema.MillisOf(t))
			return literal{isInt: true, i: ms, f: float64(ms)}, true
		}
	}
	return literal{}, false
}
