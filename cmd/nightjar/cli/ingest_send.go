package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"nightjar/ingest"
	"nightjar/ingest/files"
	"nightjar/schema"
)

// shipper sends the records of files to the intake.
type shipper struct {
	client       *client
	source, tags string
	year         int
	zone         string
	again        bool
	salt         string // tells what is sent again from what was
	run          string // tells what this run reads from a stream from what another did
	lines        int    // per request
	wait         time.Duration
	patient      bool // an engine that is away is waited for
	tally
}

// maxRequest bounds a request's bytes, well below what the intake takes.
const maxRequest = 4 << 20

// query says how the events are to be read. The source stands in where an event has
// none.
func (s *shipper) query() url.Values {
	q := url.Values{"ddsource": {s.source}}
	if s.tags != "" {
		q.Set("ddtags", s.tags)
	}
	if s.year != 0 {
		q.Set("nj_year", fmt.Sprint(s.year))
	}
	if s.zone != "" {
		q.Set("nj_tz", s.zone)
	}
	return q
}

// itemOf is a record as an item of a request: an object as it is, if it can be
// read, and the object of a raw line. What nobody says what wrote it is sent, too,
// and counted.
func (s *shipper) itemOf(reader *ingest.Decoder, r files.Record) ([]byte, error) {
	if !r.JSON {
		if s.source == "" {
			s.note(reader.Line(r.Text), r.Place)
		}
		return rawItem(r.Text)
	}
	e, err := reader.Record(r.Text, true)
	if err != nil {
		return nil, err
	}
	s.note(e, r.Place)
	return bytes.Clone(r.Text), nil
}

// rawItem is a raw line as an item of a request.
func rawItem(line []byte) ([]byte, error) {
	return json.Marshal(map[string]string{"message": string(line)})
}

// note counts an event that has no source: no pipeline is for it.
func (s *shipper) note(e schema.Event, at files.Place) {
	if s.source != "" || e.Source != "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nameless++; s.nameless == 1 {
		s.firstNameless = at
	}
}

// send posts one batch, which begins at this place of a file, until it is
// acknowledged; duplicate tells that its id was acknowledged before.
func (s *shipper) send(ctx context.Context, batch [][]byte, first files.Place, id string) (duplicate bool, err error) {
	body := slices.Concat([]byte{'['}, bytes.Join(batch, []byte{','}), []byte{']'})
	if id == "" {
		id = batchID(body, s.query().Encode()+s.run, first)
	}
	header := http.Header{"Nightjar-Batch-Id": {id}}
	var taken struct {
		Warnings  []string
		Late      int
		Duplicate bool
	}
	err = s.retry(ctx, func() error {
		return s.client.do(ctx, http.MethodPost, "/api/v2/logs?"+s.query().Encode(), header, body, &taken)
	})
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if taken.Duplicate {
		return true, nil
	}
	s.late += taken.Late
	for _, w := range taken.Warnings {
		if strings.HasPrefix(w, ingest.LatePrefix) {
			continue // the sum is told at the end
		}
		fmt.Fprintf(os.Stderr, "warning: the request from %s on: %s\n", first, w)
	}
	s.sent += len(batch)
	s.requests++
	return false, nil
}

// positions are how far the file with this beginning was sent.
func (s *shipper) positions(ctx context.Context, begin hash) ([]ingest.FilePosition, error) {
	var answer struct{ Positions []ingest.FilePosition }
	err := s.retry(ctx, func() error {
		return s.client.do(ctx, http.MethodGet, ingest.FilesPath+"?begin="+begin.String(), nil, nil, &answer)
	})
	return answer.Positions, err
}

// engineError is what the engine says, or that it says nothing: no fault of a file.
type engineError struct{ error }

// Unwrap is what it is.
func (e *engineError) Unwrap() error { return e.error }

// retry calls until there is an answer that more calls would not change, or nobody
// waits any more.
func (s *shipper) retry(ctx context.Context, call func() error) error {
	deadline := time.Now().Add(s.wait)
	told := false
	pauses := backoff.ExponentialBackOff{InitialInterval: 200 * time.Millisecond, Multiplier: 2, MaxInterval: 5 * time.Second}
	for {
		err := call()
		if err == nil {
			if told {
				fmt.Fprintln(os.Stderr, "the engine is back")
			}
			return nil
		}
		pause := pauses.NextBackOff()
		var answer *httpError
		if errors.As(err, &answer) {
			if answer.status != http.StatusTooManyRequests && answer.status < 500 {
				return &engineError{err}
			}
			pause = max(pause, answer.retry)
		}
		if ctx.Err() != nil || !s.patient && time.Now().Add(pause).After(deadline) {
			return &engineError{fmt.Errorf("not acknowledged after %s: %w", s.wait, err)}
		}
		if s.patient && !told {
			told = true
			fmt.Fprintf(os.Stderr, "waiting for the engine: %v\n", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// batchID is equal for the same records, at the same place of a stream, read in the
// same way by the same run: two runs that read the same words mean two events.
func batchID(body []byte, how string, first files.Place) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n", how, first)
	sum.Write(body)
	return "ingest-" + hex.EncodeToString(sum.Sum(nil)[:16])
}
