package grok

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
	"nightjar/ingest/times"
)

// dateMatcher reads date("format","time zone","locale"): its pattern accepts what the
// format writes, and the value is milliseconds since 1970.
func (p *pattern) dateMatcher(m call) (*node, convert) {
	texts := p.texts(m, 1, 3, `("yyyy-MM-dd HH:mm:ss","Europe/Berlin","fr"), the last two optional`)
	if p.err != nil {
		return nil, nil
	}
	d := &dateFormat{names: english}
	if len(texts) > 1 {
		if d.zone = zoneOf(texts[1]); d.zone == nil {
			return p.fail(m.args[1].at, fmt.Sprintf("no time zone is named %q", texts[1]), `write "UTC", "+02:00" or "Europe/Berlin"`), nil
		}
	}
	if len(texts) > 2 {
		if d.names = namesOf(texts[2]); d.names == nil {
			return p.fail(m.args[2].at, fmt.Sprintf("the names of days and months in %q are not known", texts[2]), "write one of "+strings.Join(localeNames(), ", ")), nil
		}
	}
	if message, hint := d.read(texts[0]); message != "" {
		return p.fail(m.args[0].at, message, hint), nil
	}
	var parts []*node
	for _, f := range d.fields {
		parts = append(parts, p.fixed(f.pattern(d.names)))
	}
	return joined(parts), d.convert
}

// dateFormat is a format of Joda's letters.
type dateFormat struct {
	fields []dateField
	zone   *time.Location // nil: the context's
	names  *dateNames
	asked  string // the letters that occur
}

// dateField is a run of one letter, or a text between letters.
type dateField struct {
	letter byte // 0: text
	count  int
	text   string
}

const dateHint = "letters are y M d H h m s S a E D z Z; others are written in quotes: 'T'"

// read splits a format. message says what is wrong with it.
func (d *dateFormat) read(format string) (message, hint string) {
	for i := 0; i < len(format); {
		b := format[i]
		switch {
		case b == '\'':
			text, rest, closed := strings.Cut(format[i+1:], "'")
			if !closed {
				return "a ' without its end in the format", "write '' for the character"
			}
			if text == "" {
				text = "'"
			}
			d.fields = append(d.fields, dateField{text: text})
			i = len(format) - len(rest)
		case b|0x20 >= 'a' && b|0x20 <= 'z':
			n := 1
			for i+n < len(format) && format[i+n] == b {
				n++
			}
			if !knownDateField(b, n) {
				return fmt.Sprintf("the format has %s, which means nothing", format[i:i+n]), dateHint
			}
			d.fields = append(d.fields, dateField{letter: b, count: n})
			d.asked += string(b)
			i += n
		default:
			d.fields = append(d.fields, dateField{text: string(b)})
			i++
		}
	}
	if d.asked == "" {
		return "the format has no letters", dateHint
	}
	return "", ""
}

// fieldWidths are the letters, and how many of one stand together at most.
var fieldWidths = map[byte]int{
	'y': 4, 'Y': 4, 'M': 4, 'd': 2, 'D': 3, 'E': 4, 'H': 2, 'h': 2, 'K': 2, 'k': 2,
	'm': 2, 's': 2, 'S': 9, 'a': 1, 'z': 4, 'Z': 4,
}

func knownDateField(letter byte, n int) bool {
	return n <= fieldWidths[letter] && !((letter == 'y' || letter == 'Y') && n == 3)
}

// pattern is what the field accepts, as a regular expression.
func (f dateField) pattern(names *dateNames) string {
	switch f.letter {
	case 0:
		return regexp.QuoteMeta(f.text)
	case 'y', 'Y':
		if f.count == 1 {
			return `\d{1,4}`
		}
		return fmt.Sprintf(`\d{%d}`, f.count)
	case 'M':
		switch f.count {
		case 3:
			return oneOf(names.shortMonths)
		case 4:
			return oneOf(names.months)
		}
	case 'E':
		if f.count < 4 {
			return oneOf(names.shortDays)
		}
		return oneOf(names.days)
	case 'a':
		return `(?i:AM|PM)`
	case 'S':
		return fmt.Sprintf(`\d{%d}`, f.count)
	case 'D':
		return fmt.Sprintf(`\d{%d,3}`, f.count)
	case 'z':
		if f.count == 4 {
			return zoneIDPattern
		}
		return `(?:[A-Za-z]{1,5}(?:[+-]\d{1,2}(?::?\d{2})?)?)`
	case 'Z':
		if f.count >= 3 {
			return zoneIDPattern
		}
		return `(?:[+-]\d{2}:?\d{2}|Z)`
	}
	if f.count == 1 {
		return `\d{1,2}`
	}
	return `\d{2}`
}

const zoneIDPattern = `(?:[A-Za-z][A-Za-z_]*(?:/[A-Za-z0-9_+-]+)*(?:[+-]\d{1,2}(?::?\d{2})?)?)`

func oneOf(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = regexp.QuoteMeta(n)
	}
	return `(?i:` + strings.Join(quoted, `|`) + `)`
}

// convert is the time in milliseconds since 1970; nil when there is no such time.
func (d *dateFormat) convert(c *Context, text string) *fastjson.Value {
	t, ok := d.parse(text, c)
	if !ok {
		return nil
	}
	return value.Integer(c.Arena, t.UnixMilli())
}

