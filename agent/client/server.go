package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"nightjar/agent/delivery"
	"nightjar/agent/orders"
)

// Server is how a server is reached. Its certificate is checked by the client's transport.
type Server struct {
	Base string // https://host:port
	HTTP *http.Client
}

// RefusalError is an answer of a server that is none to what it was asked.
type RefusalError struct {
	Status int
	Reason string        // its own words
	After  time.Duration // what it asks to wait
}

func (r *RefusalError) Error() string { return r.Reason }

// post sends JSON with a key and reads the answer, of which there may be none.
func (s Server) post(ctx context.Context, path, key string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(s.Base, "/")+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("DD-API-KEY", key)
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	const most = 2 * orders.MaxPayload // in base64, and what is around it
	answer, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if resp.StatusCode >= 300 {
		return &RefusalError{Status: resp.StatusCode, Reason: reasonOf(resp.Status, answer), After: delivery.RetryAfter(resp.Header, time.Now())}
	}
	if len(answer) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}

// reasonOf is the first message of an error body, else the status.
func reasonOf(status string, body []byte) string {
	var said struct{ Errors []json.RawMessage }
	if json.Unmarshal(body, &said) != nil || len(said.Errors) == 0 {
		return status
	}
	var text string
	var object struct{ Detail, Title string }
	switch {
	case json.Unmarshal(said.Errors[0], &text) == nil:
		return text
	case json.Unmarshal(said.Errors[0], &object) == nil && object.Detail != "":
		return object.Detail
	}
	return status
}

// Enroll makes a host an agent of a server and keeps its identity in the state folder. It
// does not keep the token.
func Enroll(ctx context.Context, s Server, token string, about orders.Enrolment, dir string) (*Identity, error) {
	var got orders.Enrolled
	err := s.post(ctx, "/api/nightjar/v1/agents/enroll", token, about, &got)
	var refused *RefusalError
	switch {
	case errors.As(err, &refused) && (refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden):
		return nil, fmt.Errorf("%s takes no agent for this enrolment token: %w; unless that says more, it is unknown there or was revoked (nightjar agents token makes another)", s.Base, err)
	case err != nil:
		return nil, fmt.Errorf("enroll at %s: %w", s.Base, err)
	}
	i := &Identity{ID: got.Agent, Key: got.Key, ServerKey: got.ServerKey}
	if i.ID == "" || i.Key == "" || strings.ContainsAny(i.ID+i.Key, "\r\n") {
		return nil, fmt.Errorf("enroll at %s: it answers without an id and a key; is it an engine?", s.Base)
	}
	if err := i.save(dir); err != nil {
		return nil, fmt.Errorf("keep the agent's identity: %w", err)
	}
	return i, nil
}
