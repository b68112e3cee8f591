package ingest

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
)

// SentKeys are the keys that senders of logs put elsewhere than in the headers that
// all of the API takes: as the password of Basic, as `ApiKey base64(id:key)`, and in
// the query, for those that can send no header.
func SentKeys(r *http.Request) []string {
	var sent []string
	if _, password, ok := r.BasicAuth(); ok && password != "" {
		sent = append(sent, password)
	}
	for _, a := range r.Header.Values("Authorization") {
		scheme, value, _ := strings.Cut(a, " ")
		if !strings.EqualFold(scheme, "ApiKey") {
			continue
		}
		if pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value)); err == nil {
			if _, key, ok := strings.Cut(string(pair), ":"); ok && key != "" {
				sent = append(sent, key)
			}
		}
	}
	q := r.URL.Query()
	for _, name := range []string{"dd-api-key", "token", "api_key"} {
		if key := q.Get(name); key != "" {
			sent = append(sent, key)
		}
	}
	return sent
}

// Keyed is what the doors of most protocols have alike; they embed it, and say
// themselves what is otherwise with them.
type Keyed struct{}

// Keys implements api.Door.
func (Keyed) Keys(r *http.Request) []string { return SentKeys(r) }

// Open implements api.Door: a probe needs no key.
func (Keyed) Open(r *http.Request) bool { return AsksOnly(r) }

// RefuseInALine answers with one line of text, for senders that log the first one.
func RefuseInALine(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, strings.ReplaceAll(why, "\n", " ")+"\n")
}

// AsksOnly reports whether the request is a probe, which asks only whether anything
// answers: OPTIONS, or
// HEAD without a key. One with a key is told whether the key is right.
func AsksOnly(r *http.Request) bool {
	switch r.Method {
	case http.MethodOptions:
		return true
	case http.MethodHead:
		return r.Header.Get("Authorization") == "" && r.Header.Get("DD-API-KEY") == "" && len(SentKeys(r)) == 0
	}
	return false
}

// Alive answers a probe, and reports whether the request is one.
func Alive(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodHead && r.Method != http.MethodOptions {
		return false
	}
	w.Header().Set("Allow", "GET, HEAD, OPTIONS, POST, PUT")
	w.WriteHeader(http.StatusOK)
	return true
}
