package times

import (
	"strings"
	"time"
)

// Written reads the forms in which people and programs write times: ISO 8601 with
// what is common beside it (a blank for the T, a comma before the fraction, an
// offset without colon or minutes, lower case, a leap second, a zone's
// abbreviation), and those with the name of a month, in any order that is clear.
// Days and months that are both numbers, such as 05/06/2023, are not read: whether
// it is May or June only their writer knows.
func (m Reader) Written(s string) (time.Time, error) {
	if len(s) < len("Jan 2 1:02") || len(s) > 96 {
		return time.Time{}, ErrNoTime
	}
	if day, after, ok := strings.Cut(s, " "); ok && isWeekday(strings.ToLower(strings.TrimSuffix(day, ","))) && after != "" {
		if c, rest, ok := isoDate(after); ok {
			return m.iso(c, rest)
		}
	}
	if c, rest, ok := isoDate(s); ok {
		return m.iso(c, rest)
	}
	return m.named(s)
}

// clock is a written time without its zone.
type clock struct {
	year, day, hour, minute, second, nanos int
	month                                  time.Month
}

// in is the moment. Second 60 is the first of the next minute.
func (c clock) in(zone *time.Location) (time.Time, error) {
	if zone == nil {
		zone = time.UTC
	}
	at := time.Date(c.year, c.month, c.day, c.hour, c.minute, min(c.second, 59), c.nanos, zone)
	if at.Day() != c.day || c.month < 1 || c.month > 12 || c.hour > 23 || c.minute > 59 || c.second > 60 {
		return time.Time{}, ErrNoTime
	}
	if c.second == 60 {
		at = at.Add(time.Second)
	}
	return at, nil
}

// number is the one of from least to most digits at the start of s.
func number(s string, least, most int) (n int, rest string, ok bool) {
	i := 0
	for i < len(s) && i < most && s[i] >= '0' && s[i] <= '9' {
		n = n*10 + int(s[i]-'0')
		i++
	}
	return n, s[i:], i >= least
}

// isoDate reads 2006-01-02, 2006/01/02 and 20060102T.
func isoDate(s string) (c clock, rest string, ok bool) {
	year, rest, ok := number(s, 4, 4)
	if !ok || rest == "" {
		return c, s, false
	}
	c.year = year
	separator := rest[0]
	if separator != '-' && separator != '/' {
		month, after, ok1 := number(rest, 2, 2)
		day, after, ok2 := number(after, 2, 2)
		c.month, c.day = time.Month(month), day
		return c, after, ok1 && ok2 && after != "" && after[0]|0x20 == 't'
	}
	month, rest, ok := number(rest[1:], 1, 2)
	if !ok || rest == "" || rest[0] != separator {
		return c, s, false
	}
	day, rest, ok := number(rest[1:], 1, 2)
	c.month, c.day = time.Month(month), day
	return c, rest, ok
}

// iso reads what follows the date.
func (m Reader) iso(c clock, rest string) (time.Time, error) {
	if rest == "" {
		return c.in(m.Zone)
	}
	after := strings.TrimLeft(rest, " ")
	if rest[0]|0x20 == 't' {
		after = rest[1:]
	}
	if len(after) == len(rest) {
		return time.Time{}, ErrNoTime
	}
	after, ok := c.time(after)
	if !ok {
		return time.Time{}, ErrNoTime
	}
	zone, err := m.zone(after)
	if err != nil {
		return time.Time{}, err
	}
	return c.in(zone)
}

// time reads 15:04, 15:04:05, 150405, each with a fraction of seconds.
func (c *clock) time(s string) (rest string, ok bool) {
	if c.hour, rest, ok = number(s, 1, 2); !ok || rest == "" {
		return s, false
	}
	colon := rest[0] == ':'
	if colon {
		rest = rest[1:]
	}
	if c.minute, rest, ok = number(rest, 2, 2); !ok {
		return s, false
	}
	if colon && !strings.HasPrefix(rest, ":") {
		return rest, true
	}
	if colon {
		rest = rest[1:]
	}
	if c.second, rest, ok = number(rest, 2, 2); !ok {
		return s, !colon
	}
	if len(rest) < 2 || rest[0] != '.' && rest[0] != ',' || rest[1] < '0' || rest[1] > '9' {
		return rest, true
	}
	unit := int(time.Second / 10)
	for rest = rest[1:]; rest != "" && rest[0] >= '0' && rest[0] <= '9'; rest = rest[1:] {
		c.nanos += int(rest[0]-'0') * unit
		unit /= 10
	}
	return rest, true
}

