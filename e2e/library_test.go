package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

// TestTheLibraryBesideTheBinaryIsUsed runs a copy of the binary far from any
// node_modules: it has what lies beside it, or what LIBCHDB names.
func TestTheLibraryBesideTheBinaryIsUsed(t *testing.T) {
	t.Parallel()
	testenv.RequireLibrary(t)
	library, err := clickhouse.Library("")
	if err != nil {
		t.Fatal(err)
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	moved := filepath.Join(dir, "nightjar")
	program, err := os.ReadFile(path)
	if err == nil {
		err = writeProgram(moved, program)
	}
	events := filepath.Join(dir, "e.ndjson")
	if err == nil {
		err = os.WriteFile(events, []byte(`{"timestamp":1000000000000,"message":"hello"}`+"\n"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	search := func(env ...string) (string, error) {
		cmd := exec.Command(moved, "search", "hello", "--events", events, "--reader", "sql")
		cmd.Dir = dir
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, env...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := search(); err == nil || !strings.Contains(out, "LIBCHDB") || !strings.Contains(out, "beside the binary") {
		t.Errorf("without a library: %v %s", err, out)
	}
	if out, err := search("LIBCHDB=" + library); err != nil || !strings.Contains(out, "hello") {
		t.Errorf("with LIBCHDB: %v %s", err, out)
	}
	if err := os.Link(library, filepath.Join(dir, "libchdb.so")); err != nil {
		if err := os.Symlink(library, filepath.Join(dir, "libchdb.so")); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := search(); err != nil || !strings.Contains(out, "hello") {
		t.Errorf("with a library beside the binary: %v %s", err, out)
	}
}

// TestMakeRunsWithoutNpmWhereTheLibraryIsNamed asks make for its setup with
// nothing but a shell's own tools in reach.
func TestMakeRunsWithoutNpmWhereTheLibraryIsNamed(t *testing.T) {
	t.Parallel()
	makePath, err := exec.LookPath("make")
	if err != nil {
		t.Skip("no make")
	}
	tools := t.TempDir()
	for _, tool := range []string{"sh", "test", "echo"} {
		if path, err := exec.LookPath(tool); err == nil {
			if err := os.Symlink(path, filepath.Join(tools, tool)); err != nil {
				t.Fatal(err)
			}
		}
	}
	library := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(library, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	setup := func(library string) (string, error) {
		cmd := exec.Command(makePath, "-C", testenv.ModuleRoot(t), "setup")
		cmd.Env = []string{"PATH=" + tools, "LIBCHDB=" + library}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := setup(library); err != nil || !strings.Contains(out, library) {
		t.Errorf("setup: %v\n%s", err, out)
	}
	if out, err := setup(library + ".none"); err == nil || !strings.Contains(out, "unset it") {
		t.Errorf("setup without the file: %v\n%s", err, out)
	}
}
