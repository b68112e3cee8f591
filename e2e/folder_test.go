package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/migrations"
	"nightjar/testenv"
)

func TestAFolderOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, folderStateFile)
	newer := fmt.Appendf(nil, `{"schema":%d,"version":"v99"}`, migrations.State+1)
	if err := os.WriteFile(file, newer, 0o600); err != nil {
		t.Fatal(err)
	}
	testenv.RequireLibrary(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "up", "--data-dir", dir, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "was written by a newer nightjar (v99") {
		t.Errorf("%v: %s", err, out)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != string(newer) {
		t.Errorf("the folder was changed: %s %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "clickhouse")); err == nil {
		t.Error("a server was started on it")
	}
}
