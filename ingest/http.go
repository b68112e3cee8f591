package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"time"

	"nightjar/ingest/times"
	"nightjar/schema"
)

// BatchIDHeader names the request header that carries a batch id.
const BatchIDHeader = "Nightjar-Batch-Id"

const maxBatchID = 256

// Handler is POST /api/v2/logs, and /v1/input of the vendor's older senders. Who
// may send is decided before it.
//
// Query parameters: ddsource, service, hostname and ddtags stand in for what
// events lack; nj_year and nj_tz say the year and the time zone of raw lines
// that are written without.
type Handler struct {
	Keyed
	in *Intake
}

// NewHandler is the door of this intake.
func NewHandler(in *Intake) *Handler { return &Handler{in: in} }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if Alive(w, r) {
		return
	}
	fromAgent := isAgent(r)
	taken, err := h.Receive(w, r, func(d *Decoder, body []byte) (Batch, error) {
		if isProbe(body) {
			return Batch{}, nil
		}
		events, err := decodeBody(d, body, r.Header.Get("Content-Type"))
		b := Batch{Events: events}
		if err == nil && fromAgent {
			b.Resendable(d, body, "agent", r.URL.RawQuery)
		}
		return b, err
	})
	if err != nil {
		refuse(w, RefusalOf(err))
		return
	}
	thank(w, http.StatusAccepted, taken)
}

// thank answers that the events were taken in.
func thank(w http.ResponseWriter, status int, taken Taken) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	said := map[string]any{}
	if len(taken.Warnings) > 0 {
		said["warnings"] = taken.Warnings
		if taken.Late > 0 {
			said["late"] = taken.Late
		}
	}
	if taken.Known {
		said["duplicate"] = true
	}
	answer, _ := json.Marshal(said) // strings, numbers and truths: cannot fail
	_, _ = w.Write(answer)
}

// Taken is what became of a request whose events were taken in.
type Taken struct {
	Events  int
	Receipt Receipt
	// Known: the sender gave the batch an id, and it was acknowledged before.
	Known bool
	// Late counts the events that came too late for rules to see them.
	Late int
	// Warnings tell of events that were cut, late, or of a source that is not the sender's to
	// say; for the sender, if its protocol has a place for them.
	Warnings []string
}

// Decode makes a batch of a body, in the way of a protocol. What the request's
// query says about all events is in the decoder. A batch without an id gets that of
// the header Nightjar-Batch-Id.
type Decode func(d *Decoder, body []byte) (Batch, error)

// Receive takes in the events of one request: it reads the body, decompressed and
// within what requests may take of memory, decodes and submits it. It answers
// nothing; RefusalOf says what an error means to the sender.
func (h *Handler) Receive(w http.ResponseWriter, r *http.Request, decode Decode) (Taken, error) {
	return h.ReceiveEncoded(w, r, r.Header.Get("Content-Encoding"), decode)
}

// ReceiveEncoded is Receive where the protocol, not the header, says how the body
// is encoded.
func (h *Handler) ReceiveEncoded(w http.ResponseWriter, r *http.Request, encoding string, decode Decode) (Taken, error) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return Taken{}, &httpError{http.StatusMethodNotAllowed, "logs are sent with POST", 0}
	}
	d, err := h.decoder(r)
	if err != nil {
		return Taken{}, &httpError{http.StatusBadRequest, err.Error(), 0}
	}
	id := r.Header.Get(BatchIDHeader)
	if len(id) > maxBatchID {
		return Taken{}, &httpError{http.StatusBadRequest, fmt.Sprintf("header %s: longer than %d characters", BatchIDHeader, maxBatchID), 0}
	}
	mine := share{of: h.in.reading}
	defer mine.giveBack()
	body, err := h.readBody(w, r, encoding, &mine)
	if err != nil {
		return Taken{}, h.bodyError(err, stall)
	}
	return h.take(r.Context(), d, id, body, decode, &mine)
}

// Accept takes in a body that came through another door than HTTP. The id may be
// empty.
func (h *Handler) Accept(ctx context.Context, id string, body []byte, decode Decode) (Taken, error) {
	if len(id) > maxBatchID {
		return Taken{}, &BadInputError{Element: -1, Detail: fmt.Sprintf("the batch's id is longer than %d characters", maxBatchID)}
	}
	mine := share{of: h.in.reading}
	defer mine.giveBack()
	if err := mine.cover(ctx, int64(len(body)), bodyPatience); err != nil {
		h.in.metrics.refuse(err)
		return Taken{}, err
	}
	d := &Decoder{Now: h.in.deps.Now(), Locator: h.in.deps.Locator, Pipelines: h.in.deps.Pipelines}
	return h.take(ctx, d, id, body, decode, &mine)
}

