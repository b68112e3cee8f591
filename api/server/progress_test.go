package server

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"nightjar/api"
	"nightjar/api/services/events"
)

// TestASearchSaysHowFarItIs asks while it runs, as the caller and as another.
func TestASearchSaysHowFarItIs(t *testing.T) {
	w := newWorld()
	reading, goOn := make(chan struct{}), make(chan struct{})
	w.sql = func(ctx context.Context) (events.SQLResult, error) {
		api.ReadingOf(ctx).Add(12, 61)
		api.ReadingOf(ctx).Add(3, 0)
		api.ReadingOf(ctx).Done(0.5)
		close(reading)
		<-goOn
		return events.SQLResult{}, nil
	}
	s := w.start(t)
	const path = "/api/nightjar/v1/search/progress/"
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+s.HTTPAddr().String()+"/api/nightjar/v1/sql", strings.NewReader(`{"query":"SELECT 1"}`))
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("X-Nightjar-Search", "mine")
		r.Header.Set("DD-API-KEY", testKey)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			return
		}
		_ = answer.Body.Close()
	}()
	<-reading
	if status, answer := call(t, s, "GET", path+"mine", ""); status != 200 || answer != `{"running":true,"read_rows":15,"total_rows":61,"done":0.5}` {
		t.Errorf("%d %s", status, answer)
	}
	const none = `{"running":false,"read_rows":0,"total_rows":0,"done":0}`
	if _, answer := call(t, s, "GET", path+"another", ""); answer != none {
		t.Errorf("another search: %s", answer)
	}
	close(goOn)
	<-answered
	if _, answer := call(t, s, "GET", path+"mine", ""); answer != none {
		t.Errorf("afterwards: %s", answer)
	}
}
