package ingest

import (
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

	"nightjar/schema"
)

// BatchIDHeader names the request header that carries a batch id.
const BatchIDHeader = "Nightjar-Batch-Id"

const maxBatchID = 256

// Handler is POST /api/v2/logs. Who may send is decided before it.
//
// Query parameters: ddsource, service, hostname and ddtags stand in for what
// events lack; nj_year and nj_tz say the year and the time zone of raw lines
// that are written without.
type Handler struct{ in *Intake }

// NewHandler is the door of this intake.
func NewHandler(in *Intake) *Handler { return &Handler{in: in} }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	late, warnings, err := h.serve(w, r)
	if err != nil {
		reply(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	answer := []byte("{}")
	if len(warnings) > 0 {
		said := map[string]any{"warnings": warnings}
		if late > 0 {
			said["late"] = late
		}
		answer, _ = json.Marshal(said) // strings and a number: cannot fail
	}
	_, _ = w.Write(answer)
}

// serve takes the request's events in, and warns of those that were cut, and of
// those that came too late for rules.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) (late int, warnings []string, err error) {
	if r.Method != http.MethodPost {
		return 0, nil, &httpError{http.StatusMethodNotAllowed, "logs are sent with POST", 0}
	}
	d, err := h.decoder(r)
	if err != nil {
		return 0, nil, &httpError{http.StatusBadRequest, err.Error(), 0}
	}
	id := r.Header.Get(BatchIDHeader)
	if len(id) > maxBatchID {
		return 0, nil, &httpError{http.StatusBadRequest, fmt.Sprintf("header %s: longer than %d characters", BatchIDHeader, maxBatchID), 0}
	}
	mine := share{of: h.in.reading}
	defer mine.giveBack()
	body, err := h.readBody(w, r, &mine)
	if err != nil {
		return 0, nil, h.bodyError(err)
	}
	_, _, err = h.take(r.Context(), d, id, body, r.Header.Get("Content-Type"))
	return d.Late, d.warnings(), err
}

// Submit takes in a JSON body that came through another door. The id may be empty.
func (h *Handler) Submit(ctx context.Context, id string, body []byte) (events int, receipt Receipt, warnings []string, err error) {
	if len(id) > maxBatchID {
		return 0, Receipt{}, nil, &BadInput{Element: -1, Detail: fmt.Sprintf("the batch's id is longer than %d characters", maxBatchID)}
	}
	mine := share{of: h.in.reading}
	defer mine.giveBack()
	if err := mine.cover(ctx, int64(len(body)), bodyPatience); err != nil {
		h.in.metrics.refuse(err)
		return 0, Receipt{}, nil, err
	}
	d := &Decoder{Now: h.in.deps.Now(), Locator: h.in.deps.Locator}
	events, receipt, err = h.take(ctx, d, id, body, "application/json")
	return events, receipt, d.warnings(), err
}

// take decodes a body and submits its events.
func (h *Handler) take(ctx context.Context, d *Decoder, id string, body []byte, contentType string) (int, Receipt, error) {
	h.in.metrics.bytes.Add(float64(len(body)))
	events, err := decodeBody(d, body, contentType)
	if err != nil {
		h.in.metrics.refused.WithLabelValues("bad_input").Inc()
		return 0, Receipt{}, err
	}
	h.in.metrics.received.Add(float64(len(events)))
	d.late(h.in.countLate(events, schema.MillisOf(d.Now)), h.in.deps.Lateness)
	h.in.clocks.unreadable(d.BadTimes, d.Now)
	h.in.metrics.decoded(d, &h.in.clocks)
	receipt, err := h.in.Submit(ctx, Batch{ID: id, Events: events})
	return len(events), receipt, err
}

// readBody reads the body within the request's share of memory. What a sender
// announces is waited for before anything is read; what turns out larger than
// that is not.
func (h *Handler) readBody(w http.ResponseWriter, r *http.Request, mine *share) ([]byte, error) {
	if r.ContentLength > h.maxBody() {
		return nil, errBodyTooLarge
	}
	if err := mine.cover(r.Context(), max(r.ContentLength, smallChunk), bodyPatience); err != nil {
		return nil, err
	}
	body := steady{r.Body, http.NewResponseController(w)}
	defer func() { _ = body.control.SetReadDeadline(time.Time{}) }()
	return readBody(body, r.Header.Get("Content-Encoding"), h.maxBody(), func(total int64) error {
		return mine.cover(r.Context(), total, 0)
	})
}

// stall is how long a sender may send nothing in the middle of a body. It holds
// memory meanwhile.
const stall = 30 * time.Second

// steady is a body that ends with an error when its sender stalls.
type steady struct {
	io.Reader
	control *http.ResponseController
}

func (s steady) Read(b []byte) (int, error) {
	_ = s.control.SetReadDeadline(time.Now().Add(stall)) // a test's recorder has none
	return s.Reader.Read(b)
}

func (h *Handler) maxBody() int64 { return h.in.config.MaxBody }

func (h *Handler) bodyError(err error) error {
	var full *ErrBackpressure
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
		return &httpError{http.StatusRequestTimeout, fmt.Sprintf("nothing came for %s in the middle of the body; send it again", stall), 0}
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
		Host: q.Get("hostname"), Tags: SplitTags(q.Get("ddtags")), Locator: h.in.deps.Locator,
	}
	if s := q.Get("nj_year"); s != "" {
		year, err := strconv.Atoi(s)
		if err != nil || year < 1900 || year > 2299 {
			return nil, fmt.Errorf("query parameter nj_year: want a year from 1900 to 2299, got %q", s)
		}
		d.Year = year
	}
	if s := q.Get("nj_tz"); s != "" {
		zone, err := ParseZone(s)
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
	switch kind {
	case "text/plain":
		return d.Lines(body)
	case "application/logplex-1":
		return d.Lines(frame.ReplaceAll(body, []byte("$1")))
	}
	return d.JSON(body)
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
	var bad *BadInput
	var full *ErrBackpressure
	var away *ErrUnavailable
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

func reply(w http.ResponseWriter, err error) {
	e := asHTTP(err)
	w.Header().Set("Content-Type", "application/json")
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.retryAfter.Seconds()))))
	}
	w.WriteHeader(e.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{
		"status": strconv.Itoa(e.status), "title": http.StatusText(e.status), "detail": e.detail,
	}}})
}
