package files

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// wrapper says where the records of a wrapper begin: behind the bracket of their
// array, within this many objects.
type wrapper struct{ begin, depth int }

// lists are the members that hold the records of a wrapper: CloudTrail's Records,
// Azure's records and value, CloudWatch's logEvents, Kubernetes' items, a vendor's
// data and Elastic's hits (which is an object with such a member).
var lists = []string{"Records", "records", "value", "logEvents", "items", "data", "hits"}

// beside are members that stand before the list of a wrapper and say nothing of
// any record.
var beside = []string{
	"took", "timed_out", "_shards", "_scroll_id", "pit_id", "total", "max_score", "num_reduce_phases",
	"kind", "apiVersion", "metadata", "messageType", "owner", "logGroup", "logStream", "subscriptionFilters", "nextForwardToken", "nextBackwardToken",
}

// hookHead is within what an event hook of Okta says that it is one, in bytes.
const hookHead = 1024

// wrapped tells of the beginning of an object whether it is a wrapper: its first
// member, but for those that stand beside, is a list of objects. An event whose
// first member is such a list cannot be told from one.
func wrapped(head []byte) (wrapper, bool) {
	w := wrapper{depth: 1}
	hook := bytes.Contains(head[:min(len(head), hookHead)], []byte(`"com.okta.event_hook"`))
	i := space(head, 1)
	for {
		key, next := quotedText(head, i)
		if next = space(head, next); next >= len(head) || head[next] != ':' {
			return wrapper{}, false
		}
		if next = space(head, next+1); next >= len(head) {
			return wrapper{}, false
		}
		switch {
		case (key == "hits" || key == "data" && hook) && head[next] == '{' && w.depth == 1:
			w.depth = 2
			i = space(head, next+1)
			continue
		case (slices.Contains(lists, key) || key == "events" && hook && w.depth == 2) && head[next] == '[':
			first := space(head, next+1)
			if first >= len(head) || head[first] != '{' && head[first] != ']' {
				return wrapper{}, false
			}
			if key == "data" && head[first] == '{' && !bytes.Contains(head[first:], []byte(`"attributes"`)) || key == "items" && !bytes.Contains(head[:next], []byte(`List"`)) {
				return wrapper{}, false
			}
			w.begin = next + 1
			return w, true
		case !slices.Contains(beside, key) && !strings.HasPrefix(key, "@odata.") && !hook:
			return wrapper{}, false
		}
		end := skipValue(head, next)
		if end = space(head, end); end >= len(head) || head[end] != ',' {
			return wrapper{}, false
		}
		i = space(head, end+1)
	}
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// quotedText is the string that begins here, as it is written, and where it ends.
func quotedText(b []byte, i int) (string, int) {
	if i >= len(b) || b[i] != '"' {
		return "", len(b)
	}
	for j := i + 1; j < len(b); j++ {
		switch b[j] {
		case '\\':
			j++
		case '"':
			return string(b[i+1 : j]), j + 1
		}
	}
	return "", len(b)
}

// skipValue is where the value that begins here ends.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			_, i = quotedText(b, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + depth + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}

// unwrap is the event within what an export puts around each: Elastic's _source,
// and the attributes of a log as the reference's search API gives it. All else is
// itself.
func unwrap(text []byte) []byte {
	if bytes.Contains(text, []byte(`"_source"`)) {
		var hit struct {
			Index  *json.RawMessage `json:"_index"`
			Source json.RawMessage  `json:"_source"`
		}
		if json.Unmarshal(text, &hit) == nil && hit.Index != nil && isObject(hit.Source) {
			return hit.Source
		}
	}
	if bytes.Contains(text, []byte(`"attributes"`)) && bytes.Contains(text, []byte(`"log"`)) {
		var item struct {
			ID, Type   string
			Attributes json.RawMessage
		}
		if json.Unmarshal(text, &item) == nil && item.Type == "log" && item.ID != "" && isObject(item.Attributes) && onlyExported(text) {
			return item.Attributes
		}
	}
	return text
}

func isObject(text []byte) bool { return len(text) > 0 && text[0] == '{' }

// onlyExported tells whether an object has no members but those of an item of the
// reference's API; an event of our own has more.
func onlyExported(text []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return false
	}
	for key := range members {
		if !slices.Contains([]string{"id", "type", "attributes", "relationships"}, key) {
			return false
		}
	}
	return true
}