// zones are the abbreviations that mean one thing nearly everywhere, in hours.
var zones = map[string]int{
	"Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
	"JST": 9, "KST": 9, "EST": -5, "EDT": -4, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}

// ZoneHours are the hours that a zone's abbreviation is ahead of UTC, in any case.
func ZoneHours(abbreviation string) (hours int, known bool) {
	hours, known = zones[strings.ToUpper(abbreviation)]
	return hours, known
}

// Ahead is how far a time without a year may lie ahead of now: its year is the newest
// that leaves it no more than that.
const Ahead = 24 * time.Hour

// IsZone reports whether a word, as it is written, is the abbreviation of a zone.
func IsZone(word string) bool {
	_, known := zones[word]
	return known
}

// zone reads a zone and what writers put behind one: +01:00[Europe/Paris],
// "+0000 UTC m=+0.5", "GMT+2".
func (m Reader) zone(s string) (*time.Location, error) {
	s = strings.TrimLeft(s, " ")
	if s == "" {
		return m.Zone, nil
	}
	name := s
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			name = s[:i]
			break
		}
	}
	hours, known := zones[strings.ToUpper(name)]
	rest := s[len(name):]
	switch {
	case name == "" && (s[0] == '+' || s[0] == '-'), known && hours == 0 && rest != "" && (rest[0] == '+' || rest[0] == '-'):
		return offset(rest)
	case name == "":
		return nil, ErrNoTime
	case !known && len(name) < 2 || strings.Trim(rest, " ") != "":
		return nil, ErrNoTime
	case !known:
		return nil, &ZoneError{Name: name}
	}
	return fixed(name, hours*3600), nil
}

// fixed is a zone; most times are in this one, of which there is no need for another.
func fixed(name string, offset int) *time.Location {
	if offset == 0 {
		return time.UTC
	}
	return time.FixedZone(name, offset)
}

// offset reads +01:00, +0100 and +01, and lets be the zone's name that may follow.
func offset(s string) (*time.Location, error) {
	sign := 1
	if s[0] == '-' {
		sign = -1
	}
	hours, rest, ok := number(s[1:], 1, 2)
	if !ok {
		return nil, ErrNoTime
	}
	minutes := 0
	if after := strings.TrimPrefix(rest, ":"); after != "" && after[0] >= '0' && after[0] <= '9' {
		if minutes, rest, ok = number(after, 2, 2); !ok {
			return nil, ErrNoTime
		}
	}
	if hours > 18 || minutes > 59 || !isZoneName(rest) {
		return nil, ErrNoTime
	}
	return fixed("", sign*(hours*3600+minutes*60)), nil
}

// isZoneName tells what stands behind an offset: nothing, [Europe/Paris], or
// " UTC m=+0.5" as Go writes it.
func isZoneName(s string) bool {
	if s == "" || s[0] == '[' && strings.IndexByte(s, ' ') < 0 {
		return true
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(s, " "), " ")
	return s[0] == ' ' && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ+-0123456789") == "" && (rest == "" || strings.HasPrefix(rest, "m="))
}

// named reads a time with the name of a month. Weekdays say nothing that is not
// said, and are not compared with the day.
func (m Reader) named(s string) (time.Time, error) {
	n := namedTime{}
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '(' || r == ')' }) {
		if word = strings.Trim(word, ","); word == "" {
			continue
		}
		if err := n.word(m, word); err != nil {
			return time.Time{}, err
		}
	}
	return n.moment(m)
}

// namedTime is what was read of one so far.
type namedTime struct {
	clock
	zone                                *time.Location
	timed, dated, hasYear, afternoon, a bool // a: it says am or pm
}

