package retention

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"nightjar/schema"
)

// Policy says how long what is kept. A zero field keeps for ever.
type Policy struct {
	Events, Signals time.Duration
	// Matches are the state of rules. They are kept at least as long as rules
	// look back at them: see Deps.LookBack.
	Matches time.Duration
	// Responses are what people had done to hosts, from when it ended.
	Responses time.Duration
	// DiskQuota bounds what the database and the intake's log take together.
	DiskQuota int64
}

// SignalsFor is for how long signals are kept after they were last seen, where rules look
// back so far; 0: for ever.
func (p Policy) SignalsFor(lookBack time.Duration) time.Duration {
	if p.Signals == 0 {
		return 0
	}
	return max(p.Signals, lookBack)
}

const day = 24 * time.Hour

var term = regexp.MustCompile(`^(\d+)(h|d|w|mo|y)$`)

var units = map[string]time.Duration{"h": time.Hour, "d": day, "w": 7 * day, "mo": 30 * day, "y": 365 * day}

// Parse reads "events=90d,signals=15mo" into the policy. A month is 30 days, a
// year 365; "for-ever" is that.
func (p *Policy) Parse(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		table, value, _ := strings.Cut(part, "=")
		field := p.term(strings.TrimSpace(table))
		if field == nil {
			return fmt.Errorf("%q: there is retention of %s, as in events=90d,signals=15mo", part, strings.Join(Terms, ", "))
		}
		keep, err := ParseTerm(strings.TrimSpace(value))
		if err != nil {
			return err
		}
		*field = keep
	}
	return nil
}

// Terms are what there is a retention of.
var Terms = []string{schema.Events.Name, schema.Signals.Name, schema.Matches.Name, Responses}

// Responses is what responses are called, which have no table of their own.
const Responses = "responses"

// term is the one of this name; nil: there is none.
func (p *Policy) term(name string) *time.Duration {
	switch name {
	case schema.Events.Name:
		return &p.Events
	case schema.Signals.Name:
		return &p.Signals
	case schema.Matches.Name:
		return &p.Matches
	case Responses:
		return &p.Responses
	}
	return nil
}

// Term is how long what of this name is kept; 0: for ever.
func (p Policy) Term(name string) time.Duration {
	if t := p.term(name); t != nil {
		return *t
	}
	return 0
}

// FormatTerm writes a time as ParseTerm reads it, and as people do: 90d, 15mo, 2y, for-ever.
func FormatTerm(keep time.Duration) string {
	if keep == 0 {
		return "for-ever"
	}
	for _, unit := range []string{"y", "mo", "d"} {
		if keep%units[unit] == 0 && (unit != "mo" || keep >= 6*units["mo"]) {
			return fmt.Sprint(int64(keep/units[unit]), unit)
		}
	}
	return fmt.Sprint(int64(keep/time.Hour), "h")
}

// ParseTerm reads how long something is kept: 48h, 90d, 12w, 15mo, 2y; 0: for-ever.
func ParseTerm(s string) (time.Duration, error) {
	if s == "for-ever" {
		return 0, nil
	}
	m := term.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q is not a time to keep something; write 48h, 90d, 12w, 15mo, 2y or for-ever", s)
	}
	n, err := strconv.ParseInt(m[1], 10, 32)
	if err != nil || n == 0 || time.Duration(n) > 200*365*day/units[m[2]] {
		return 0, fmt.Errorf("%q is not between an hour and 200 years", s)
	}
	return time.Duration(n) * units[m[2]], nil
}
