package clickhouse_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

func TestMissingLibrarySaysWhatToDo(t *testing.T) {
	// Far from the repository, the only place left is the executable's folder.
	t.Chdir(t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(clickhouse.LibraryEnv, "")
	_, err := clickhouse.Library("")
	if err == nil {
		t.Skip("the test binary lies beside a library")
	}
	if !strings.Contains(err.Error(), "make setup") || !strings.Contains(err.Error(), clickhouse.LibraryEnv) || clickhouse.Installed() {
		t.Error(err)
	}
}

func TestLibraryIsFoundInAFolderAbove(t *testing.T) {
	root := t.TempDir()
	below := filepath.Join(root, "some", "package")
	for _, name := range []string{"lib-linux-x64-gnu", "lib-linux-arm64-gnu", "lib-darwin-x64", "lib-darwin-arm64"} {
		dir := filepath.Join(root, "node_modules", "@chdb", name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "libchdb.so"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(below, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(below)
	t.Setenv(clickhouse.LibraryEnv, "")
	path, err := clickhouse.Library("")
	if err != nil || !strings.HasPrefix(path, root) {
		t.Errorf("%q, %v", path, err)
	}

	own := filepath.Join(root, "own.so")
	t.Setenv(clickhouse.LibraryEnv, own)
	if _, err := clickhouse.Library(""); err == nil || !strings.Contains(err.Error(), own) {
		t.Errorf("a missing library of the user's own: %v", err)
	}
	if err := os.WriteFile(own, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if path, err := clickhouse.Library(""); err != nil || path != own {
		t.Errorf("%q, %v", path, err)
	}
}

func TestLockFilePinsTheLibraryAndNoAddress(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testenv.ModuleRoot(t), "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{clickhouse.PinnedPackage, `"version": "` + clickhouse.PinnedVersion + `"`, `"integrity": "sha512-`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("package-lock.json has no %s", want)
		}
	}
	if strings.Contains(string(text), "://") {
		t.Error("package-lock.json names where a package was fetched")
	}
}
