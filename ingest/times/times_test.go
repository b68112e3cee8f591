package times

import (
	"testing"
	"time"
)

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"1700000000123", "2023-11-14 15:13:20.000-0700", "2016-12-31T23:59:60Z", "Tue, 14 Nov 2023 22:13:20 GMT", "14/Nov/2023:22:13:20 +0000", "/Date(1700000000000)/",
		"20231114T221320Z", "Nov 14, 2023 10:13:20 PM", "2023-11-14 22:13:20 +0000 UTC m=+0.5", "133444736001230000", "2023-11-14T22:13:20+01:00[Europe/Paris]", "Nov 14 22:13:20",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := Reader{Now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
		at, err := m.Text(s)
		if err != nil {
			return
		}
		// What was read is written again, and read as the same.
		written := at.Time().Format(time.RFC3339Nano)
		if at.Time().Year() > 9999 || at.Time().Year() < 0 {
			return
		}
		if again, err := m.Text(written); err != nil || again != at {
			t.Fatalf("%q is %s, which is read as %v (%v)", s, written, again, err)
		}
	})
}
