package facets

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"time"
	_ "time/tzdata" // the zones of machines that have none

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// Bounds of a histogram.
const (
	defaultBuckets = 60
	maxBuckets     = 1000
)

// width is how wide buckets are: a whole number of days, or less than one.
type width struct {
	days  int
	small time.Duration
}

func (w width) String() string {
	switch {
	case w.days > 0 && w.days%7 == 0:
		return fmt.Sprintf("%dw", w.days/7)
	case w.days > 0:
		return fmt.Sprintf("%dd", w.days)
	case w.small%time.Hour == 0:
		return fmt.Sprintf("%dh", w.small/time.Hour)
	case w.small%time.Minute == 0:
		return fmt.Sprintf("%dm", w.small/time.Minute)
	}
	return fmt.Sprintf("%ds", w.small/time.Second)
}

func (w width) duration() time.Duration { return w.small + time.Duration(w.days)*24*time.Hour }

// roundWidths are what is chosen from: each divides a day, or is some of them.
var roundWidths = func() (out []width) {
	for _, seconds := range []int{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200} {
		out = append(out, width{small: time.Duration(seconds) * time.Second})
	}
	for _, days := range []int{1, 2, 7, 14, 28, 84, 364, 3640} {
		out = append(out, width{days: days})
	}
	return out
}()

var widthText = regexp.MustCompile(`^([1-9]\d{0,5})(s|m|h|d|w)$`)

// bucketWidth is what was asked for, or else the next round width that makes no more
// buckets than are wanted of a span.
func bucketWidth(in *pb.Buckets, span time.Duration) (width, error) {
	count := defaultBuckets
	if in.GetCount() != 0 {
		count = int(in.GetCount())
	}
	if count < 1 || count > maxBuckets {
		return width{}, api.BadRequest("buckets.count", "want 1 to %d, got %d", maxBuckets, count)
	}
	if text := in.GetInterval(); text != "" {
		return parseWidth(text, span)
	}
	for _, w := range roundWidths {
		if span/w.duration()+1 <= time.Duration(count) {
			return w, nil
		}
	}
	return roundWidths[len(roundWidths)-1], nil
}

func parseWidth(text string, span time.Duration) (width, error) {
	m := widthText.FindStringSubmatch(text)
	if m == nil {
		return width{}, api.BadRequest("buckets.interval", "want a number and s, m, h, d or w, such as 5m, got %q", api.Shorten(text))
	}
	n, _ := strconv.Atoi(m[1]) // six digits
	d := time.Duration(n) * schema.Units[m[2]]
	w := width{small: d}
	if d%(24*time.Hour) == 0 {
		w = width{days: int(d / (24 * time.Hour))}
	}
	switch {
	case w.days == 0 && (24*time.Hour)%d != 0:
		return w, api.BadRequest("buckets.interval", "want what divides a day, or whole days, such as 5m, 1h or 7d, got %q", text)
	case span/w.duration()+2 > maxBuckets:
		return w, api.BadRequest("buckets.interval", "%s makes more than %d stretches: widen it or narrow the time", text, maxBuckets)
	}
	return w, nil
}

func zone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, api.BadRequest("buckets.timezone", "want the name of a zone, such as Europe/Berlin: the server's own is nobody's")
	}
	loc, err := time.LoadLocation(cmp.Or(name, "UTC"))
	if err != nil {
		return nil, api.BadRequest("buckets.timezone", "want a name such as Europe/Berlin or UTC, got %q", api.Shorten(name))
	}
	return loc, nil
}

// bounds are where buckets begin that cover [from, to), and where the last one ends. Those
// of less than a day are counted from each midnight of the zone: on a day of 23 or 25 hours
// the last one is shorter, or there is one more. Weeks begin on Mondays.
func bounds(from, to schema.Millis, w width, loc *time.Location) []schema.Millis {
	at := from.Time().In(loc)
	midnight := func(days int) time.Time { return time.Date(at.Year(), at.Month(), at.Day()+days, 0, 0, 0, 0, loc) }
	days, step := 0, max(1, w.days)
	if w.days > 0 && w.days%7 == 0 {
		days = -(int(at.Weekday()) + 6) % 7
	}
	out := []schema.Millis{schema.MillisOf(midnight(days))}
	for out[len(out)-1] < to {
		next := midnight(days + step)
		if w.days == 0 {
			for t := midnight(days).Add(w.small); t.Before(next) && out[len(out)-1] < to; t = t.Add(w.small) {
				out = append(out, schema.MillisOf(t))
			}
		}
		if out[len(out)-1] < to {
			out = append(out, schema.MillisOf(next))
		}
		days += step
	}
	for len(out) > 2 && out[1] <= from {
		out = out[1:]
	}
	return out
}
