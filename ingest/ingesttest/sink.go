package ingesttest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nightjar/ingest"
	"nightjar/ingest/pipeline"
	"nightjar/schema"
)

// Now is the intake's clock.
var Now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// Intake is an intake, and what it has stored.
type Intake struct {
	*ingest.Intake
	t    testing.TB
	mu   sync.Mutex
	list []schema.Event
	stop func()
}

// Start runs an intake in the folder until the test ends; edit changes what it is
// made of.
func Start(t testing.TB, dir string, edit ...func(*ingest.Deps)) *Intake {
	t.Helper()
	in := &Intake{t: t}
	deps := ingest.Deps{
		Dir: dir, Sink: in, Now: func() time.Time { return Now }, Log: slog.New(slog.DiscardHandler),
		Config: ingest.Config{Linger: time.Millisecond}, Pipelines: Shipped(t),
	}
	for _, f := range edit {
		f(&deps)
	}
	var err error
	if in.Intake, err = ingest.New(deps); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	in.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(in.stop)
	return in
}

// Shipped are the pipelines that ship.
func Shipped(t testing.TB) ingest.Pipelines {
	t.Helper()
	set, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

var shipped = sync.OnceValues(func() (*pipeline.Set, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	all, err := pipeline.Load(os.DirFS(filepath.Join(root, "content")), "pipelines")
	if err != nil {
		return nil, err
	}
	return pipeline.NewSet(all, pipeline.Deps{Budget: -1}), nil
})

// moduleRoot is the folder that go.mod is in. Package content can't be asked for its
// files: it imports this one in its tests.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod in this folder or above it")
		}
		dir = filepath.Dir(dir)
	}
}

// Stop ends it; its folder can be started again.
func (in *Intake) Stop() { in.stop() }

// Insert implements ingest.Sink.
func (in *Intake) Insert(_ context.Context, _ string, events []schema.Event) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.list = append(in.list, events...)
	return nil
}

// LastSeq implements ingest.Sink.
func (in *Intake) LastSeq(context.Context) (uint64, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.list) == 0 {
		return 0, nil
	}
	return in.list[len(in.list)-1].Seq, nil
}

// Settle implements ingest.Sink.
func (in *Intake) Settle(_ context.Context, _ string, first, last uint64) (uint64, error) {
	stored, err := in.LastSeq(context.Background())
	return max(first-1, min(stored, last)), err
}

// Present implements ingest.Sink: nothing is set aside here.
func (in *Intake) Present(context.Context, uint64, uint64) (map[uint64]bool, error) { return nil, nil }

// Events are all that was acknowledged, once it is stored.
func (in *Intake) Events() []schema.Event {
	in.t.Helper()
	for end := time.After(20 * time.Second); ; {
		changed := in.StoredChanged()
		if in.Stored() >= in.Acknowledged() {
			in.mu.Lock()
			defer in.mu.Unlock()
			return in.list
		}
		select {
		case <-changed:
		case <-end:
			in.t.Fatalf("stored %d, acknowledged %d", in.Stored(), in.Acknowledged())
		}
	}
}

// Send sends a request to a door; header lists names and values.
func Send(door http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	return w
}
