package access

import (
	"net/http"
	"slices"
	"strings"
)

// Sent are the keys that a call carries.
type Sent struct {
	// Keys are those that let callers in, Application those of DD-APPLICATION-KEY.
	Keys, Application []string
}

// schemes are those of Authorization that carry a key.
var schemes = []string{"Bearer", "ApiKey", "Splunk"}

// SentIn are the keys in the headers of a call: values has all values of a header, by
// its name in small letters.
func SentIn(values func(name string) []string) Sent {
	sent := Sent{Keys: given(values("dd-api-key")), Application: given(values("dd-application-key"))}
	for _, a := range values("authorization") {
		scheme, key, _ := strings.Cut(a, " ")
		known := slices.ContainsFunc(schemes, func(s string) bool { return strings.EqualFold(s, scheme) })
		if key = strings.TrimSpace(key); known && key != "" {
			sent.Keys = append(sent.Keys, key)
		}
	}
	return sent
}

// SentBy are the keys in a request's headers, and those given, which it carries elsewhere.
func SentBy(r *http.Request, others ...string) Sent {
	sent := SentIn(r.Header.Values)
	sent.Keys = append(sent.Keys, given(others)...)
	return sent
}

func given(keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == "" })
}