// AsJSON reads a body as the JSON that /api/v2/logs takes.
func AsJSON(d *Decoder, body []byte) (Batch, error) {
	events, err := d.JSON(body)
	return Batch{Events: events}, err
}

// take decodes a body and submits its events.
// The share, if any, grows with what they are.
func (h *Handler) take(ctx context.Context, d *Decoder, id string, body []byte, decode Decode, mine *share) (Taken, error) {
	h.in.metrics.bytes.Add(float64(len(body)))
	if mine != nil {
		d.held, d.room = int64(len(body)), func(total int64) error { return h.grow(ctx, mine, total) }
	}
	batch, err := decode(d, body)
	if _, _, again := RetryAfter(err); again {
		h.in.metrics.refuse(err)
		return Taken{}, err
	}
	if err != nil {
		h.in.metrics.refused.WithLabelValues("bad_input").Inc()
		return Taken{}, err
	}
	disowned := disownSources(batch.Events)
	if batch.ID == "" {
		batch.ID = id
	}
	h.in.metrics.received.Add(float64(len(batch.Events)))
	d.late(h.in.countLate(batch.Events, schema.MillisOf(d.Now)), h.in.deps.Lateness)
	h.in.clocks.unreadable(d.BadTimes, d.Now)
	h.in.metrics.decoded(d, &h.in.clocks)
	warnings := d.warnings()
	if disowned > 0 {
		h.in.metrics.oddities.WithLabelValues("reserved_source").Add(float64(disowned))
		warnings = append(warnings, disownedWarning(disowned))
	}
	named := id != "" && batch.ID == id
	receipt, err := h.in.Submit(ctx, batch)
	return Taken{Known: named && receipt.Duplicate, Events: len(batch.Events), Receipt: receipt, Late: d.Late, Warnings: warnings}, err
}

// grow makes a share large enough for what the records of a body are as JSON, which is
// more than the body where they share much.
func (h *Handler) grow(ctx context.Context, mine *share, total int64) error {
	if most := h.in.config.MaxReading / MemoryFactor; total > most {
		return &BadInputError{Element: -1, Line: 1, Column: 1, TooLarge: true, Detail: fmt.Sprintf("the records, each with what it shares with others, are more than %d bytes; send smaller batches", most)}
	}
	return mine.cover(ctx, total, bodyPatience)
}

// readBody reads the body within the request's share of memory. What a sender
// announces is waited for before anything is read; what turns out larger than
// that is not.
func (h *Handler) readBody(w http.ResponseWriter, r *http.Request, encoding string, mine *share) ([]byte, error) {
	if r.ContentLength > h.maxBody() {
		return nil, errBodyTooLarge
	}
	if err := mine.cover(r.Context(), max(r.ContentLength, smallChunk), bodyPatience); err != nil {
		return nil, err
	}
	body := steady{r.Body, http.NewResponseController(w), stall}
	defer func() { _ = body.control.SetReadDeadline(time.Time{}) }()
	return readBody(body, encoding, h.maxBody(), func(total int64) error {
		return mine.cover(r.Context(), total, 0)
	})
}

// stall is how long a sender may send nothing in the middle of a body. It holds
// memory meanwhile.
const stall = 30 * time.Second

// steady is a body that ends with an error when its sender stalls.
type steady struct {
	io.Reader
	control  *http.ResponseController
	patience time.Duration
}

func (s steady) Read(b []byte) (int, error) {
	_ = s.control.SetReadDeadline(time.Now().Add(s.patience)) // a test's recorder has none
	return s.Reader.Read(b)
}

func (h *Handler) maxBody() int64 { return h.in.config.MaxBody }

// bodyError is what went wrong with a body whose sender may be silent for so long.
func (h *Handler) bodyError(err error, patience time.Duration) error {
	var full *BackpressureError
	if errors.As(err, &full) {
		h.in.metrics.refuse(err)
		return err
	}
	h.in.metrics.refused.WithLabelValues("bad_body").Inc()
	switch {
	case errors.Is(err, errBodyTooLarge):
		return &httpError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes after decompression; send smaller batches", h.maxBody()), 0}
	case errors.Is(err, errEncoding):
		return &httpError{http.StatusUnsupportedMediaType, err.Error(), 0}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &httpError{http.StatusRequestTimeout, fmt.Sprintf("nothing came for %s in the middle of the body; send it again", patience), time.Second}
	case errors.Is(err, errBodyBroken):
		return &httpError{http.StatusBadRequest, err.Error() + "; is Content-Encoding right?", 0}
	}
	return &httpError{http.StatusBadRequest, "the body could not be read: " + err.Error(), 0}
}

