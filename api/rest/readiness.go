package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Readiness is what the engine may be ready for.
type Readiness string

// What GET /readyz asks: for nothing in particular is for events.
const (
	ReadyForEvents     Readiness = ""
	ReadyForEvaluation Readiness = "evaluate"
	ReadyForSearch     Readiness = "search"
)

// readyTime is how long readiness may take to find out. What does not answer by
// then is not ready.
const readyTime = 800 * time.Millisecond

func (h *Handler) ready(w http.ResponseWriter, r *http.Request) {
	what := Readiness(r.URL.Query().Get("for"))
	if what != ReadyForEvents && what != ReadyForEvaluation && what != ReadyForSearch {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "for: want evaluate or search, or nothing: whether events can be taken\n")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- h.deps.Ready(ctx, what) }() // which may be held up by a server that hangs
	var err error
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = errors.New("no answer in time")
	}
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintf(w, "not ready: %s\n", err)
		return
	}
	_, _ = io.WriteString(w, "ready\n")
}
