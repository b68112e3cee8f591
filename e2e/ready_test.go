package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// ready asks for readiness. An answer that waits for a server which stands still never comes.
func (p *process) ready(what string) int {
	p.t.Helper()
	client := http.Client{Timeout: patience}
	resp, err := client.Get(p.base + "/readyz?for=" + what)
	if err != nil {
		p.t.Errorf("readyz for %q: %v", what, err)
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// While ClickHouse hangs, readiness and status answer, and events are taken; when it
// goes on, all is well again.
func TestAServerThatHangsIsToldAndEventsAreTaken(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	for _, what := range []string{"", "evaluate", "search"} {
		if got := p.ready(what); got != http.StatusOK {
			t.Errorf("ready for %q: %d", what, got)
		}
	}
	if got := p.ready("coffee"); got != http.StatusBadRequest {
		t.Errorf("ready for coffee: %d", got)
	}
	pid := p.serverPid()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	p.await("the server has stopped", func() bool { return stopped(pid) })
	for what, want := range map[string]int{"": http.StatusOK, "evaluate": http.StatusServiceUnavailable, "search": http.StatusServiceUnavailable} {
		if got := p.ready(what); got != want {
			t.Errorf("ready for %q while the server hangs: %d, want %d", what, got, want)
		}
	}
	if code, text, err := p.request(http.MethodPost, "/api/v2/logs", []byte(`[{"message":"taken"}]`)); err != nil || code != http.StatusAccepted {
		t.Errorf("%d %s %v", code, text, err)
	}
	code, text, err := p.request(http.MethodGet, "/api/nightjar/v1/status", nil)
	if err != nil || code != http.StatusOK || !bytes.Contains(text, []byte(`"state":"down"`)) {
		t.Errorf("%d %s %v", code, text, err)
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.await("ready to search again", func() bool { return p.ready("search") == http.StatusOK })
	p.await("stored", func() bool { return p.count("SELECT count() FROM events") == 1 })
}

// stopped reports whether every thread of the process stands still: a signal that
// stops it has been sent before it has.
func stopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, t := range threads {
		text, err := os.ReadFile(t)
		if _, state, found := strings.Cut(string(text), ") "); err != nil || !found || !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return len(threads) > 0
}

// Seven quick deaths end nothing: events are taken in between, and all are stored.
func TestSevenDeathsOfTheServerEndNothing(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	taken := uint64(0)
	for range 7 {
		old := p.serverPid()
		p.killServer()
		if code, text, err := p.request(http.MethodPost, "/api/v2/logs", []byte(`[{"message":"taken"}]`)); err != nil || code != http.StatusAccepted {
			t.Fatalf("%d %s %v", code, text, err)
		}
		taken++
		if p.ready("") != http.StatusOK {
			t.Error("not ready for events")
		}
		p.await("another server", func() bool {
			for _, pid := range children(t, p.cmd.Process.Pid) {
				line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
				if pid != old && bytes.Contains(line, []byte("__clickhouse")) {
					return true
				}
			}
			return false
		})
	}
	p.await("stored", func() bool { return p.count("SELECT count() FROM events") == taken })
}
