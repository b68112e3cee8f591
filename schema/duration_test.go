package schema

import (
	"strings"
	"testing"
	"time"
)

func TestDurationsKnowDays(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"24h": 24 * time.Hour, "7d": 7 * Day, "1d12h": 36 * time.Hour, "90s": 90 * time.Second, "36500d": 36500 * Day, "-5m": -5 * time.Minute,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "1", "soon", "99999999d", "1d1", "36500d1s", "2000000h"} {
		if _, err := ParseDuration(text); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: got error %v, want one that names it", text, err)
		}
	}
}
