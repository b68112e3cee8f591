package api

import (
	"fmt"
	"regexp"
	"time"

	"nightjar/schema"
)

// Shorten cuts what a caller sent to what fits in a message: 40 characters.
func Shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// OptionalMoment reads a parameter that is a moment (schema.ParseMoment); nil where it
// is empty.
func OptionalMoment(name, text string, now time.Time) (*schema.Millis, error) {
	if text == "" {
		return nil, nil
	}
	at, err := schema.ParseMoment(text, now)
	if err != nil {
		return nil, &Error{Message: name + ": " + err.Error(), Target: name}
	}
	return &at, nil
}

// Moment reads a parameter that is a moment (schema.ParseMoment).
func Moment(target, text string, now time.Time) (schema.Millis, error) {
	m, err := schema.ParseMoment(text, now)
	if err != nil {
		return 0, BadRequest(target, "%v", err)
	}
	return m, nil
}

// PageSize is how many objects a page has: as many as were asked for, from 1 to most;
// standard where nothing was asked for (nil). As with the reference, more or fewer are no
// mistake; a warning says what became of them.
func PageSize(asked *int64, standard, most int64) (size int64, warnings []string) {
	if asked == nil {
		return standard, nil
	}
	if size = max(1, min(*asked, most)); size != *asked {
		warnings = append(warnings, fmt.Sprintf("page[size]: a page has 1 to %d, so this one has up to %d instead of %d", most, size, *asked))
	}
	return size, warnings
}

// AttributesPath is where a JSON:API request has what it is about.
const AttributesPath = "data.attributes"

// Span reads a stretch of event time, both ends included.
func Span(from, to string, now time.Time) (start, end schema.Millis, err error) {
	if start, err = Moment("from", from, now); err != nil {
		return 0, 0, err
	}
	if end, err = Moment("to", to, now); err != nil {
		return 0, 0, err
	}
	if start > end {
		return 0, 0, BadRequest("from", "it is after to")
	}
	return start, end, nil
}

// IsUUID reports whether an id has the form of a UUID.
func IsUUID(id string) bool { return uuidForm.MatchString(id) }

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