// decoder reads what the query says about all events.
func (h *Handler) decoder(r *http.Request) (*Decoder, error) {
	q := r.URL.Query()
	d := &Decoder{
		Now: h.in.deps.Now(), Source: q.Get("ddsource"), Service: q.Get("service"),
		Host: q.Get("hostname"), Tags: SplitTags(q.Get("ddtags")), Locator: h.in.deps.Locator, Pipelines: h.in.deps.Pipelines,
	}
	if s := q.Get("nj_year"); s != "" {
		year, err := strconv.Atoi(s)
		if err != nil || year < 1900 || year > 2299 {
			return nil, fmt.Errorf("query parameter nj_year: want a year from 1900 to 2299, got %q", s)
		}
		d.Year = year
	}
	if s := q.Get("nj_tz"); s != "" {
		zone, err := times.ParseZone(s)
		if err != nil {
			return nil, fmt.Errorf("query parameter nj_tz: %w", err)
		}
		d.Zone = zone
	}
	return d, nil
}

// decodeBody reads the body as its type says; JSON when it says nothing.
func decodeBody(d *Decoder, body []byte, contentType string) ([]schema.Event, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = contentType
	}
	if packed := packedWith(body); packed != "" {
		return nil, &httpError{http.StatusUnsupportedMediaType, "the body is compressed with " + packed + "; say so, in the header Content-Encoding: " + packed, 0}
	}
	switch kind {
	case "text/plain":
		return d.Lines(body)
	case "application/logplex-1":
		return d.Lines(frame.ReplaceAll(body, []byte("$1")))
	}
	return d.JSON(body)
}

// packedWith names how a body is compressed that says nothing of it; empty: it is not.
func packedWith(body []byte) string {
	switch {
	case bytes.HasPrefix(body, []byte("\x1f\x8b\x08")):
		return "gzip"
	case bytes.HasPrefix(body, []byte("\x28\xb5\x2f\xfd")):
		return "zstd"
	}
	return ""
}

// frame is the length that logplex writes in front of each line.
var frame = regexp.MustCompile(`(?m)^[0-9]+ (<[0-9]+>1 )`)

// httpError is a refusal with its status.
type httpError struct {
	status     int
	detail     string
	retryAfter time.Duration
}

func (e *httpError) Error() string { return e.detail }

// asHTTP is where the intake's errors meet HTTP. Mistakes and refusals are told
// in full; there are no others but a request that was given up.
func asHTTP(err error) *httpError {
	var known *httpError
	var bad *BadInputError
	var full *BackpressureError
	var away *UnavailableError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &bad) && bad.TooLarge:
		return &httpError{http.StatusRequestEntityTooLarge, bad.Error(), 0}
	case errors.As(err, &bad):
		return &httpError{http.StatusBadRequest, bad.Error(), 0}
	case errors.Is(err, ErrTooLarge):
		return &httpError{http.StatusRequestEntityTooLarge, err.Error(), 0}
	case errors.As(err, &full):
		return &httpError{http.StatusTooManyRequests, full.Error(), full.RetryAfter}
	case errors.As(err, &away):
		return &httpError{http.StatusServiceUnavailable, away.Error(), away.RetryAfter}
	}
	return &httpError{http.StatusServiceUnavailable, "the request was given up before the events were durable; send them again", time.Second}
}

// Refusal is what an error of Receive means to the sender.
type Refusal struct {
	// Status is that of /api/v2/logs; a protocol whose senders give up on it has
	// another one.
	Status int
	Detail string
	// RetryAfter, when above 0, is when the same may be sent again; Busy, that it
	// may be. Whole seconds in the header.
	RetryAfter time.Duration
	Busy       bool
}

// RefusalOf says what the error means.
func RefusalOf(err error) Refusal {
	e := asHTTP(err)
	return Refusal{Status: e.status, Detail: e.detail, RetryAfter: e.retryAfter, Busy: e.retryAfter > 0}
}

// SetRetryAfter writes the header, where there is something to wait for.
func (f Refusal) SetRetryAfter(h http.Header) {
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
}

// refuse answers in the shape of the vendor's API.
func refuse(w http.ResponseWriter, f Refusal) {
	w.Header().Set("Content-Type", "application/json")
	f.SetRetryAfter(w.Header())
	w.WriteHeader(f.Status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{
		"status": strconv.Itoa(f.Status), "title": http.StatusText(f.Status), "detail": f.Detail,
	}}})
}
