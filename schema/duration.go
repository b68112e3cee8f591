package schema

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Day is 24 hours; there are no time zones in durations.
const Day = 24 * time.Hour

// maxDuration is about a hundred years, so that two of them are still a duration.
const maxDuration = 36500 * Day

var days = regexp.MustCompile(`^(\d{1,9})d(.*)$`)

// ParseDuration is time.ParseDuration that knows days: 90s, 30m, 7d, 1d12h. More
// than a hundred years is an error.
func ParseDuration(s string) (time.Duration, error) {
	rest, total := s, time.Duration(0)
	if m := days.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1]) // digits
		if n > int(maxDuration/Day) {
			return 0, fmt.Errorf("%q is more than a hundred years", s)
		}
		total, rest = time.Duration(n)*Day, m[2]
		if rest == "" {
			return total, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration; write 90s, 30m, 24h or 7d", s)
	}
	if total+d.Abs() > maxDuration {
		return 0, fmt.Errorf("%q is more than a hundred years", s)
	}
	return total + d, nil
}
