package grok

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // zones are the same where the system has none

	"nightjar/ingest/times"
)

// americanZones are the abbreviations that formats of Joda's letters read as those of
// North America, though others use them too: hours from UTC.
var americanZones = map[string]int{"CST": -6, "CDT": -5}

// zones remembers the zones that texts named: text to *time.Location.
var (
	zones      sync.Map
	zonesKnown atomic.Int64
)

const zonesMost = 2000 // texts that are remembered

// zoneOf is the zone of a text: UTC, GMT, UT, Z, an offset, one after UTC, an
// abbreviation, the name of a region. nil: it is none.
func zoneOf(text string) *time.Location {
	if z, ok := zones.Load(text); ok {
		return z.(*time.Location)
	}
	z := readZone(text)
	if z != nil && len(text) < 50 && zonesKnown.Add(1) <= zonesMost {
		zones.Store(strings.Clone(text), z)
	}
	return z
}

func readZone(text string) *time.Location {
	upper := strings.ToUpper(text)
	offset := upper
	for _, name := range []string{"UTC", "GMT", "UT", "Z"} {
		if after, ok := strings.CutPrefix(upper, name); ok {
			if after == "" {
				return time.UTC
			}
			offset = after
			break
		}
	}
	if offset != "" && (offset[0] == '+' || offset[0] == '-') {
		return offsetZone(offset)
	}
	hours, known := times.ZoneHours(upper)
	if !known {
		hours, known = americanZones[upper]
	}
	if known {
		return time.FixedZone(upper, hours*3600)
	}
	if !strings.Contains(text, "/") || strings.Contains(text, "..") {
		return nil
	}
	z, err := time.LoadLocation(text)
	if err != nil {
		return nil
	}
	return z
}

// offsetZone reads ±h, ±hh, ±hh:mm, ±hhmm, ±hh:mm:ss, ±hhmmss, at most 18 hours.
func offsetZone(text string) *time.Location {
	digits := text[1:]
	if strings.Contains(digits, ":") {
		for _, part := range strings.Split(digits, ":") {
			if len(part) != 2 {
				return nil
			}
		}
		digits = strings.ReplaceAll(digits, ":", "")
	}
	if len(digits) == 1 {
		digits = "0" + digits
	}
	if len(digits) > 6 || len(digits)%2 != 0 || strings.Trim(digits, "0123456789") != "" || digits == "" {
		return nil
	}
	digits += "000000"[len(digits):]
	hours, _ := strconv.Atoi(digits[:2])
	minutes, _ := strconv.Atoi(digits[2:4])
	seconds, _ := strconv.Atoi(digits[4:])
	total := hours*3600 + minutes*60 + seconds
	if minutes > 59 || seconds > 59 || total > 18*3600 {
		return nil
	}
	if text[0] == '-' {
		total = -total
	}
	return time.FixedZone(text, total)
}
