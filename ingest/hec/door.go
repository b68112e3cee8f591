package hec

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"nightjar/ingest"
	"nightjar/schema"
)

// Path is where all of the collector is; what is below it says what a request is.
const Path = "/services/collector"

// Door is the collector.
type Door struct {
	ingest.Keyed
	handler *ingest.Handler
	// acknowledged is the highest arrival number that is durable: what has a number
	// up to there is acknowledged.
	acknowledged func() uint64
	full         func() bool
}

// New is the collector of this intake.
func New(in *ingest.Intake) *Door {
	return &Door{handler: ingest.NewHandler(in), acknowledged: in.Acknowledged, full: in.Full}
}

// Answers of the collector, by its own numbers.
var (
	success       = outcome{http.StatusOK, 0, "Success"}
	noToken       = outcome{http.StatusUnauthorized, 2, "Token is required"}
	wrongScheme   = outcome{http.StatusUnauthorized, 3, "Invalid authorization"}
	wrongToken    = outcome{http.StatusForbidden, 4, "Invalid token"}
	noData        = outcome{http.StatusBadRequest, 5, "No data"}
	badFormat     = outcome{http.StatusBadRequest, 6, "Invalid data format"}
	busy          = outcome{http.StatusServiceUnavailable, 9, "Server is busy"}
	noChannel     = outcome{http.StatusBadRequest, 10, "Data channel is missing"}
	noEvent       = outcome{http.StatusBadRequest, 12, "Event field is required"}
	blankEvent    = outcome{http.StatusBadRequest, 13, "Event field cannot be blank"}
	healthy       = outcome{http.StatusOK, 17, "HEC is healthy"}
	unhealthyFull = outcome{http.StatusServiceUnavailable, 18, "HEC is unhealthy, queues are full"}
)

type outcome struct {
	status, code int
	text         string
}

// outcomeError refuses a request because of one of its events, numbered from 0.
type outcomeError struct {
	outcome
	event  int
	detail string
}

func (e *outcomeError) Error() string { return e.detail }

// what is the part of the collector that a request is for: event, raw, ack or health;
// empty: none.
func what(path string) string {
	rest, _ := strings.CutPrefix(path, Path)
	switch rest = strings.TrimSuffix(strings.Trim(rest, "/"), "/1.0"); rest {
	case "", "1.0":
		return "event"
	case "event", "raw", "ack", "health":
		return rest
	}
	return ""
}

// channel is the sender's name for itself, without which there are no acks.
func channel(r *http.Request) string {
	if c := r.Header.Get("X-Splunk-Request-Channel"); c != "" {
		return c
	}
	return r.URL.Query().Get("channel")
}

// Open implements api.Door: the health of the collector is no secret.
func (d *Door) Open(r *http.Request) bool {
	asks := *r
	if what(r.URL.Path) == "health" && r.Method == http.MethodGet {
		asks.Method = http.MethodHead // whoever sends a token wants to know if it is right
	}
	return ingest.AsksOnly(&asks)
}

// Refuse implements api.Door.
func (d *Door) Refuse(w http.ResponseWriter, r *http.Request, status int, _ string) {
	out := wrongToken
	switch {
	case status == http.StatusUnauthorized && r.Header.Get("Authorization") != "":
		out = wrongScheme
	case status == http.StatusUnauthorized:
		out = noToken
	case what(r.URL.Path) == "health":
		out.status = http.StatusBadRequest
	}
	out.write(w, "")
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if ingest.Alive(w, r) {
		return
	}
	switch part := what(r.URL.Path); {
	case part == "health":
		d.health(w)
	case part == "":
		outcome{http.StatusNotFound, 404, "there is event, raw, ack and health below " + Path}.write(w, "")
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		outcome{http.StatusMethodNotAllowed, 405, "events are sent with POST"}.write(w, "")
	case part == "ack":
		d.ack(w, r)
	default:
		d.take(w, r, part == "raw")
	}
}

func (d *Door) health(w http.ResponseWriter) {
	if d.full() {
		unhealthyFull.write(w, "")
		return
	}
	healthy.write(w, "")
}

// take takes events in, and answers when they are durable.
func (d *Door) take(w http.ResponseWriter, r *http.Request, raw bool) {
	from := channel(r)
	taken, err := d.handler.Receive(w, r, func(dec *ingest.Decoder, body []byte) (ingest.Batch, error) {
		read := readEvents
		if raw {
			read = readRaw
		}
		events, err := read(dec, body, r.URL.Query())
		b := ingest.Batch{Events: events}
		if err == nil {
			b.Resendable(dec, body, "hec", from, r.URL.RawQuery)
		}
		return b, err
	})
	if err != nil {
		refuse(w, err)
		return
	}
	more := ""
	if from != "" {
		// What is answered is durable: any number up to here is acknowledged.
		last := taken.Receipt.Last
		if last == 0 {
			last = d.acknowledged()
		}
		more = `,"ackId":` + strconv.FormatUint(last, 10)
	}
	success.write(w, more)
}

// ack says which of the numbers are of events that are durable: all that were given.
func (d *Door) ack(w http.ResponseWriter, r *http.Request) {
	if channel(r) == "" {
		noChannel.write(w, "")
		return
	}
	var asked struct{ Acks []uint64 }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&asked); err != nil {
		badFormat.write(w, `,"detail":`+schema.QuoteJSON(`want {"acks":[1,2]}: `+err.Error()))
		return
	}
	acks := map[uint64]bool{}
	for _, n := range asked.Acks {
		acks[n] = n <= d.acknowledged()
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"acks": acks})
}

// refuse answers an error of the intake.
func refuse(w http.ResponseWriter, err error) {
	f := ingest.RefusalOf(err)
	var mine *outcomeError
	var bad *ingest.BadInputError
	switch {
	case errors.As(err, &mine):
		more := ""
		if mine.event >= 0 {
			more = `,"invalid-event-number":` + strconv.Itoa(mine.event)
		}
		if mine.detail != "" {
			more += `,"detail":` + schema.QuoteJSON(mine.detail)
		}
		mine.outcome.write(w, more)
	case f.Busy:
		f.SetRetryAfter(w.Header())
		busy.write(w, `,"detail":`+schema.QuoteJSON(f.Detail))
	case errors.As(err, &bad) && !bad.TooLarge:
		badFormat.write(w, `,"detail":`+schema.QuoteJSON(f.Detail))
	default:
		outcome{f.Status, badFormat.code, http.StatusText(f.Status)}.write(w, `,"detail":`+schema.QuoteJSON(f.Detail))
	}
}

func (o outcome) write(w http.ResponseWriter, more string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(o.status)
	_, _ = w.Write([]byte(`{"text":` + schema.QuoteJSON(o.text) + `,"code":` + strconv.Itoa(o.code) + more + `}`))
}
