package evidence

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// withMember adds a member to an object in the JSON of an event. Without that object the
// JSON stays as it is.
func withMember(text []byte, object, name string, value any) []byte {
	at, empty, ok := findObject(text, strings.Split(object, "."))
	if !ok {
		return text
	}
	member, err := json.Marshal(map[string]any{name: value})
	if err != nil {
		return text
	}
	member = member[1 : len(member)-1]
	if !empty {
		member = append(member, ',')
	}
	return slices.Insert(text, at, member...)
}

// findObject finds where the members of an object begin.
func findObject(text []byte, path []string) (at int, empty, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return 0, false, false
	}
	for _, name := range path {
		if !enter(d, name) {
			return 0, false, false
		}
	}
	return int(d.InputOffset()), !d.More(), true
}

// enter goes into the member of an object that is an object itself.
func enter(d *json.Decoder, name string) bool {
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return false
		}
		if key == name {
			t, err := d.Token()
			return err == nil && t == json.Delim('{')
		}
		var skipped json.RawMessage
		if d.Decode(&skipped) != nil {
			return false
		}
	}
	return false
}