func (n *namedTime) word(m Reader, word string) error {
	// 14-Nov-2023 and 14/Nov/2023:22:13:20 are several words.
	if i := strings.IndexAny(word, "-/"); i > 0 && i < 3 && word[0] >= '0' && word[0] <= '9' {
		date, time, timed := strings.Cut(word, ":")
		for _, part := range strings.FieldsFunc(date, func(r rune) bool { return r == '-' || r == '/' }) {
			if err := n.word(m, part); err != nil {
				return err
			}
		}
		if !timed {
			return nil
		}
		word = time
	}
	switch c := word[0]; {
	case strings.IndexByte(word, ':') > 0 && c >= '0' && c <= '9':
		if n.timed {
			return ErrNoTime
		}
		rest, ok := n.time(word)
		if n.timed = true; !ok {
			return ErrNoTime
		}
		if rest != "" {
			return n.word(m, rest)
		}
		return nil
	case c >= '0' && c <= '9':
		return n.digits(word)
	case c == '+' || c == '-':
		zone, err := offset(word)
		n.zone = zone
		return err
	}
	return n.letters(m, word)
}

func (n *namedTime) digits(word string) error {
	value, rest, ok := number(word, 1, 4)
	switch {
	case !ok || rest != "" && (len(word) > 4 || !strings.Contains("st nd rd th", rest)):
		return ErrNoTime
	case len(word) == 4 && !n.hasYear:
		n.year, n.hasYear = value, true
	case n.day == 0 && value > 0 && value < 32:
		n.day = value
	case len(word) == 2 && !n.hasYear:
		n.year, n.hasYear = 2000+value, true
		if value > 68 {
			n.year -= 100
		}
	default:
		return ErrNoTime
	}
	return nil
}

// isWeekday reads a day's name, its first three letters, or what else it is cut to.
func isWeekday(lower string) bool {
	switch lower {
	case "tues", "thur", "thurs":
		return true
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name := strings.ToLower(day.String()); lower == name || lower == name[:3] {
			return true
		}
	}
	return false
}

func (n *namedTime) letters(m Reader, word string) error {
	lower := strings.ToLower(strings.Trim(word, "."))
	if lower == "am" || lower == "pm" {
		n.a, n.afternoon = true, lower == "pm"
		return nil
	}
	if isWeekday(lower) {
		return nil
	}
	if month, ok := monthOf(lower); ok && !n.dated {
		n.month, n.dated = month, true
		return nil
	}
	zone, err := m.zone(word)
	if n.zone == nil {
		n.zone = zone
	}
	return err
}

// monthOf reads a month's name or its first three letters.
func monthOf(lower string) (time.Month, bool) {
	if lower == "sept" {
		return time.September, true
	}
	for month := time.January; month <= time.December; month++ {
		if name := strings.ToLower(month.String()); lower == name || lower == name[:3] {
			return month, true
		}
	}
	return 0, false
}

func (n *namedTime) moment(m Reader) (time.Time, error) {
	if !n.dated || n.day == 0 || !n.timed && !n.hasYear {
		return time.Time{}, ErrNoTime
	}
	if n.a {
		if n.hour < 1 || n.hour > 12 {
			return time.Time{}, ErrNoTime
		}
		if n.hour %= 12; n.afternoon {
			n.hour += 12
		}
	}
	zone := n.zone
	if zone == nil {
		zone = m.Zone
	}
	if n.hasYear {
		return n.in(zone)
	}
	return n.newest(m, zone)
}

// newest gives the time its year: the one that was stated, or the newest that
// leaves it no more than a day ahead of now.
func (c clock) newest(m Reader, zone *time.Location) (time.Time, error) {
	if m.Year != 0 {
		c.year = m.Year
		return c.in(zone)
	}
	if m.Now.IsZero() {
		return time.Time{}, ErrNoTime
	}
	for c.year = m.Now.Year() + 1; c.year >= m.Now.Year()-8; c.year-- {
		if at, err := c.in(zone); err == nil && !at.After(m.Now.Add(Ahead)) {
			return at, nil
		}
	}
	return time.Time{}, ErrNoTime
}
