package kubeaudit

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"nightjar/ingest"
)

// Door is POST /k8s/audit. The server sends a batch again whatever the error, up to
// five times, and then it is lost.
type Door struct {
	ingest.Keyed
	intake *ingest.Handler
}

// NewDoor is the door of this intake.
func NewDoor(intake *ingest.Handler) *Door { return &Door{intake: intake} }

// Source and service of events that say none; the rules that come with the vendor ask
// for this source.
const (
	source  = "kubernetes.audit"
	service = "kube-apiserver"
)

// ServeHTTP implements http.Handler.
func (k *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if ingest.Alive(w, r) {
		return
	}
	if _, err := k.intake.Receive(w, r, decode); err != nil {
		f := ingest.RefusalOf(err)
		f.SetRetryAfter(w.Header())
		k.Refuse(w, r, f.Status, f.Detail)
		return
	}
	w.WriteHeader(http.StatusOK)
}

const wanted = `want an EventList of audit.k8s.io, as in {"kind":"EventList","items":[…]}`

// decode reads an EventList. An event that was acknowledged before, in the same stage,
// is left out.
func decode(d *ingest.Decoder, body []byte) (ingest.Batch, error) {
	if d.Source == "" {
		d.Source = source
	}
	if d.Service == "" {
		d.Service = service
	}
	var list struct {
		Kind  string            `json:"kind"`
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return ingest.Batch{}, ingest.NewBadJSON(body, err, wanted)
	}
	if list.Kind == "Event" {
		list.Items = []json.RawMessage{body}
	} else if list.Kind != "EventList" {
		return ingest.Batch{}, ingest.NewBadInput(body, -1, 0, wanted)
	}
	var b ingest.Batch
	var names []string
	var object []byte
	for _, item := range list.Items {
		var err error
		var name string
		object, name = appendEvent(object[:0], item)
		if b.Events, err = d.Append(b.Events, object); err != nil {
			return ingest.Batch{}, err
		}
		names = append(names, name)
	}
	b.Identify("kubernetes", names)
	return b, nil
}

// appendEvent appends an event as a log object that happened when its stage was
// reached, and gives the name that it is known by; empty: none.
func appendEvent(out []byte, item json.RawMessage) (object []byte, name string) {
	var e struct {
		AuditID, Stage string
		StageTimestamp json.RawMessage
	}
	item = bytes.TrimSpace(item)
	if json.Unmarshal(item, &e) != nil || len(item) == 0 || item[0] != '{' {
		return append(out, item...), ""
	}
	if e.AuditID != "" {
		name = e.AuditID + "\x00" + e.Stage
	}
	if len(e.StageTimestamp) == 0 {
		return append(out, item...), name
	}
	out = append(append(append(out, `{"timestamp":`...), e.StageTimestamp...), ',')
	return append(out, item[1:]...), name
}

// Refuse answers in the way of the API server.
func (k *Door) Refuse(w http.ResponseWriter, _ *http.Request, status int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	text, _ := json.Marshal(map[string]any{ // of strings and a number: it cannot fail
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure", "message": why, "code": status,
	})
	_, _ = io.WriteString(w, string(text)+"\n")
}
