package main

import (
	"context"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// initScript is the machine's first process. It runs what stands in /tests.
//
//go:embed init.sh
var initScript []byte

// An image is the file system of the machine, a folder that becomes an initramfs.
type image struct {
	target target
	dir    string
	args   string // of the test binaries
}

// build fills the folder with all that does not depend on the kernel.
func (i *image) build(ctx context.Context, f *fetcher, packages []string) error {
	for _, d := range []string{"bin", "dev", "etc", "proc", "sys", "tmp", "root", "run", "var", "modules", "src"} {
		if err := os.MkdirAll(filepath.Join(i.dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := i.addBusybox(ctx, f); err != nil {
		return err
	}
	files := map[string]string{
		"init":         string(initScript),
		"etc/passwd":   "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
		"etc/group":    "root:x:0:\nnogroup:x:65534:\n",
		"etc/hosts":    "127.0.0.1 localhost\n::1 localhost\n",
		"etc/hostname": "kerneltest\n",
		"src/args":     i.args + "\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(i.dir, name), []byte(text), 0o755); err != nil {
			return err
		}
	}
	return i.addTests(ctx, packages)
}

func (i *image) addBusybox(ctx context.Context, f *fetcher) error {
	const suite = "bookworm"
	if err := f.update(ctx, suite); err != nil {
		return err
	}
	dir, err := f.unpacked(ctx, suite, "busybox-static")
	if err != nil {
		return err
	}
	return copyFile(filepath.Join(dir, "bin/busybox"), filepath.Join(i.dir, "bin/busybox"))
}

// addTests builds the test binary of each package that has tests into a folder
// that is called like the package, beside its testdata.
func (i *image) addTests(ctx context.Context, packages []string) error {
	out, err := output(ctx, "", "go", append([]string{"list", "-f",
		"{{if or .TestGoFiles .XTestGoFiles}}{{if ne .Name \"main\"}}{{.ImportPath}} {{.Dir}}{{end}}{{end}}"}, packages...)...)
	if err != nil {
		return err
	}
	if strings.TrimSpace(out) == "" {
		return fmt.Errorf("no tests in %s", strings.Join(packages, " "))
	}
	for line := range strings.Lines(out) {
		path, source, _ := strings.Cut(strings.TrimSpace(line), " ")
		into := filepath.Join(i.dir, "src", path)
		fmt.Printf("building the tests of %s\n", path)
		build := exec.CommandContext(ctx, "go", "test", "-c", "-ldflags=-s -w", "-o", filepath.Join(into, "package.test"), path)
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+i.target.arch)
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build the tests of %s: %w\n%s", path, err, out)
		}
		if err := copyFolder(filepath.Join(source, "testdata"), filepath.Join(into, "testdata")); err != nil {
			return err
		}
	}
	return nil
}

// pack writes the initramfs for a kernel, and returns its path.
func (i *image) pack(ctx context.Context, k kernel) (string, error) {
	if err := os.RemoveAll(filepath.Join(i.dir, "modules")); err != nil {
		return "", err
	}
	for _, m := range k.modules {
		if err := copyFile(m, filepath.Join(i.dir, "modules", filepath.Base(m))); err != nil {
			return "", err
		}
	}
	path := i.dir + "-" + k.version + ".cpio"
	c := exec.CommandContext(ctx, "sh", "-c", `find . | cpio --create --format newc --owner 0:0 --quiet > "$1"`, "sh", path)
	c.Dir = i.dir
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("write the initramfs: %w: %s", err, out)
	}
	return path, nil
}

// copyFolder copies a folder, if there is one.
func copyFolder(from, to string) error {
	if _, err := os.Stat(from); os.IsNotExist(err) {
		return nil
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return copyFile(path, filepath.Join(to, name))
	})
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o755)
}
