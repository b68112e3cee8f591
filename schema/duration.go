package schema

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
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

// SpokenDuration is a length of time as people say it, in its two largest units:
// 45 s, 40 min, 1 h 5 min, 2 d 3 h.
func SpokenDuration(length Millis) string {
	var said []string
	rest := int64(length) / 1000
	for _, unit := range []struct {
		seconds int64
		name    string
	}{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}} {
		n := rest / unit.seconds
		if n > 0 && len(said) < 2 {
			said = append(said, fmt.Sprintf("%d %s", n, unit.name))
		}
		if len(said) > 0 && n == 0 {
			break
		}
		rest -= n * unit.seconds
	}
	if len(said) == 0 {
		return fmt.Sprintf("%d ms", int64(length))
	}
	return strings.Join(said, " ")
}
