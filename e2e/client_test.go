package e2e

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nightjar/content"
	"nightjar/testenv"
)

// A command that is interrupted, or that a busy engine refuses, says just that.
func TestACommandSaysThatItWasInterruptedOrThatTheEngineIsBusy(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/busy"):
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"errors":["eight searches are running"]}`))
		case strings.HasPrefix(r.URL.Path, "/narrow"):
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"errors":["Forbidden: this needs the permission events:read, which the role intake has not"]}`))
		case strings.HasPrefix(r.URL.Path, "/wrong"):
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"errors":["Forbidden"]}`))
		default:
			asked <- struct{}{}
			select {
			case <-r.Context().Done():
			case <-release:
			}
		}
	}))
	defer server.Close()
	defer close(release)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	command := func(base string, args ...string) (*exec.Cmd, *bytes.Buffer) {
		var errs bytes.Buffer
		cmd := exec.Command(path, append(args, "--server", base)...)
		cmd.Env = append(os.Environ(), "NIGHTJAR_API_KEY="+strings.Repeat("0123456789abcdef", 2))
		cmd.Stderr = &errs
		return cmd, &errs
	}
	log := filepath.Join(t.TempDir(), "x.log")
	if err := os.WriteFile(log, []byte("one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"search", "x"}, {"sql", "SELECT 1"}, {"rules", "list"}, {"signals", "list"}, {"backup", "-"}, {"explain", "--rule", "x", "--event", "y"},
		{"ingest", "--source", "x", log},
	} {
		cmd, errs := command(server.URL, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-asked
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // how it ended is below
		if code := cmd.ProcessState.ExitCode(); code != exitFailure || !strings.HasPrefix(errs.String(), "nightjar: interrupted") || strings.Contains(errs.String(), "context") || strings.Contains(errs.String(), "http") {
			t.Errorf("%v: exit %d, %q", args, code, errs)
		}
	}
	for base, want := range map[string]string{
		server.URL + "/narrow": "nightjar: the engine refuses this: this needs the permission events:read, which the role intake has not\n",
		server.URL + "/busy":   "nightjar: the engine is busy: eight searches are running; try again in 3s\n",
		server.URL + "/wrong":  "nightjar: the engine does not take this key: Forbidden\n",
		"http://127.0.0.1:1":   "nightjar: no engine listens at http://127.0.0.1:1: start it with `nightjar up`, or name another with --server or NIGHTJAR_SERVER\n",
	} {
		cmd, errs := command(base, "search", "x")
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != exitFailure || errs.String() != want {
			t.Errorf("%s: exit %d, %q, want %q", base, code, errs, want)
		}
	}
}

// What the guide tells to do with the bundled rules fits them.
func TestTheGuideFitsTheBundledRules(t *testing.T) {
	t.Parallel()
	guide := read(t, filepath.Join(testenv.ModuleRoot(t), "docs/guide.md"))
	imported := regexp.MustCompile(`nightjar tables import (\w+) \S+ --columns (\S+)`).FindStringSubmatch(guide)
	if imported == nil {
		t.Fatal("the guide imports no table")
	}
	rule, err := content.Files.ReadFile("rules/login-from-listed-address.json")
	if err != nil {
		t.Fatal(err)
	}
	if want := `"tableName": "` + imported[1] + `", "columnName": "` + imported[2] + `"`; !strings.Contains(string(rule), want) {
		t.Errorf("the guide imports table %s with column %s, which the bundled rule does not ask", imported[1], imported[2])
	}
	posted := regexp.MustCompile(`-d @content/(\S+)`).FindStringSubmatch(guide)
	if posted == nil || posted[1] == "rules/ssh-brute-force.json" {
		t.Errorf("the guide posts %q; the demo has made that rule already", posted)
	} else if _, err := content.Files.ReadFile(posted[1]); err != nil {
		t.Error(err)
	}
}
