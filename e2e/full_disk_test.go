package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// absolute is a path of the machine in a text, as opposed to one of the API.
var absolute = regexp.MustCompile(`/(tmp|var|home|root|usr|etc|proc|data|mnt|work)/\S*`)

// On a disk that is full a rule is refused with the reason, the other answers go on,
// and none has a path of the machine in it; with room, all is as before.
func TestWhatAFullDiskCannotSaveIsToldWithTheReason(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=300m"); err != nil {
		t.Skipf("needs root or another kernel: mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	p := startEngineIn(t, filepath.Join(disk, "data"))
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"message":"before"}]`), nil)
	ballast := 0
	fill := func() {
		ballast++
		fillDisk(t, filepath.Join(disk, fmt.Sprint("ballast", ballast)))
	}
	fill()

	const rules = "/api/v2/security_monitoring/rules"
	p.await("refused for the disk", func() bool {
		code, text, err := p.request(http.MethodPost, rules, loadRule(0))
		if err == nil && code == http.StatusOK {
			fill() // there was room left
			return false
		}
		if err != nil || code != http.StatusInsufficientStorage || !strings.Contains(string(text), "disk is full") {
			t.Fatalf("%d %s %v", code, text, err)
		}
		return true
	})
	for _, c := range []struct{ method, path, body string }{
		{http.MethodPost, rules, string(loadRule(1))},
		{http.MethodPost, "/api/v2/security_monitoring/configuration/suppressions", `{"data":{"type":"suppressions","attributes":{"name":"s","enabled":true,"rule_query":"source:x","suppression_query":"a:b"}}}`},
		{http.MethodPost, "/api/v2/logs", `[{"message":"` + strings.Repeat("x", 200_000) + `"}]`},
		{http.MethodPost, "/api/v2/logs/events/search", `{}`},
		{http.MethodPost, backupPath, ``},
		{http.MethodPost, "/api/nightjar/v1/sql", `{"query":"SELECT count() FROM events"}`},
		{http.MethodGet, "/api/nightjar/v1/status", ``},
		{http.MethodGet, "/readyz", ``},
		{http.MethodGet, "/readyz?for=evaluate", ``},
	} {
		code, text, err := p.request(c.method, c.path, []byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
		}
		if found := absolute.Find(text); found != nil && code != http.StatusOK {
			t.Errorf("%s: %d with the path %s in it: %s", c.path, code, found, text)
		}
		if strings.Contains(string(text), "internal error") {
			t.Errorf("%s: %d %s", c.path, code, text)
		}
		t.Logf("%s: %d %.200s", c.path, code, text)
	}
	for n := range ballast {
		if err := os.Remove(filepath.Join(disk, fmt.Sprint("ballast", n+1))); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	p.await("taken again", func() bool {
		code, _, err := p.request(http.MethodPost, rules, loadRule(2))
		return err == nil && code == http.StatusOK
	})
}
