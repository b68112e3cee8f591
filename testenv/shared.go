package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// SharedEnv names the environment variable that says where the shared folder
// is, when it is not beside the module.
const SharedEnv = "NIGHTJAR_SHARED"

// Shared returns the path of a file below the shared folder, which lies beside
// the module's root. It skips the test where there is no such folder; a folder
// without the file is a mistake, and fails it.
func Shared(t testing.TB, path string) string {
	t.Helper()
	root, there := sharedRoot(t)
	if !there {
		t.Skipf("needs ../shared: %s: %s is not there (%s may say where it is)", path, root, SharedEnv)
	}
	full := filepath.Join(root, filepath.FromSlash(path))
	if _, err := os.Stat(full); err != nil {
		t.Fatalf("find a file of the shared folder: %v", err)
	}
	return full
}

// SharedOr is Shared where there is the shared folder, and else what the project has of
// its own, below the module's root: for tests to which that is as good, if smaller.
func SharedOr(t testing.TB, path, own string) string {
	t.Helper()
	if _, there := sharedRoot(t); there {
		return Shared(t, path)
	}
	return filepath.Join(ModuleRoot(t), filepath.FromSlash(own))
}

// sharedRoot is where the shared folder is to be, and whether it is there.
func sharedRoot(t testing.TB) (root string, there bool) {
	t.Helper()
	root = os.Getenv(SharedEnv)
	if root == "" {
		root = filepath.Join(ModuleRoot(t), "..", "shared")
	}
	info, err := os.Stat(root)
	return root, err == nil && info.IsDir()
}

// ModuleRoot returns the folder of go.mod.
func ModuleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = up
	}
}
