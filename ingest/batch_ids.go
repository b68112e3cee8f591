package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/schema"
	"nightjar/wal"
)

// batches remembers the ids of acknowledged batches. Ids of batches that are
// still in the log are found there at the next start; before a part of the log
// is deleted, they are written to one file per hour, which is deleted whole
// when its time has come.
type batches struct {
	dir  string
	keep time.Duration
	max  int

	positions *positions // of files

	mu       sync.Mutex
	hours    map[int64]map[batchKey]struct{}
	count    int
	inFlight map[batchKey]chan struct{}
	unsaved  map[int64][]batchKey
	brief    recent[schema.Millis] // bodies, with when they came
}

type batchKey [16]byte

const positionsFile = "files"

type loggedBatch struct {
	id   string
	seen schema.Millis
}

const entrySize = 16 + 4 // key, CRC-32C of it

func keyOf(id string) batchKey {
	sum := sha256.Sum256([]byte(exclusive(id)))
	return batchKey(sum[:16])
}

func hourOf(m schema.Millis) int64 { return int64(m) / time.Hour.Milliseconds() }

// openBatches reads what was remembered. A file that can't be read is renamed,
// and told to damaged.
func openBatches(dir string, keep time.Duration, limit int, now time.Time, damaged func(path string, err error)) (*batches, error) {
	b := &batches{
		dir: dir, keep: keep, max: limit,
		hours: map[int64]map[batchKey]struct{}{}, inFlight: map[batchKey]chan struct{}{}, unsaved: map[int64][]batchKey{},
		brief: newRecent[schema.Millis](resentFor, maxResent),
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("remember batches: %w", err)
	}
	var err error
	if b.positions, err = openPositions(filepath.Join(dir, positionsFile), now); err != nil {
		return nil, fmt.Errorf("remember batches: %w", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("remember batches: %w", err)
	}
	for _, f := range files {
		name, _ := strings.CutSuffix(f.Name(), ".ids")
		hour, err := strconv.ParseInt(name, 10, 64)
		if err != nil || !strings.HasSuffix(f.Name(), ".ids") || b.expired(hour, now) {
			continue
		}
		path := filepath.Join(dir, f.Name())
		content, err := os.ReadFile(path)
		if err != nil {
			if e := os.Rename(path, path+".damaged"); e != nil {
				return nil, fmt.Errorf("remember batches: %w", errors.Join(err, e))
			}
			damaged(path+".damaged", err)
			continue
		}
		b.load(hour, content)
	}
	b.forget(now)
	b.keepReserve()
	return b, nil
}

// load reads what an hour's file says. A damaged entry is one id forgotten.
func (b *batches) load(hour int64, content []byte) {
	for ; len(content) >= entrySize; content = content[entrySize:] {
		key := batchKey(content[:16])
		if binary.LittleEndian.Uint32(content[16:]) == sumOf(key) {
			b.put(hour, key)
		}
	}
}

func sumOf(key batchKey) uint32 { return crc32.Checksum(key[:], crc32.MakeTable(crc32.Castagnoli)) }

func (b *batches) put(hour int64, key batchKey) (added bool) {
	if b.known(key) {
		return false
	}
	if b.hours[hour] == nil {
		b.hours[hour] = map[batchKey]struct{}{}
	}
	b.hours[hour][key] = struct{}{}
	b.count++
	return true
}

func (b *batches) known(key batchKey) bool {
	for _, keys := range b.hours {
		if _, ok := keys[key]; ok {
			return true
		}
	}
	return false
}

// add remembers an id that is in the log.
func (b *batches) add(id string, seen schema.Millis) {
	b.positions.add(id, seen)
	b.mu.Lock()
	defer b.mu.Unlock()
	key, hour := keyOf(id), hourOf(seen)
	if isBrief(id) || isIdentified(id) && b.count >= b.max/2 {
		b.brief.add(key, seen, seen)
		return
	}
	if b.put(hour, key) {
		b.unsaved[hour] = append(b.unsaved[hour], key)
	}
}

// claim tells whether the id was acknowledged before. If not, the caller has it
// and must settle it; other callers with the same id wait for that.
func (b *batches) claim(ctx context.Context, id string, now schema.Millis) (known bool, err error) {
	key := keyOf(id)
	for {
		b.mu.Lock()
		if b.known(key) || b.knownBriefly(key, now) {
			b.mu.Unlock()
			return true, nil
		}
		other := b.inFlight[key]
		if other == nil {
			defer b.mu.Unlock()
			if !isBrief(id) && !isIdentified(id) && b.count+len(b.inFlight) >= b.max {
				return false, &BackpressureError{Reason: fmt.Sprintf("%d batch ids are remembered, which is the limit", b.max), RetryAfter: time.Minute}
			}
			b.inFlight[key] = make(chan struct{})
			return false, nil
		}
		b.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return false, fmt.Errorf("wait for the same batch in another request: %w", ctx.Err())
		}
	}
}

