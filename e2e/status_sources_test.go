package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestTheStatusSaysWhichSourcesSend sends from two sources, and looks two hours later, after a
// restart, when one of them has sent again.
func TestTheStatusSaysWhichSourcesSend(t *testing.T) {
	t.Parallel()
	clock := filepath.Join(t.TempDir(), "clock")
	if err := os.WriteFile(clock, []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startEngineWith(t, []string{clockVariable + "=" + clock})
	send := func(source string) {
		p.call(http.MethodPost, "/api/v2/logs", fmt.Appendf(nil, `[{"ddsource":%q,"message":"m"}]`, source), nil)
	}
	type sources struct {
		Current, Silent int
		Silences        []struct {
			Source string
			Last   int64
		}
	}
	read := func() sources {
		var status struct{ Sources sources }
		p.call(http.MethodGet, "/api/nightjar/v1/status", nil, &status)
		return status.Sources
	}
	send("one")
	send("two")
	if got := read(); got.Current != 2 || got.Silent != 0 {
		t.Errorf("both have just sent: %+v", got)
	}
	p.caughtUp()
	sent := time.Now()
	if err := os.WriteFile(clock, []byte("2h"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.terminate()
	p.start()
	send("two")
	p.await("what was heard of before the start", func() bool { return read().Silent == 1 })
	got := read()
	if got.Current != 1 || len(got.Silences) != 1 || got.Silences[0].Source != "one" {
		t.Fatalf("one has been silent for two hours: %+v", got)
	}
	if last := time.UnixMilli(got.Silences[0].Last); last.After(sent) || sent.Sub(last) > time.Hour {
		t.Errorf("it was heard of at %s, which is not before %s", last, sent)
	}
}
