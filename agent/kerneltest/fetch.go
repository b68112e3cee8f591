package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A release is a kernel that Debian ships.
type release struct {
	suite    string // of Debian
	image    string // the package that depends on the newest image; an architecture is added
	boot     string // what its command line needs beyond the defaults
	optional bool   // not to be had is not a failure
}

// releases by the version that people call them by. Debian's 5.10 has BPF among
// the LSMs that it can have, not among those that it has.
var releases = map[string]release{
	"5.10": {suite: "bullseye", image: "linux-image-", boot: "lsm=lockdown,yama,bpf", optional: true},
	"6.1":  {suite: "bookworm", image: "linux-image-"},
	"6.12": {suite: "bookworm", image: "linux-image-6.12-"},
}

func knownReleases() []string { return slices.Sorted(maps.Keys(releases)) }

// A kernel is what is needed of a package to boot it.
type kernel struct {
	version string // of the package's name: 6.1.0-56-amd64
	boot    string
	image   string // the file to boot
	modules []string
}

// modules are the ones that the tests' machine has, in the order in which they
// can be loaded, by the end of their path.
var modules = []string{"kernel/drivers/net/dummy.ko"}

// A fetcher gets packages of Debian for a target, through an apt of its own, so
// that the machine's lists stay as they are.
type fetcher struct {
	target  target
	cache   string
	updated map[string]bool // by suite
}

// kernel returns the newest image of a release, from the cache where it is there.
func (f *fetcher) kernel(ctx context.Context, r release) (kernel, error) {
	if err := f.update(ctx, r.suite); err != nil {
		return kernel{}, err
	}
	out, err := f.apt(ctx, r.suite, f.cache, "apt-cache", "depends", r.image+f.target.arch)
	if err != nil {
		return kernel{}, err
	}
	_, rest, found := strings.Cut(out, "Depends: linux-image-")
	if !found {
		return kernel{}, fmt.Errorf("%s%s depends on no image", r.image, f.target.arch)
	}
	version := strings.Fields(rest)[0]
	dir, err := f.unpacked(ctx, r.suite, "linux-image-"+version)
	if err != nil {
		return kernel{}, err
	}
	k := kernel{version: version, boot: r.boot, image: filepath.Join(dir, "boot", "vmlinuz-"+version)}
	for _, m := range modules {
		path, err := decompressed(ctx, filepath.Join(dir, "lib/modules", version, m))
		if err != nil {
			return kernel{}, err
		}
		k.modules = append(k.modules, path)
	}
	return k, nil
}

// unpacked is the folder with the contents of a package.
func (f *fetcher) unpacked(ctx context.Context, suite, name string) (string, error) {
	dir := filepath.Join(f.cache, f.target.arch, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	fmt.Printf("fetching %s\n", name)
	partial, err := os.MkdirTemp(f.cache, "partial-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(partial) }()
	if _, err := f.apt(ctx, suite, partial, "apt-get", "download", name); err != nil {
		return "", err
	}
	packages, err := filepath.Glob(filepath.Join(partial, "*.deb"))
	if err != nil || len(packages) != 1 {
		return "", fmt.Errorf("apt-get download %s left %d packages", name, len(packages))
	}
	if _, err := output(ctx, "", "dpkg-deb", "--extract", packages[0], filepath.Join(partial, "root")); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	return dir, os.Rename(filepath.Join(partial, "root"), dir)
}

// decompressed is the path of a module as the kernel takes it.
func decompressed(ctx context.Context, path string) (string, error) {
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	_, err := output(ctx, "", "xz", "--decompress", path+".xz")
	return path, err
}

// update fetches the lists of a suite, once for a run.
func (f *fetcher) update(ctx context.Context, suite string) error {
	if f.updated[suite] {
		return nil
	}
	sources, err := sources(ctx, suite)
	if err != nil {
		return err
	}
	dir := f.root(suite)
	if err := os.MkdirAll(filepath.Join(dir, "lists/partial"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "sources.list"), []byte(sources), 0o644); err != nil {
		return err
	}
	if _, err := f.apt(ctx, suite, dir, "apt-get", "update", "--error-on=any"); err != nil {
		return err
	}
	if f.updated == nil {
		f.updated = map[string]bool{}
	}
	f.updated[suite] = true
	return nil
}

func (f *fetcher) root(suite string) string {
	return filepath.Join(f.cache, "apt", suite+"-"+f.target.arch)
}

// apt runs a program of apt's in a folder, for one suite and the target.
func (f *fetcher) apt(ctx context.Context, suite, dir, program string, args ...string) (string, error) {
	root, err := filepath.Abs(f.root(suite))
	if err != nil {
		return "", err
	}
	return output(ctx, dir, program, append([]string{
		"-qq",
		"-o", "Dir::Etc::SourceList=" + root + "/sources.list", "-o", "Dir::Etc::SourceParts=/dev/null",
		"-o", "Dir::State::Lists=" + root + "/lists", "-o", "Dir::Cache=" + root,
		"-o", "APT::Architecture=" + f.target.arch, "-o", "APT::Architectures=" + f.target.arch,
		"-o", "APT::Sandbox::User=root",
	}, args...)...)
}

const debianKeys = "/usr/share/keyrings/debian-archive-keyring.gpg"

// sources are the machine's own sources of Debian and of its security updates, as
// they would be for another suite.
func sources(ctx context.Context, suite string) (string, error) {
	out, err := output(ctx, "", "apt-get", "indextargets",
		"--format", "$(ORIGIN) $(CODENAME) $(REPO_URI) $(COMPONENT)", "Created-By: Packages")
	if err != nil {
		return "", err
	}
	var lines []string
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] != "Debian" || f[3] != "main" {
			continue
		}
		codename, rest, _ := strings.Cut(f[1], "-")
		if codename == "" || rest != "" && rest != "security" {
			continue
		}
		lines = append(lines, fmt.Sprintf("deb [signed-by=%s] %s %s main\n", debianKeys, f[2], strings.TrimSuffix(suite+"-"+rest, "-")))
	}
	if len(lines) == 0 {
		return "", errors.New("apt knows no source of Debian packages: this needs Debian, and one `apt-get update`")
	}
	return strings.Join(slices.Compact(lines), ""), nil
}

// output runs a program, and returns what it wrote to stdout. Where it fails, the
// error has what it wrote to stderr.
func output(ctx context.Context, dir, program string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir = dir
	out, err := c.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return "", fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(string(exit.Stderr)))
	}
	return string(out), err
}