// readTime is what was read of a time; -1: nothing.
type readTime struct {
	year, month, day, yearDay  int
	hour, minute, second, nano int
	afternoon                  int
	zone                       *time.Location
}

func (d *dateFormat) parse(text string, c *Context) (t time.Time, ok bool) {
	r := readTime{year: -1, month: -1, day: -1, yearDay: -1, afternoon: -1, zone: d.zone}
	for i, f := range d.fields {
		adjacent := i+1 < len(d.fields) && d.fields[i+1].letter != 0
		if text, ok = f.read(&r, text, d.names, adjacent); !ok {
			return time.Time{}, false
		}
	}
	if text != "" {
		return time.Time{}, false
	}
	if r.zone == nil {
		r.zone = c.Zone
	}
	if r.zone == nil {
		r.zone = time.UTC
	}
	return r.time(c)
}

// read takes the field's part off the text.
func (f dateField) read(r *readTime, text string, names *dateNames, adjacent bool) (rest string, ok bool) {
	switch f.letter {
	case 0:
		return strings.CutPrefix(text, f.text)
	case 'E':
		if f.count < 4 {
			_, rest, ok = cutName(text, names.shortDays)
		} else {
			_, rest, ok = cutName(text, names.days)
		}
		return rest, ok
	case 'M':
		if f.count >= 3 {
			month := names.shortMonths
			if f.count == 4 {
				month = names.months
			}
			i, rest, ok := cutName(text, month)
			r.month = i%12 + 1
			return rest, ok
		}
	case 'a':
		if len(text) < 2 {
			return "", false
		}
		r.afternoon = map[bool]int{true: 1, false: 0}[text[0]|0x20 == 'p']
		return text[2:], true
	case 'z', 'Z':
		n := 0
		for n < len(text) && (isAlnum(text[n]) || strings.IndexByte("_/+-:", text[n]) >= 0) {
			n++
		}
		for ; n > 0; n-- { // what follows may look like a zone as well
			if zone := zoneOf(text[:n]); zone != nil {
				r.zone = zone
				return text[n:], true
			}
		}
		return "", false
	}
	return f.number(r, text, adjacent)
}

func (f dateField) number(r *readTime, text string, adjacent bool) (rest string, ok bool) {
	most := max(f.count, 2)
	switch f.letter {
	case 'y', 'Y':
		if most = f.count; most == 1 {
			most = 4
		}
	case 'S':
		most = f.count
	case 'D':
		most = 3
	}
	if adjacent && f.count > 1 {
		most = f.count
	}
	n, value := 0, 0
	for n < most && n < len(text) && text[n] >= '0' && text[n] <= '9' {
		value = value*10 + int(text[n]-'0')
		n++
	}
	if n == 0 {
		return "", false
	}
	r.set(f, value, n)
	return text[n:], true
}

func (r *readTime) set(f dateField, value, digits int) {
	switch f.letter {
	case 'y', 'Y':
		if r.year = value; f.count == 2 {
			r.year += 2000
		}
	case 'M':
		r.month = value
	case 'd':
		r.day = value
	case 'D':
		r.yearDay = value
	case 'H', 'h', 'K':
		r.hour = value
	case 'k':
		r.hour = value % 24
	case 'm':
		r.minute = value
	case 's':
		r.second = value
	case 'S':
		for ; digits < 9; digits++ {
			value *= 10
		}
		r.nano = value
	}
}

// cutName takes the longest of the names off the text, in any case.
func cutName(text string, names []string) (index int, rest string, ok bool) {
	length := 0
	for i, n := range names {
		if len(text) >= len(n) && len(n) > length && strings.EqualFold(text[:len(n)], n) {
			index, length = i, len(n)
		}
	}
	return index, text[length:], length > 0
}

// time is the time read. A time without a date is one of 1 January 1970; a date without
// a year is of the year of its receipt, unless it lay ahead then.
func (r *readTime) time(c *Context) (t time.Time, ok bool) {
	if r.afternoon >= 0 {
		if r.hour > 12 {
			return t, false
		}
		r.hour = r.hour%12 + 12*r.afternoon
	}
	if r.hour > 24 || r.minute > 59 || r.second > 60 {
		return t, false
	}
	dated := r.month >= 0 || r.day >= 0 || r.yearDay >= 0
	switch {
	case r.year >= 0:
		return r.in(r.year)
	case !dated:
		return r.in(1970)
	}
	if c.Year != 0 {
		return r.in(c.Year)
	}
	for year := c.Received.Year() + 1; year >= c.Received.Year()-8; year-- {
		if t, ok = r.in(year); ok && !t.After(c.Received.Add(times.Ahead)) {
			return t, true
		}
	}
	return t, false
}

func (r *readTime) in(year int) (t time.Time, ok bool) {
	month, day := max(r.month, 1), max(r.day, 1)
	if r.month < 0 && r.yearDay >= 0 {
		day = r.yearDay
		t = time.Date(year, 1, day, r.hour, r.minute, r.second, r.nano, r.zone)
		return t, day >= 1 && day <= time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
	}
	if r.month == 0 || r.month > 12 || r.day == 0 || day > time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day() {
		return t, false
	}
	return time.Date(year, time.Month(month), day, r.hour, r.minute, r.second, r.nano, r.zone), true
}
