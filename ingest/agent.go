package ingest

import (
	"bytes"
	"net/http"
	"strings"
)

// keyedInput is the path of senders that put their key behind it.
const keyedInput = "/v1/input/"

// Keys implements api.Door: the key may stand in the path or in the query, too.
func (h *Handler) Keys(r *http.Request) []string {
	sent := SentKeys(r)
	if key, ok := strings.CutPrefix(r.URL.Path, keyedInput); ok && key != "" {
		sent = append(sent, key)
	}
	return sent
}

// Refuse implements api.Door.
func (h *Handler) Refuse(w http.ResponseWriter, _ *http.Request, status int, why string) {
	refuse(w, Refusal{Status: status, Detail: why})
}

// isAgent reports whether the vendor's agent sends, which sends the same bytes
// again when it got no answer. Others who post one body twice mean two events.
func isAgent(r *http.Request) bool {
	return r.Header.Get("DD-EVP-ORIGIN") != "" && strings.HasPrefix(r.UserAgent(), "datadog-agent/")
}

// isProbe reports whether the body is what an agent asks with, when it starts,
// whether there is an intake: an empty object, which is no event.
func isProbe(body []byte) bool {
	return len(body) <= 8 && bytes.Equal(bytes.TrimSpace(body), []byte("{}"))
}
