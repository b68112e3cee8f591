package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheSameWordsTwiceOnStandardInputAreTwoEvents is a job that tells each time it
// fails.
func TestTheSameWordsTwiceOnStandardInputAreTwoEvents(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	for range 2 {
		cmd := p.command("ingest", "--source", "job", "-")
		cmd.Stdin = strings.NewReader("backup failed\n")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "1 lines acknowledged") {
			t.Errorf("%v: %s", err, out)
		}
	}
	p.caughtUp()
	if n := p.count("SELECT count() FROM events WHERE source = 'job'"); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
}

// TestAFileThatCannotBeReadDoesNotKeepTheOthersFromBeingSent is a folder such as
// /var/log, which holds more than texts.
func TestAFileThatCannotBeReadDoesNotKeepTheOthersFromBeingSent(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"a.log": "one\n", "b.bin": "x\n" + strings.Repeat("\x00", 500), "c.json": "[{]", "d.log": "two\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, stderr, code := p.run("ingest", "--source", "folder", dir)
	for _, says := range []string{"b.bin is binary", "c.json:1: ", "2 lines acknowledged", "2 parts could not be read"} {
		if !strings.Contains(stderr, says) {
			t.Errorf("%s lacks %q", stderr, says)
		}
	}
	if code != exitFailure {
		t.Errorf("exit %d", code)
	}
	p.caughtUp()
	if n := p.count("SELECT count() FROM events WHERE source = 'folder' AND message IN ('one', 'two')"); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
	p.terminate()
	if _, stderr, code := p.run("ingest", "--wait", "100ms", "--source", "folder", "--again", dir); code != exitFailure || strings.Count(stderr, "not acknowledged") != 1 {
		t.Errorf("an engine that is away is told once: exit %d, %s", code, stderr)
	}
}
