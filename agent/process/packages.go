package process

import (
	"bufio"
	"cmp"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"nightjar/secl/event"
)

// Packages knows which package of the host a file came with: dpkg's and apk's lists
// of files, read in the background, and again when a package was installed. It keeps
// twelve bytes for each file. Files of containers have no package, and neither have
// those of rpm, whose database takes a library to read.
type Packages struct {
	root string
	list atomic.Pointer[packageList]
}

// packageList is files in the order of their hashes.
type packageList struct {
	files    []packaged
	packages []pkg
	changed  time.Time
}

type packaged struct {
	hash uint64
	of   uint32
}

type pkg struct{ name, version, source string }

// NewPackages reads the lists under root, and again every minute in which they
// changed, until stop is closed.
func NewPackages(root string, stop <-chan struct{}) *Packages {
	p := &Packages{root: root}
	go func() {
		for {
			p.read()
			select {
			case <-stop:
				return
			case <-time.After(time.Minute):
			}
		}
	}()
	return p
}

// Set sets the package of a file.
func (p *Packages) Set(f *event.File) {
	if p == nil {
		return
	}
	l := p.list.Load()
	if l == nil {
		return
	}
	found, ok := l.find(f.Path)
	if merged, under := strings.CutPrefix(f.Path, "/usr"); !ok && under {
		found, ok = l.find(merged) // lists still say /bin where that is a link to /usr/bin
	}
	if ok {
		f.PackageName, f.PackageVersion, f.PackageSource = found.name, found.version, found.source
	}
}

func (l *packageList) find(path string) (pkg, bool) {
	h := xxhash.Sum64String(path)
	at, ok := slices.BinarySearchFunc(l.files, h, func(f packaged, h uint64) int { return cmp.Compare(f.hash, h) })
	if !ok {
		return pkg{}, false
	}
	return l.packages[l.files[at].of], true
}

// read reads the lists if they have changed.
func (p *Packages) read() {
	var changed time.Time
	status, apk := filepath.Join(p.root, "var/lib/dpkg/status"), filepath.Join(p.root, "lib/apk/db/installed")
	for _, name := range []string{status, apk} {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(changed) {
			changed = info.ModTime()
		}
	}
	if old := p.list.Load(); changed.IsZero() || old != nil && old.changed.Equal(changed) {
		return
	}
	l := &packageList{changed: changed}
	_ = withFile(status, func(r io.Reader) { l.readDpkg(r, filepath.Join(p.root, "var/lib/dpkg/info")) })
	_ = withFile(apk, l.readApk)
	slices.SortFunc(l.files, func(a, b packaged) int { return cmp.Compare(a.hash, b.hash) })
	l.files = slices.Clip(l.files)
	p.list.Store(l)
}

func withFile(name string, f func(io.Reader)) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	f(file)
	return nil
}

func (l *packageList) add(path string) {
	l.files = append(l.files, packaged{xxhash.Sum64String(path), uint32(len(l.packages) - 1)})
}

// readDpkg reads dpkg's status, and the list of files of every package in it.
func (l *packageList) readDpkg(status io.Reader, info string) {
	var name, arch string
	var one pkg
	flush := func() {
		if name == "" {
			return
		}
		one.name = name
		one.source = cmp.Or(one.source, one.version)
		l.packages = append(l.packages, one)
		list := filepath.Join(info, name+".list")
		if withFile(list, l.readList) != nil {
			_ = withFile(filepath.Join(info, name+":"+arch+".list"), l.readList)
		}
		name, arch, one = "", "", pkg{}
	}
	for s := bufio.NewScanner(status); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), ": ")
		switch key {
		case "":
			flush()
		case "Package":
			name = value
		case "Architecture":
			arch = value
		case "Version":
			one.version = value
		case "Source": // name (version), where it is not that of the package
			if _, version, ok := strings.Cut(value, " ("); ok {
				one.source = strings.TrimSuffix(version, ")")
			}
		}
	}
	flush()
}

func (l *packageList) readList(r io.Reader) {
	for s := bufio.NewScanner(r); s.Scan(); {
		l.add(s.Text())
	}
}

// readApk reads apk's database: P is a package, V its version, F a folder, R a file
// in it.
func (l *packageList) readApk(r io.Reader) {
	var folder string
	for s := bufio.NewScanner(r); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), ":")
		switch {
		case key == "P":
			l.packages = append(l.packages, pkg{name: value})
		case len(l.packages) == 0:
		case key == "V":
			last := &l.packages[len(l.packages)-1]
			last.version, last.source = value, value
		case key == "F":
			folder = "/" + value
		case key == "R":
			l.add(filepath.Join(folder, value))
		}
	}
}