// settle ends a claim: acknowledged or not.
func (b *batches) settle(id string, seen schema.Millis, acknowledged bool) {
	if acknowledged {
		b.add(id, seen)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	key := keyOf(id)
	close(b.inFlight[key])
	delete(b.inFlight, key)
}

// save makes durable what is remembered so far. On a full disk it gives up the
// reserve: only when the ids are safe can the log be shortened, which is what
// gives the disk room again.
func (b *batches) save() error {
	err := b.saveAll()
	if errors.Is(err, syscall.ENOSPC) {
		_ = os.Remove(b.reserve())
		err = b.saveAll()
	}
	return err
}

const reserveSize = 8 << 20

func (b *batches) reserve() string { return filepath.Join(b.dir, "reserve") }

// keepReserve takes disk for the ids of a log to be released when nothing else
// is free. It is tried again after every release.
func (b *batches) keepReserve() {
	f, err := os.OpenFile(b.reserve(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Fallocate(int(f.Fd()), 0, 0, reserveSize) != nil {
		_ = os.Remove(b.reserve())
	}
}

func (b *batches) saveAll() error {
	b.mu.Lock()
	unsaved := b.unsaved
	b.unsaved = map[int64][]batchKey{}
	b.mu.Unlock()
	for hour, keys := range unsaved {
		if err := b.saveHour(hour, keys); err != nil {
			b.mu.Lock()
			for hour, keys := range unsaved { // a second entry does no harm
				b.unsaved[hour] = append(b.unsaved[hour], keys...)
			}
			b.mu.Unlock()
			return fmt.Errorf("save batch ids: %w", err)
		}
	}
	return b.positions.save()
}

func (b *batches) saveHour(hour int64, keys []batchKey) error {
	path := b.path(hour)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	content := make([]byte, 0, len(keys)*entrySize)
	for _, k := range keys {
		content = appendEntry(content, k)
	}
	// A crash may have left part of an entry at the end: begin on a boundary.
	if _, err := f.WriteAt(content, info.Size()/entrySize*entrySize); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return wal.SyncDir(b.dir)
}

func appendEntry(b []byte, k batchKey) []byte {
	return binary.LittleEndian.AppendUint32(append(b, k[:]...), sumOf(k))
}

// copy is what is remembered now.
func (b *batches) copy() map[int64]map[batchKey]struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[int64]map[batchKey]struct{}{}
	for hour, keys := range b.hours {
		out[hour] = maps.Clone(keys)
	}
	return out
}

func (b *batches) path(hour int64) string {
	return filepath.Join(b.dir, strconv.FormatInt(hour, 10)+".ids")
}

func (b *batches) expired(hour int64, now time.Time) bool {
	return now.UnixMilli() >= (hour+1)*time.Hour.Milliseconds()+b.keep.Milliseconds()
}

// forget drops the hours whose time has come.
func (b *batches) forget(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for hour, keys := range b.hours {
		if b.expired(hour, now) {
			b.count -= len(keys)
			delete(b.hours, hour)
			delete(b.unsaved, hour)
		}
	}
	files, _ := os.ReadDir(b.dir)
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".ids")
		if hour, err := strconv.ParseInt(name, 10, 64); ok && err == nil && b.expired(hour, now) {
			_ = os.Remove(b.path(hour)) // it is tried again
		}
	}
}

func (b *batches) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}
