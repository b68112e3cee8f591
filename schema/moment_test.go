package schema_test

import (
	"errors"
	"testing"
	"time"

	"nightjar/schema"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestMomentsAreReadInEveryFormThatPeopleWrite(t *testing.T) {
	for text, want := range map[string]string{
		"now": "2026-03-01T12:00:00.000Z", "now-15m": "2026-03-01T11:45:00.000Z", "now-1d+2h": "2026-02-28T14:00:00.000Z",
		"now-1w": "2026-02-22T12:00:00.000Z", "now-1M": "2026-02-01T12:00:00.000Z", "now-1y": "2025-03-01T12:00:00.000Z",
		"now-500ms": "2026-03-01T11:59:59.500Z",
		"-7d":       "2026-02-22T12:00:00.000Z", "+1h": "2026-03-01T13:00:00.000Z", "-1d12h": "no", "-1d-12h": "2026-02-28T00:00:00.000Z",
		"2026-01-02": "2026-01-02T00:00:00.000Z", "2026-01-02T03:04:05.678+01:00": "2026-01-02T02:04:05.678Z",
		"2026-11-28T20:00": "2026-11-28T20:00:00.000Z", "2026-11-28 20:00": "2026-11-28T20:00:00.000Z",
		"2026-11-28T20:00Z": "2026-11-28T20:00:00.000Z", "2026-11-28T20:00:30+0100": "2026-11-28T19:00:30.000Z",
		"2026-11-28t20:00:30z": "2026-11-28T20:00:30.000Z", "2026-11-28 20:00:30.5 +01": "2026-11-28T19:00:30.500Z",
		" 2026-11-28T20:00:01,25 ": "2026-11-28T20:00:01.250Z",
		"1795898938":               "2026-11-28T20:48:58.000Z", "1795898938.5": "2026-11-28T20:48:58.500Z",
		"1795898938000": "2026-11-28T20:48:58.000Z", "1795898938000000": "2026-11-28T20:48:58.000Z", "1795898938000000000": "2026-11-28T20:48:58.000Z",
		"0": "1970-01-01T00:00:00.000Z", "-5": "1969-12-31T23:59:55.000Z",
		"": "no", "nowish": "no", "now-": "no", "now-5": "no", "now-5q": "no", "now--5m": "no", "1e400": "no", "NaN": "no", "0x10": "no",
		"-9223372036854775808": "no", "-99999999999999": "no", "now-999999999w-999999999w": "no",
		"2026-13-01": "no", "2026-11-28T25:00": "no", "28.11.2026": "no", "2026-11-28T": "no", "2026-11-28T20": "no",
	} {
		got := "no"
		at, err := schema.ParseMoment(text, noon)
		if err == nil {
			got = at.String()
		} else if !errors.As(err, new(*schema.MomentError)) {
			t.Errorf("%q: %T is no MomentError", text, err)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// FuzzParseMoment: whatever is read is within what can be stored, and reading what
// is written of it gives it again.
func FuzzParseMoment(f *testing.F) {
	for _, seed := range []string{"-7d", "now-1h+2m", "1795898938", "2026-11-28T20:00", "2026-11-28 20:00:01,5 +01:30", "1e18", "-0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := schema.ParseMoment(text, noon)
		if err != nil {
			return
		}
		if at < schema.MinMillis || at > schema.MaxMillis {
			t.Errorf("%q is %d, beyond what can be stored", text, at)
		}
		if again, err := schema.ParseMoment(at.String(), noon); err != nil || again != at {
			t.Errorf("%q is %s, which is read as %s, %v", text, at, again, err)
		}
	})
}
