package agent

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func contextOf(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}

func init() {
	works["open"] = func(args []string) error {
		f, err := os.Open(args[0])
		if err != nil {
			return err
		}
		return f.Close()
	}
	works["open often"] = func(args []string) error {
		for range 2000 {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			f.Close()
		}
		return nil
	}
	works["unlink"] = func(args []string) error { return os.Remove(args[0]) }
}

func TestWhatARuleAsksForIsFoundAndTheRestStaysInTheKernel(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.txt")
	if err := os.WriteFile(secret, []byte("x"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	w := watch(t, `
		secret: open.file.path == "`+secret+`"
		gone: unlink.file.name == "secret.txt"
		started: exec.argv in ["`+secret+`"]
	`)
	pid := do(t, "open", filepath.Join(dir, "link"))
	m := w.one("secret", pid)
	if got := m.event.File; got.Path != secret || got.Mode != 0o100640 || got.Inode == 0 {
		t.Errorf("the file is %+v", got)
	}
	if got := m.event.Syscall.Path; got != filepath.Join(dir, "link") {
		t.Errorf("the call's path is %q", got)
	}
	w.one("gone", do(t, "unlink", secret))
	if len(w.of("started", 0)) != 1 {
		t.Errorf("%d execs with the path, want that of unlink only", len(w.of("started", 0)))
	}
	do(t, "open often", dir)
	w.stop()
	w.adds()
	// A few of other programs are delivered while the rules are put in force.
	if o := w.last.Events["open"]; o.Filtered < max(2000, 10*o.Delivered) {
		t.Errorf("opens: %+v, want nearly all filtered", o)
	}
}
