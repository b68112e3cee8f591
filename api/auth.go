package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
)

// keys tells who may come in: whoever knows the one key. It keeps only a hash.
type keys struct{ sum [sha256.Size]byte }

func newKeys(key string) keys { return keys{sha256.Sum256([]byte(key))} }

// admit is nil when one of the keys that the caller sent is right.
func (k keys) admit(sent []string) error {
	if len(sent) == 0 {
		return &problem{
			code:    codes.Unauthenticated,
			message: "Unauthorized: send the API key in the header DD-API-KEY, or as Authorization: Bearer",
		}
	}
	right := 0
	for _, s := range sent {
		sum := sha256.Sum256([]byte(s))
		right |= subtle.ConstantTimeCompare(sum[:], k.sum[:])
	}
	if right == 0 {
		return &problem{code: codes.PermissionDenied, message: "Forbidden"}
	}
	return nil
}

// schemes are those of Authorization that carry the key.
var schemes = []string{"Bearer", "ApiKey", "Splunk"}

// sentKeys are the keys in the headers. DD-APPLICATION-KEY comes beside
// DD-API-KEY and may say anything.
func sentKeys(apiKey, authorization []string) []string {
	var sent []string
	for _, k := range apiKey {
		if k != "" {
			sent = append(sent, k)
		}
	}
	for _, a := range authorization {
		scheme, key, _ := strings.Cut(a, " ")
		for _, s := range schemes {
			if key = strings.TrimSpace(key); strings.EqualFold(s, scheme) && key != "" {
				sent = append(sent, key)
			}
		}
	}
	return sent
}

// admitHTTP is nil when the request carries the key in one of the headers, or as
// one of the others.
func (k keys) admitHTTP(r *http.Request, others ...string) error {
	return k.admit(append(sentKeys(r.Header.Values("DD-API-KEY"), r.Header.Values("Authorization")), others...))
}
