package deny

import (
	"errors"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// inode names a file by its inode.
type inode struct {
	number        uint64
	dev           uint32 // as the kernel has it
	generation    uint32 // tells it from an earlier file of the same number
	hasGeneration bool   // the file system says so
}

// plain is the inode without its generation, which fanotify does not need: a mark
// goes with its inode.
func (i inode) plain() inode { return inode{number: i.number, dev: i.dev} }

func inodeOf(s *unix.Stat_t) inode {
	const minorBits = 20
	return inode{number: s.Ino, dev: unix.Major(s.Dev)<<minorBits | unix.Minor(s.Dev)}
}

// tracker knows which inodes the listed files have, and tells the kernel when that
// changes.
type tracker struct {
	guard   *Guard
	watcher *fsnotify.Watcher
	folders map[string]bool // that are watched
	ended   chan struct{}
	done    sync.WaitGroup
	once    sync.Once

	// Held by the guard's lock.
	files    map[fileWanted]*tracked
	listed   map[fileInode]uint32 // entries, as the kernel has them
	spared   map[inode]bool
	sparedAt time.Time // when they were asked for last

	table atomic.Pointer[table] // what fanotify's handler looks at
}

// tracked is a listed file.
type tracked struct {
	entry uint32
	inode inode
	there bool
	why   string // it can't be named by its inode
}

type fileInode struct {
	inode
	op Operation
}

// table is what fanotify denies.
type table struct {
	armed  bool
	files  map[fileInode]uint32
	spared map[inode]bool
}

// refreshEvery is how often all listed files are looked up, beside what a change of
// their folders tells.
const refreshEvery = 2 * time.Second

func newTracker(g *Guard) *tracker {
	t := &tracker{guard: g, folders: map[string]bool{}, ended: make(chan struct{}), files: map[fileWanted]*tracked{}, listed: map[fileInode]uint32{}, spared: map[inode]bool{}}
	t.table.Store(&table{})
	if w, err := fsnotify.NewWatcher(); err == nil { // without, files are looked up now and then only
		t.watcher = w
	}
	t.done.Add(1)
	go t.run()
	return t
}

// follow replaces the files that are listed.
func (t *tracker) follow(wanted map[fileWanted]*Entry) error {
	t.files = map[fileWanted]*tracked{}
	for key, e := range wanted {
		t.files[key] = &tracked{entry: e.ID}
		t.watch(path.Dir(key.path))
	}
	return t.apply()
}

// watch asks to be told of changes of a folder. One that is not there is looked at
// now and then.
func (t *tracker) watch(folder string) {
	if t.watcher != nil && !t.folders[folder] && t.watcher.Add(folder) == nil {
		t.folders[folder] = true
	}
}

func (t *tracker) run() {
	defer t.done.Done()
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	var changes chan fsnotify.Event
	var failures chan error
	if t.watcher != nil {
		changes, failures = t.watcher.Events, t.watcher.Errors
	}
	for {
		refresh := false
		select {
		case <-t.ended:
			return
		case <-tick.C:
			refresh = true
		case <-failures: //nolint:errcheck // events were lost: the next look finds what changed
		case e := <-changes:
			refresh = e.Has(fsnotify.Create|fsnotify.Rename|fsnotify.Remove) && t.knows(e.Name)
		}
		if refresh {
			t.guard.mu.Lock()
			_ = t.apply() // what failed is tried again with the next look
			t.guard.mu.Unlock()
		}
	}
}

func (t *tracker) knows(at string) bool {
	t.guard.mu.Lock()
	defer t.guard.mu.Unlock()
	return t.files[fileWanted{Exec, at}] != nil || t.files[fileWanted{Open, at}] != nil
}

func (t *tracker) stop() {
	t.once.Do(func() {
		close(t.ended)
		t.done.Wait()
		if t.watcher != nil {
			_ = t.watcher.Close()
		}
	})
}

// why says why a listed file is not denied now by its inode; empty if it is.
func (t *tracker) why(key fileWanted) string {
	if f := t.files[key]; f != nil {
		return f.why
	}
	return ""
}

// apply looks every listed file up, and makes the kernel's tables and marks agree:
// what is new comes first.
func (t *tracker) apply() error {
	g := t.guard
	err := t.spare()
	now := map[fileInode]uint32{}
	marks := map[inode]mark{}
	for key, f := range t.files {
		t.watch(path.Dir(key.path))
		t.lookUp(key, f)
		if !f.there || !g.armed {
			continue
		}
		now[fileInode{f.inode, key.op}] = f.entry
		m := marks[f.inode.plain()]
		m.path, m.ops = key.path, append(m.ops, key.op)
		marks[f.inode.plain()] = m
	}
	err = errors.Join(err, t.toKernel(now))
	byFanotify := map[fileInode]uint32{}
	for key, entry := range now {
		if g.kernel.links[lsmOf[key.op]] == nil {
			byFanotify[fileInode{key.inode.plain(), key.op}] = entry
		}
	}
	t.table.Store(&table{g.armed, byFanotify, t.spared})
	if g.fanotify != nil {
		err = errors.Join(err, g.fanotify.replace(marks, func(op Operation) bool { return g.kernel.links[lsmOf[op]] == nil }))
	}
	return err
}

// toKernel makes the programs' table of inodes agree.
func (t *tracker) toKernel(now map[fileInode]uint32) error {
	k := t.guard.kernel
	var err error
	if !k.hasLSM() {
		now = nil
	}
	for key, entry := range now {
		if t.listed[key] != entry {
			err = errors.Join(err, k.putFile(key.inode, key.op, entry))
		}
	}
	for key := range t.listed {
		if _, wanted := now[key]; !wanted && !otherGeneration(now, key) {
			err = errors.Join(err, k.removeFile(key.inode, key.op))
		}
	}
	t.listed = maps.Clone(now)
	return err
}

// otherGeneration reports whether the place of an inode was taken by a later file.
func otherGeneration(now map[fileInode]uint32, key fileInode) bool {
	for other := range now {
		if other.plain() == key.plain() && other.op == key.op {
			return true
		}
	}
	return false
}

// lookUp finds the inode of a listed file.
func (t *tracker) lookUp(key fileWanted, f *tracked) {
	f.there = false
	fd, err := unix.Open(key.path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		f.why = "there is no such file now"
		return
	}
	defer unix.Close(fd)
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		f.why = err.Error()
		return
	}
	own := "/proc/self/fd/" + strconv.Itoa(fd)
	at, _ := os.Readlink(own)
	switch kind := s.Mode & unix.S_IFMT; {
	case kind == unix.S_IFLNK:
		f.why = "it is a link; events have the path of the file it leads to"
		return
	case kind != unix.S_IFREG:
		f.why = "it is no regular file"
		return
	case at != key.path:
		f.why = "its path without links is " + at + ", which events have"
		return
	}
	f.inode, f.there, f.why = inodeOf(&s), true, ""
	if t.spared[f.inode] && key.op == Exec {
		f.there, f.why = false, "it is a protected program"
		return
	}
	if t.guard.kernel.links[lsmOf[key.op]] != nil {
		f.inode.generation, f.inode.hasGeneration = generationOf(own)
	}
}

// generationOf asks the file system for the generation of an inode.
func generationOf(at string) (uint32, bool) {
	fd, err := unix.Open(at, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	const getVersion = 0x80087601 // FS_IOC_GETVERSION
	v, err := unix.IoctlGetInt(fd, getVersion)
	return uint32(v), err == nil
}

// spareEvery is how often the protected executables are asked for.
const spareEvery = 30 * time.Second

// spare looks the protected executables up.
func (t *tracker) spare() error {
	list := t.guard.options.Protected
	if list == nil || time.Since(t.sparedAt) < spareEvery {
		return nil
	}
	t.sparedAt = time.Now()
	now := map[inode]bool{}
	for _, at := range list() {
		var s unix.Stat_t
		if unix.Stat(at, &s) == nil {
			now[inodeOf(&s)] = true
		}
	}
	var add, remove []inode
	for i := range now {
		if !t.spared[i] {
			add = append(add, i)
		}
	}
	for i := range t.spared {
		if !now[i] {
			remove = append(remove, i)
		}
	}
	t.spared = now
	return t.guard.kernel.spare(add, slices.Clip(remove))
}
