package clickhouse

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// LibraryEnv names the environment variable that points at a libchdb of the
// user's own.
const LibraryEnv = "LIBCHDB"

// Library returns the path of the libchdb to load. An explicit path, or else
// LIBCHDB, is taken at its word; otherwise it is libchdb.so beside the executable,
// or where npm put it: in node_modules beside the working directory or the
// executable, or in a folder above one of them, or in the user's cache.
func Library(explicit string) (string, error) {
	for _, path := range []string{explicit, os.Getenv(LibraryEnv)} {
		if path == "" {
			continue
		}
		if err := isFile(path); err != nil {
			return "", fmt.Errorf("open the ClickHouse library named by the configuration or %s: %w", LibraryEnv, err)
		}
		return filepath.Abs(path)
	}

	if beside := besideExecutable(); beside != "" {
		return beside, nil
	}
	name, known := libraryPackages[runtime.GOOS+"/"+runtime.GOARCH]
	if !known {
		return "", fmt.Errorf("no embedded ClickHouse exists for %s/%s: start nightjar with --clickhouse and the address of a server",
			runtime.GOOS, runtime.GOARCH)
	}
	for _, root := range libraryRoots() {
		path := filepath.Join(root, "node_modules", "@chdb", name, libraryFile)
		if isFile(path) == nil {
			return path, nil
		}
	}
	fetch := "run `make setup` (or `npm ci`) in nightjar's folder"
	if name != pinnedPackage {
		fetch = "run `npm install --no-save @chdb/" + name + "@" + pinnedVersion + "` in nightjar's folder"
	}
	return "", fmt.Errorf("the embedded ClickHouse (@chdb/%s) is not installed: %s, or put a libchdb.so beside the binary or let %s name one",
		name, fetch, LibraryEnv)
}

// libraryFile is the library's name.
const libraryFile = "libchdb.so"

// besideExecutable is the library that lies beside the executable, the one that a
// symbolic link leads to included; empty when there is none.
func besideExecutable() string {
	exe, err := os.Executable()
	if err != nil {
		return ""
	}
	folders := []string{filepath.Dir(exe)}
	if real, err := filepath.EvalSymlinks(exe); err == nil {
		folders = append(folders, filepath.Dir(real))
	}
	for _, folder := range folders {
		if path := filepath.Join(folder, libraryFile); isFile(path) == nil {
			return path
		}
	}
	return ""
}

// What the lock file of package.json holds, with its hash. The packages of the
// other platforms are of the same version, and not verified by us.
const (
	pinnedPackage = "lib-linux-x64-gnu"
	pinnedVersion = "26.7.3-stable.1"
)

// Installed reports whether Library would find one.
func Installed() bool {
	_, err := Library("")
	return err == nil
}

// libraryPackages is the npm package that carries libchdb for each platform.
var libraryPackages = map[string]string{
	"linux/amd64":  "lib-linux-x64-gnu",
	"linux/arm64":  "lib-linux-arm64-gnu",
	"darwin/amd64": "lib-darwin-x64",
	"darwin/arm64": "lib-darwin-arm64",
}

// libraryRoots lists the folders that may hold node_modules, nearest first. The
// parents matter to tests, which run in their package's folder.
func libraryRoots() []string {
	var roots []string
	if dir, err := os.Getwd(); err == nil {
		roots = append(roots, parents(dir)...)
	}
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		roots = append(roots, parents(filepath.Dir(exe))...)
	}
	if dir, err := os.UserCacheDir(); err == nil {
		roots = append(roots, filepath.Join(dir, "nightjar"))
	}
	return roots
}

func parents(dir string) []string {
	var all []string
	for {
		all = append(all, dir)
		up := filepath.Dir(dir)
		if up == dir {
			return all
		}
		dir = up
	}
}

func isFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	return nil
}
