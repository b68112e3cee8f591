package testenv_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

// innerEnv makes this test binary one that starts a server and ends.
const innerEnv = "NIGHTJAR_TESTENV_INNER"

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	for range 2 {
		conn := testenv.ClickHouse(t)
		if err := conn.Exec(t.Context(), "CREATE TABLE mine (n UInt8) ENGINE = Memory"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServerAndItsFolderEndWithTheBinary(t *testing.T) {
	testenv.RequireLibrary(t)
	if os.Getenv(innerEnv) != "" {
		testenv.ClickHouse(t)
		return
	}
	temp := t.TempDir()
	inner := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	inner.Env = append(os.Environ(), innerEnv+"=1", "TMPDIR="+temp, clickhouse.LibraryEnv+"="+library(t))
	if out, err := inner.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		left, err := filepath.Glob(filepath.Join(temp, "nightjar-test-*"))
		if err == nil && len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %v, %v", left, err)
		}
	}
}

func library(t *testing.T) string {
	t.Helper()
	path, err := clickhouse.Library("")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSharedFilesAreFound(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(testenv.SharedEnv, dir)
	if path := testenv.Shared(t, "file"); path != filepath.Join(dir, "file") {
		t.Error(path)
	}
	t.Run("absent", func(t *testing.T) {
		t.Setenv(testenv.SharedEnv, filepath.Join(dir, "nowhere"))
		defer func() {
			if !t.Skipped() {
				t.Error("not skipped")
			}
		}()
		testenv.Shared(t, "file")
	})
	if _, err := os.Stat(filepath.Join(testenv.ModuleRoot(t), "testenv", "testenv_test.go")); err != nil {
		t.Error(err)
	}
}
