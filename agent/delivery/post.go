package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter bounds how long a server can have an agent wait: one that says a year
// is wrong.
const maxRetryAfter = 15 * time.Minute

// An answer is the server's, or that there was none.
type answer struct {
	taken, refused bool
	reason         string
	after          time.Duration // what the server asks to wait
}

func (s *Sender) post(ctx context.Context, b *batch) answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(b.body))
	if err != nil {
		return answer{reason: err.Error()}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("DD-API-KEY", s.config.Key)
	req.Header.Set("Nightjar-Batch-Id", b.id)
	resp, err := s.config.Client.Do(req)
	if err != nil {
		return answer{reason: err.Error()}
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // what there is of it explains
	a := answer{taken: resp.StatusCode < 300, reason: reason(resp.Status, text)}
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		a.refused = true
	}
	a.after = RetryAfter(resp.Header, time.Now())
	return a
}

// RetryAfter is what a server asks to wait, in seconds or until a time (RFC 9110,
// 10.2.3), at most 15 minutes; 0 where it asks for nothing that can be read.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if !(seconds > 0) {
			return 0
		}
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// reason is the server's status and the first of its errors.
func reason(status string, body []byte) string {
	var said struct{ Errors []json.RawMessage }
	if json.Unmarshal(body, &said) != nil || len(said.Errors) == 0 {
		return status
	}
	return status + ": " + string(said.Errors[0])
}
