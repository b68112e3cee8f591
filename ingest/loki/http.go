package loki

import (
	"io"
	"mime"
	"net/http"

	"nightjar/ingest"
)

// Door is POST /loki/api/v1/push, and GET /ready, which senders ask first. Refusals are
// a line of text.
type Door struct {
	ingest.Keyed
	intake *ingest.Handler
}

// NewDoor is the door of this intake.
func NewDoor(intake *ingest.Handler) *Door { return &Door{intake: intake} }

// ReadyPath is where senders probe.
const ReadyPath = "/ready"

// ServeHTTP implements http.Handler.
func (l *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if ingest.Alive(w, r) {
		return
	}
	if r.URL.Path == ReadyPath {
		_, _ = io.WriteString(w, "ready\n")
		return
	}
	isJSON, encoding := form(r)
	_, err := l.intake.ReceiveEncoded(w, r, encoding, func(d *ingest.Decoder, body []byte) (ingest.Batch, error) {
		p := push{d: d, tenant: r.Header.Get("X-Scope-OrgID")}
		if isJSON {
			return p.batch(p.json(body))
		}
		return p.batch(p.protobuf(body))
	})
	if err != nil {
		f := ingest.RefusalOf(err)
		f.SetRetryAfter(w.Header())
		l.Refuse(w, r, statusOf(f), f.Detail)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// form tells how the body is written: as JSON where its type says so; any other type
// is protobuf, packed by snappy whether a header says so or not.
func form(r *http.Request) (isJSON bool, encoding string) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // a broken one is none
	encoding = r.Header.Get("Content-Encoding")
	if isJSON = kind == "application/json"; !isJSON && encoding == "" {
		encoding = "snappy"
	}
	return isJSON, encoding
}

// statusOf is the refusal's status where senders give up on all that begins with 4,
// some of them on 429 too.
func statusOf(f ingest.Refusal) int {
	if f.Busy {
		return http.StatusServiceUnavailable
	}
	return f.Status
}

// Open implements api.Door: probes need no key.
func (l *Door) Open(r *http.Request) bool {
	return r.URL.Path == ReadyPath || l.Keyed.Open(r)
}

// Refuse implements api.Door.
func (l *Door) Refuse(w http.ResponseWriter, _ *http.Request, status int, why string) {
	ingest.RefuseInALine(w, status, why)
}
