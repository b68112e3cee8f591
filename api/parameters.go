package api

import (
	"fmt"
	"regexp"
	"time"

	"nightjar/schema"
)

func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

func momentParam(name, text string, now time.Time) (*schema.Millis, error) {
	if text == "" {
		return nil, nil
	}
	at, err := schema.ParseMoment(text, now)
	if err != nil {
		return nil, &problem{message: name + ": " + err.Error(), target: name}
	}
	return &at, nil
}

func moment(target, text string, now time.Time) (schema.Millis, error) {
	m, err := schema.ParseMoment(text, now)
	if err != nil {
		return 0, badRequest(target, "%v", err)
	}
	return m, nil
}

// pageSize is how many objects a page has: as many as were asked for, within what
// is allowed. As with the reference, more or fewer are no mistake; a warning says
// what became of them.
func pageSize(asked int64, given bool, usual, most int64) (size int64, warnings []string) {
	if !given {
		return usual, nil
	}
	if size = max(1, min(asked, most)); size != asked {
		warnings = append(warnings, fmt.Sprintf("page[size]: a page has 1 to %d, so this one has up to %d instead of %d", most, size, asked))
	}
	return size, warnings
}

// attributesPath is where a JSON:API request has what it is about.
const attributesPath = "data.attributes"

// span reads a stretch of event time, both ends included.
func span(from, to string, now time.Time) (start, end schema.Millis, err error) {
	if start, err = moment("from", from, now); err != nil {
		return 0, 0, err
	}
	if end, err = moment("to", to, now); err != nil {
		return 0, 0, err
	}
	if start > end {
		return 0, 0, badRequest("from", "it is after to")
	}
	return start, end, nil
}

// isUUID reports whether an id has the form of a UUID.
func isUUID(id string) bool { return uuidForm.MatchString(id) }

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
