package elastic

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"nightjar/ingest"
	"nightjar/schema"
)

// DefaultVersion is the one that senders are told. Beats and Logstash refuse servers
// that are older than they like or newer than they know.
const DefaultVersion = "8.19.0"

// prefix is where the same is served for senders that are to have a path of their own.
const prefix = "/elastic"

// Door is the part of Elasticsearch that senders of logs use, at / and at /elastic.
type Door struct {
	ingest.Keyed
	handler *ingest.Handler
	version string
}

var versions = regexp.MustCompile(`^[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$`)

// New is the door of the intake behind the handler. The version is what senders are
// told, such as 8.19.0; empty: DefaultVersion.
func New(handler *ingest.Handler, version string) (*Door, error) {
	if version == "" {
		version = DefaultVersion
	}
	if err := CheckVersion(version); err != nil {
		return nil, err
	}
	return &Door{handler: handler, version: version}, nil
}

// CheckVersion is an error for what no sender would take for a version.
func CheckVersion(version string) error {
	if !versions.MatchString(version) {
		return fmt.Errorf("elasticsearch-version: want a version such as %s, got %q", DefaultVersion, version)
	}
	return nil
}

// place is what the path names: its segments below the prefix.
func place(path string) []string {
	if rest, ok := strings.CutPrefix(path, prefix); ok && (rest == "" || rest[0] == '/') {
		path = rest
	}
	return strings.Split(strings.Trim(path, "/"), "/")
}

// Claims implements api.ClaimingDoor: what is below /elastic, what begins with an
// underscore, and what is done with an index.
func (d *Door) Claims(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path+"/", prefix+"/") {
		return true
	}
	at := place(r.URL.Path)
	if at[0] == "" || at[0][0] == '_' {
		return true
	}
	if len(at) == 1 {
		return r.Method == http.MethodHead || r.Method == http.MethodPut
	}
	last := at[len(at)-1]
	return last == "_bulk" || isDocument(at) || len(at) == 2 && isRefresh(last)
}

// isRefresh reports whether clients ask that what they sent be searchable, which it
// is within a second.
func isRefresh(last string) bool { return last == "_refresh" || last == "_flush" }

// isDocument reports whether one document is sent to an index.
func isDocument(at []string) bool {
	return (len(at) == 2 || len(at) == 3) && (at[1] == "_doc" || at[1] == "_create")
}

// Open implements api.Door.
func (d *Door) Open(r *http.Request) bool {
	at := place(r.URL.Path)
	return ingest.AsksOnly(r) && (r.Method == http.MethodOptions || at[0] == "" || at[len(at)-1] == "_bulk")
}

// Refuse implements api.Door.
func (d *Door) Refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	head(w)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="nightjar"`)
		why += "; or as the password of Basic, or as ApiKey"
	}
	turnAway(w, r, status, "security_exception", why)
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head(w)
	at := place(r.URL.Path)
	switch {
	case ingest.Alive(w, r):
	case at[len(at)-1] == "_bulk" && at[0] != "_monitoring":
		d.bulk(w, r, at)
	case isDocument(at):
		d.document(w, r, at)
	case isRefresh(at[len(at)-1]) && len(at) <= 2:
		_, _ = io.WriteString(w, `{"_shards":{"total":1,"successful":1,"failed":0}}`)
	default:
		d.shakeHands(w, r, at)
	}
}

// head is what clients look for in every answer.
func head(w http.ResponseWriter) {
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
}

// refuse answers an error of the intake. Overload is 503: a 429 is for Elasticsearch
// an item's.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	f := ingest.RefusalOf(err)
	f.SetRetryAfter(w.Header())
	var bad *ingest.BadInputError
	kind := "illegal_argument_exception"
	switch {
	case f.Busy:
		turnAway(w, r, http.StatusServiceUnavailable, "es_rejected_execution_exception", f.Detail)
		return
	case errors.As(err, &bad) && !bad.TooLarge:
		kind = "parse_exception"
	}
	fail(w, f.Status, kind, f.Detail)
}

// turnAway refuses what is to be sent again. rsyslog's module (8.2302) does so only
// where an answer breaks off: whatever comes whole is final, at any status, as JSON at
// once and in other forms after one more attempt for each message. It is among the few
// senders that don't say who they are. Those are told more to come than does, upon which
// the connection ends.
func turnAway(w http.ResponseWriter, r *http.Request, status int, kind, reason string) {
	if r.UserAgent() != "" {
		fail(w, status, kind, reason)
		return
	}
	text := "not taken: " + reason + "\n"
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func fail(w http.ResponseWriter, status int, kind, reason string) {
	w.WriteHeader(status)
	cause := fmt.Sprintf(`"type":%s,"reason":%s`, schema.QuoteJSON(kind), schema.QuoteJSON(reason))
	fmt.Fprintf(w, `{"error":{"root_cause":[{%s}],%s},"status":%d}`, cause, cause, status)
}
