package process

import (
	"os"
	"path/filepath"
	"testing"

	"nightjar/secl/event"
)

func TestFilesHaveThePackageTheyCameWith(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"var/lib/dpkg/status": "Package: coreutils\nArchitecture: amd64\nVersion: 9.1-1\n\nPackage: libc6\nArchitecture: amd64\nSource: glibc (2.36-9)\n" +
			"Version: 2.36-9+deb12u1\n",
		"var/lib/dpkg/info/coreutils.list":   "/.\n/bin\n/bin/true\n/usr/bin/id\n",
		"var/lib/dpkg/info/libc6:amd64.list": "/lib/x86_64-linux-gnu/libc.so.6\n",
		"lib/apk/db/installed":               "P:busybox\nV:1.36\nF:bin\nR:busybox\n",
	} {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := &Packages{root: root}
	p.read()
	for path, want := range map[string][3]string{
		"/usr/bin/true":                       {"coreutils", "9.1-1", "9.1-1"},
		"/usr/bin/id":                         {"coreutils", "9.1-1", "9.1-1"},
		"/usr/lib/x86_64-linux-gnu/libc.so.6": {"libc6", "2.36-9+deb12u1", "2.36-9"},
		"/bin/busybox":                        {"busybox", "1.36", "1.36"},
		"/usr/local/bin/true":                 {},
	} {
		f := event.File{Path: path}
		if p.Set(&f); [3]string{f.PackageName, f.PackageVersion, f.PackageSource} != want {
			t.Errorf("%s is of %s %s (source %s), want %v", path, f.PackageName, f.PackageVersion, f.PackageSource, want)
		}
	}
}
