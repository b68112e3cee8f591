package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"nightjar/ingest/files"
)

// How often files are looked at, and for how long nothing must have been written to
// one that was rotated away before it is taken for finished.
const (
	followEvery = 250 * time.Millisecond
	followGrace = 5 * time.Second
)

// fileKey is a file, whatever its name.
type fileKey struct{ dev, ino uint64 }

func keyOfFile(info os.FileInfo) fileKey {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileKey{}
	}
	return fileKey{dev: uint64(s.Dev), ino: s.Ino}
}

// look is how a file was when it was looked at.
type look struct {
	size  int64
	mtime time.Time
}

func lookOf(info os.FileInfo) look { return look{info.Size(), info.ModTime()} }

// follower ships files and what is written to them.
type follower struct {
	*shipper
	arguments []string
	// since is the time of the oldest file of which something had been sent when
	// following began: what was rotated away after it is sent too.
	since time.Time

	mu     sync.Mutex
	active map[fileKey]*followed
	done   map[fileKey]look
	failed error
	wg     sync.WaitGroup
}

// followed is a file that is read.
type followed struct {
	path    string
	rotated bool // it has not, or no longer, a name that is followed
}

// follow ships until the context ends, which is no error.
func (s *shipper) follow(ctx context.Context, arguments []string) error {
	if slices.Contains(arguments, "-") {
		return errors.New("standard input is no file that could be followed; it is read to its end without --follow")
	}
	s.patient = true
	f := &follower{shipper: s, arguments: arguments, active: map[fileKey]*followed{}, done: map[fileKey]look{}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := f.begin(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	for ctx.Err() == nil {
		f.look(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(followEvery):
		}
		if err := f.failure(); err != nil {
			cancel()
		}
	}
	f.wg.Wait()
	return f.failure()
}

func (f *follower) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// begin finds out how far back what is new begins.
func (f *follower) begin(ctx context.Context) error {
	f.since = time.Now()
	followed, rotated := f.paths()
	if len(followed)+len(rotated) == 0 {
		fmt.Fprintf(os.Stderr, "%s: no such file yet; waiting for it\n", strings.Join(f.arguments, ", "))
	}
	for _, path := range slices.Concat(followed, rotated) {
		info, err := os.Stat(path)
		if err != nil || !info.ModTime().Before(f.since) {
			continue
		}
		known, err := f.isKnown(ctx, path)
		if err != nil {
			return err
		}
		if known {
			f.since = info.ModTime()
		}
	}
	return nil
}

var errFirst = errors.New("the first record is enough")

// isKnown reports whether something of the file was sent.
func (f *follower) isKnown(ctx context.Context, path string) (known bool, err error) {
	sender := &fileSender{shipper: f.shipper, ctx: ctx, name: path}
	err = files.Each(path, files.Options{Skipped: func(error) {}}, func(r files.Record) error {
		positions, err := f.positions(ctx, sender.seed().then(r.Text))
		known = len(positions) > 0
		return errors.Join(errFirst, err)
	})
	var answer *httpError
	if errors.As(err, &answer) || ctx.Err() != nil {
		return false, err
	}
	return known, nil // what can't be read is told when it is shipped
}

// paths are the files that the arguments name now, and those that were rotated away
// from them.
func (f *follower) paths() (followed, rotated []string) {
	for _, a := range f.arguments {
		found, err := files.Expand([]string{a})
		if err != nil {
			found = []string{a} // it may come, and what was rotated away from it is there
		}
		followed = append(followed, found...)
	}
	for _, path := range followed {
		rotated = append(rotated, rotatedFrom(path)...)
	}
	rotated = slices.DeleteFunc(rotated, func(path string) bool { return slices.Contains(followed, path) })
	slices.Sort(rotated)
	return followed, slices.Compact(rotated)
}

// rotatedFrom are the files beside one whose names say that they were it: app.log.1,
// app.log-20260301.gz, app-2026-03-01.log, app.1.log.
func rotatedFrom(path string) (out []string) {
	dir, name := filepath.Split(path)
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	entries, err := os.ReadDir(filepath.Clean(dir + "."))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		behind, of := strings.CutPrefix(e.Name(), name)
		if !of {
			if behind, of = strings.CutPrefix(e.Name(), stem); of && ext != "" {
				behind, _, of = strings.Cut(behind, ext)
				of = of && strings.ContainsAny(behind, "0123456789")
			}
		}
		if of && behind != "" && strings.ContainsAny(behind[:1], ".-_") && e.Type().IsRegular() {
			out = append(out, dir+e.Name())
		}
	}
	return out
}

// seen is a file at a look.
type seen struct {
	followed
	key  fileKey
	info os.FileInfo
}

// look begins to read the files that are new or have changed.
func (f *follower) look(ctx context.Context) {
	followedNow, rotated := f.paths()
	all, byKey := []seen(nil), map[fileKey]followed{}
	for i, path := range slices.Concat(followedNow, rotated) {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		s := seen{followed{path, i >= len(followedNow)}, keyOfFile(info), info}
		if _, twice := byKey[s.key]; !twice {
			byKey[s.key] = s.followed
			all = append(all, s)
		}
	}
	f.mu.Lock()
	for key, a := range f.active {
		if now, ok := byKey[key]; ok {
			*a = now
		} else {
			a.rotated = true
		}
	}
	f.mu.Unlock()
	for _, s := range all {
		f.consider(ctx, s)
	}
	f.forget()
}

// consider begins to read a file, unless it is read, was, or is not to be.
func (f *follower) consider(ctx context.Context, s seen) {
	f.mu.Lock()
	active := f.active[s.key] != nil
	last, done := f.done[s.key]
	f.mu.Unlock()
	if active || done && last == lookOf(s.info) || s.info.Size() == 0 || isBeingPacked(s) {
		return
	}
	if s.rotated && !done && s.info.ModTime().Before(f.since) {
		known, err := f.isKnown(ctx, s.path)
		if err != nil {
			f.fail(err)
			return
		}
		if !known {
			f.finished(s.key, lookOf(s.info))
			return
		}
	}
	f.start(ctx, s.key, &s.followed)
}

// isBeingPacked reports whether a file is compressed, and perhaps not yet whole. Who
// packs one may give it the old one's time in the end, so its last change counts.
func isBeingPacked(s seen) bool {
	info, ok := s.info.Sys().(*syscall.Stat_t)
	if !ok || time.Since(time.Unix(info.Ctim.Unix())) > followGrace {
		return false
	}
	file, err := os.Open(s.path)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(file, head) // what there is
	return !files.Followable(head[:n])
}

// forget lets go of what is known of files that are gone.
func (f *follower) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.done) > 100_000 {
		maps.DeleteFunc(f.done, func(fileKey, look) bool { return true }) // they are measured again
	}
}

func (f *follower) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed == nil && !errors.Is(err, context.Canceled) {
		f.failed = err
	}
}

func (f *follower) finished(key fileKey, at look) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.active, key)
	f.done[key] = at
}

// start reads a file beside the others.
func (f *follower) start(ctx context.Context, key fileKey, a *followed) {
	file, err := os.Open(a.path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			f.passOver(err)
			f.finished(key, look{})
		}
		return
	}
	if info, err := file.Stat(); err != nil || keyOfFile(info) != key {
		file.Close()
		return // it has just been replaced: the next look sees it
	}
	f.mu.Lock()
	f.active[key] = a
	f.mu.Unlock()
	f.wg.Go(func() {
		defer file.Close()
		t := &tail{follower: f, ctx: ctx, file: file, of: a}
		t.run()
		f.finished(key, t.at)
	})
}

// told reads what a look found out about the file.
func (f *follower) told(a *followed) followed {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *a
}
