package wal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func open(t testing.TB, opts Options) (*Log, Report) {
	t.Helper()
	l, report, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, report
}

func payloads(t testing.TB, l *Log, from uint64) (out []string, firsts []uint64) {
	t.Helper()
	r := l.ReadFrom(from)
	defer r.Close()
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, firsts
		}
		if err != nil {
			t.Fatal(err)
		}
		out, firsts = append(out, string(rec.Payload)), append(firsts, rec.First)
	}
}

func TestAppendedIsReadBackInOrder(t *testing.T) {
	opts := Options{Dir: t.TempDir(), SegmentBytes: 1000}
	l, _ := open(t, opts)
	var want []string
	next := uint64(1)
	for i := range 100 {
		p := strings.Repeat(strconv.Itoa(i), 20)
		first, err := l.Append([]byte(p), i%3+1)
		if err != nil || first != next {
			t.Fatalf("append %d: first %d, %v; want first %d", i, first, err, next)
		}
		next += uint64(i%3 + 1)
		want = append(want, p)
	}
	check := func(l *Log) {
		t.Helper()
		if got, _ := payloads(t, l, 0); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("read %d records %v", len(got), got)
		}
		if l.Next() != next {
			t.Fatalf("next is %d, want %d", l.Next(), next)
		}
	}
	check(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, report := open(t, opts)
	if !report.Clean() || report.TornBytes != 0 {
		t.Fatal(report)
	}
	check(l)
	if _, firsts := payloads(t, l, 50); firsts[0] > 50 || firsts[0] < 48 {
		t.Fatalf("reading from 50 begins at %d", firsts[0])
	}
}

func TestNumbersGoOnAfterEverythingIsReleased(t *testing.T) {
	opts := Options{Dir: t.TempDir(), SegmentBytes: 300}
	l, _ := open(t, opts)
	id := l.ID()
	for range 20 {
		if _, err := l.Append(make([]byte, 100), 10); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := l.Release(1 << 60); err != nil {
			t.Fatal(err)
		}
		l.Close()
		l, _ = open(t, opts)
	}
	first, err := l.Append([]byte("x"), 1)
	if err != nil || first != 201 {
		t.Fatalf("first %d, %v; want 201", first, err)
	}
	if l.ID() != id {
		t.Fatal("the log changed its name")
	}
	if files, _ := filepath.Glob(filepath.Join(opts.Dir, "*.wal")); len(files) > 2 {
		t.Fatalf("released segments are still there: %v", files)
	}
}

func TestConcurrentAppendsShareAnFsync(t *testing.T) {
	var syncs atomic.Int64
	l, _ := open(t, Options{Dir: t.TempDir(), Synced: func(time.Duration, error) { syncs.Add(1); time.Sleep(time.Millisecond) }})
	var wg sync.WaitGroup
	var seen sync.Map
	const appends = 500
	for range 50 {
		wg.Go(func() {
			for range appends / 50 {
				first, err := l.Append([]byte("p"), 1)
				if err != nil {
					t.Error(err)
				}
				if _, twice := seen.LoadOrStore(first, true); twice {
					t.Errorf("number %d given twice", first)
				}
			}
		})
	}
	wg.Wait()
	if n := syncs.Load(); n > appends/4 {
		t.Fatalf("%d fsyncs for %d appends", n, appends)
	}
	if got, _ := payloads(t, l, 0); len(got) != appends || l.Next() != appends+1 {
		t.Fatalf("%d records, next %d", len(got), l.Next())
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	opts := Options{Dir: t.TempDir()}
	open(t, opts)
	if _, _, err := Open(opts); err == nil || !strings.Contains(err.Error(), "another process uses it") {
		t.Fatalf("got %v", err)
	}
}

// The log of these tests: two segments, five records.
func smallLog(t *testing.T) (dir string, files []string, want []string) {
	t.Helper()
	dir = t.TempDir()
	l, _ := open(t, Options{Dir: dir, SegmentBytes: 350})
	for i := range 5 {
		p := strings.Repeat(string(rune('a'+i)), 60)
		if _, err := l.Append([]byte(p), 2); err != nil {
			t.Fatal(err)
		}
		want = append(want, p)
	}
	l.Close()
	files, _ = filepath.Glob(filepath.Join(dir, "*.wal"))
	if len(files) != 2 {
		t.Fatalf("%d segments", len(files))
	}
	return dir, files, want
}

func copyDir(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(filepath.Join(to, "log"), os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(to, "log")
}

func TestTailCutAtEveryByteLosesOnlyTheTail(t *testing.T) {
	dir, files, want := smallLog(t)
	last := filepath.Base(files[1])
	whole, _ := os.ReadFile(files[1])
	inFirst := 3
	for cut := range len(whole) {
		at := copyDir(t, dir)
		if err := os.Truncate(filepath.Join(at, last), int64(cut)); err != nil {
			t.Fatal(err)
		}
		l, report := open(t, Options{Dir: at, FS: fast{}})
		got, _ := payloads(t, l, 0)
		keep := inFirst
		for _, end := range []int{segmentHeader + 84, segmentHeader + 168} {
			if cut >= end {
				keep++
			}
		}
		if strings.Join(got, "|") != strings.Join(want[:keep], "|") {
			t.Fatalf("cut at %d: %d records, want %d; %v", cut, len(got), keep, report)
		}
		if first, err := l.Append([]byte("new"), 1); err != nil || first < uint64(2*keep+1) {
			t.Fatalf("cut at %d: append after: %d, %v", cut, first, err)
		}
		l.Close()
		l, report = open(t, Options{Dir: at, FS: fast{}})
		if got, _ = payloads(t, l, 0); len(got) != keep+1 || got[keep] != "new" {
			t.Fatalf("cut at %d: after the second start %v; %v", cut, got, report)
		}
		l.Close()
	}
}

func TestFlippedByteAnywhereLosesAtMostItsRecord(t *testing.T) {
	dir, files, want := smallLog(t)
	for f, file := range files {
		whole, _ := os.ReadFile(file)
		for flip := range len(whole) {
			at := copyDir(t, dir)
			b := append([]byte(nil), whole...)
			b[flip] ^= 0x40
			if err := os.WriteFile(filepath.Join(at, filepath.Base(file)), b, 0o600); err != nil {
				t.Fatal(err)
			}
			l, report := open(t, Options{Dir: at, FS: fast{}})
			got, _ := payloads(t, l, 0)
			var expect []string
			lost := -1
			if flip >= segmentHeader {
				lost = f*3 + (flip-segmentHeader)/84
			}
			for i, w := range want {
				if i != lost {
					expect = append(expect, w)
				}
			}
			if strings.Join(got, "|") != strings.Join(expect, "|") {
				t.Fatalf("flip at %d of file %d: %d records, want %d; %v", flip, f, len(got), len(expect), report)
			}
			if loud := report.TornBytes > 0 || !report.Clean(); loud != (lost >= 0) {
				t.Fatalf("flip at %d of file %d: %v", flip, f, report)
			}
			if lost >= 0 && lost < 4 && report.LostEntries != 2 {
				t.Fatalf("flip at %d of file %d: %v", flip, f, report)
			}
			if _, err := l.Append([]byte("new"), 1); err != nil {
				t.Fatal(err)
			}
			l.Close()
		}
	}
}

func TestDamageWhileOpenIsSkippedAndCounted(t *testing.T) {
	dir := t.TempDir()
	l, _ := open(t, Options{Dir: dir})
	for i := range 3 {
		l.Append([]byte(strings.Repeat(strconv.Itoa(i), 60)), 1)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.wal"))
	f, _ := os.OpenFile(files[0], os.O_RDWR, 0)
	f.WriteAt([]byte("X"), segmentHeader+84+40)
	f.Close()
	got, firsts := payloads(t, l, 0)
	if len(got) != 2 || firsts[1] != 3 || l.Damaged() != 1 {
		t.Fatalf("%d records, firsts %v, damaged %d", len(got), firsts, l.Damaged())
	}
}

func TestARecordInsideAPayloadIsNeverReadAsOne(t *testing.T) {
	// A sender who knows the format writes a record into a message, and the disk
	// then damages the header in front of it.
	forger := &segment{salt: 7}
	forged := forger.appendHeader(nil, &pending{payload: []byte("forged"), count: 1, first: 1})
	forged = append(forged, "forged"...)
	dir := t.TempDir()
	l, _ := open(t, Options{Dir: dir})
	l.Append(forged, 1)
	l.Append([]byte("second"), 1)
	l.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "*.wal"))
	f, _ := os.OpenFile(files[0], os.O_RDWR, 0)
	f.WriteAt([]byte{0}, segmentHeader)
	f.Close()
	l, report := open(t, Options{Dir: dir})
	if got, _ := payloads(t, l, 0); len(got) != 1 || got[0] != "second" || report.DamagedRegions != 1 {
		t.Fatalf("read %q; %v", got, report)
	}
}

// faulty is a file system on which chosen operations fail.
type faulty struct {
	OS
	write, sync, create atomic.Pointer[error]
	space               atomic.Int64 // bytes until ENOSPC; 0: no limit
}

type faultyFile struct {
	File
	fs *faulty
}

func (f *faulty) Create(path string) (File, error) {
	if err := f.create.Load(); err != nil {
		return nil, *err
	}
	file, err := f.OS.Create(path)
	return &faultyFile{file, f}, err
}

func (f *faultyFile) Write(b []byte) (int, error) {
	if err := f.fs.write.Load(); err != nil {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, *err
	}
	if left := f.fs.space.Load(); left != 0 {
		if left < int64(len(b)) {
			n, _ := f.File.Write(b[:left])
			return n, syscall.ENOSPC
		}
		f.fs.space.Add(-int64(len(b)))
	}
	return f.File.Write(b)
}

func (f *faultyFile) Sync() error {
	if err := f.fs.sync.Load(); err != nil {
		return *err
	}
	return f.File.Sync()
}

func (f *faultyFile) Truncate(int64) error { return syscall.EIO }

func TestNothingIsAcknowledgedAfterAFailedFsync(t *testing.T) {
	fs := &faulty{}
	opts := Options{Dir: t.TempDir(), FS: fs}
	l, _ := open(t, opts)
	ok := func(p string) {
		t.Helper()
		if _, err := l.Append([]byte(p), 1); err != nil {
			t.Fatal(err)
		}
	}
	ok("before")
	eio := error(syscall.EIO)
	fs.sync.Store(&eio)
	for range 5 {
		if _, err := l.Append([]byte("never"), 1); !errors.Is(err, syscall.EIO) {
			t.Fatalf("append on a failing disk: %v", err)
		}
	}
	fs.sync.Store(nil)
	ok("after")
	for range 2 {
		got, firsts := payloads(t, l, 0)
		if strings.Join(got, "|") != "before|after" || firsts[1] != 2 {
			t.Fatalf("read %v at %v", got, firsts)
		}
		l.Close()
		l, _ = open(t, opts)
	}
}

func TestFullDiskIsToldAndOvercome(t *testing.T) {
	fs := &faulty{}
	opts := Options{Dir: t.TempDir(), FS: fs}
	l, _ := open(t, opts)
	fs.space.Store(1000)
	stored := 0
	for range 40 {
		_, err := l.Append(make([]byte, 100), 1)
		if err == nil {
			stored++
		} else if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		if fs.space.Load() < 200 {
			fs.space.Store(100)
		}
	}
	if stored == 0 || stored > 10 {
		t.Fatalf("%d stored", stored)
	}
	fs.space.Store(0)
	if _, err := l.Append([]byte("after"), 1); err != nil {
		t.Fatal(err)
	}
	l.Close()
	l, report := open(t, opts)
	got, _ := payloads(t, l, 0)
	if len(got) != stored+1 || got[stored] != "after" || !report.Clean() {
		t.Fatalf("%d records, %d acknowledged; %v", len(got), stored+1, report)
	}
	if files, _ := filepath.Glob(filepath.Join(opts.Dir, "*.wal")); len(files) > 3 {
		t.Fatalf("a full disk left %d files", len(files))
	}
}

// TestKilledWriter is the child: it appends numbered payloads and says on its
// standard output which ones were acknowledged.
func TestKilledWriter(t *testing.T) {
	dir := os.Getenv("NIGHTJAR_WAL_CHILD")
	if dir == "" {
		t.Skip("is the child process of TestAcknowledgedSurvivesKill")
	}
	l, _, err := Open(Options{Dir: dir, SegmentBytes: 64 << 10})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	base := l.Next()
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				p := fmt.Sprintf("%d-%d-%d-%s", base, w, i, strings.Repeat("x", i%3000))
				first, err := l.Append([]byte(p), 1)
				if err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				os.Stdout.WriteString(fmt.Sprintf("ack %d %d-%d-%d\n", first, base, w, i))
			}
		}()
	}
	select {}
}

func TestAcknowledgedSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]string{}
	for round := range 20 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$")
		cmd.Env = append(os.Environ(), "NIGHTJAR_WAL_CHILD="+dir)
		var out strings.Builder
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(30+rand.IntN(120)) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		lines := strings.Split(out.String(), "\n")
		for _, line := range lines[:len(lines)-1] {
			f := strings.Fields(line)
			if len(f) == 3 && f[0] == "ack" {
				acked[f[2]] = f[1]
			} else if strings.HasPrefix(line, "error") {
				t.Fatalf("round %d: %s", round, line)
			}
		}
		l, report, err := Open(Options{Dir: dir, SegmentBytes: 64 << 10})
		if err != nil || !report.Clean() {
			t.Fatalf("round %d: %v %v", round, report, err)
		}
		got, firsts := payloads(t, l, 0)
		found := map[string]string{}
		for i, p := range got {
			key := strings.Join(strings.SplitN(p, "-", 4)[:3], "-")
			if _, twice := found[key]; twice {
				t.Fatalf("%s is there twice", key)
			}
			found[key] = strconv.FormatUint(firsts[i], 10)
		}
		for key, first := range acked {
			if found[key] != first {
				t.Fatalf("round %d: %s was acknowledged as %s and is %q", round, key, first, found[key])
			}
		}
		l.Close()
	}
	if len(acked) < 100 {
		t.Fatalf("only %d appends were acknowledged", len(acked))
	}
	t.Logf("%d acknowledged, all there once", len(acked))
}

// fast is a file system that promises nothing, for tests that crash nothing.
type fast struct{ OS }

type fastFile struct{ File }

func (fastFile) Sync() error { return nil }

func (f fast) Create(path string) (File, error) {
	file, err := f.OS.Create(path)
	return fastFile{file}, err
}

func (fast) SyncDir(string) error { return nil }

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	l, _, err := Open(Options{Dir: dir})
	if err != nil {
		f.Fatal(err)
	}
	l.Append([]byte("one"), 1)
	l.Append([]byte("two"), 3)
	l.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "*.wal"))
	b, _ := os.ReadFile(files[0])
	f.Add(b)
	f.Add(b[:200])
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, segmentName(1)), b, 0o600); err != nil {
			t.Fatal(err)
		}
		l, _ := open(t, Options{Dir: dir, MaxRecord: 1 << 20, FS: fast{}})
		before, _ := payloads(t, l, 0)
		if _, err := l.Append([]byte("new"), 1); err != nil {
			t.Fatal(err)
		}
		l.Close()
		l, _ = open(t, Options{Dir: dir, MaxRecord: 1 << 20, FS: fast{}})
		after, _ := payloads(t, l, 0)
		if len(after) != len(before)+1 {
			t.Fatalf("%d records, then %d after one append", len(before), len(after))
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			l, _ := open(b, Options{Dir: b.TempDir()})
			p := make([]byte, 64<<10)
			b.SetBytes(int64(len(p)))
			b.SetParallelism(writers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					first, err := l.Append(p, 1)
					if err != nil {
						b.Error(err)
					}
					if first%1000 == 0 {
						l.Release(first)
					}
				}
			})
		})
	}
}

// badSectors is a disk that does not give back some sectors of segment files.
type badSectors struct {
	OS
	bad atomic.Pointer[map[int64]bool] // by number, in every segment
}

type badSectorFile struct {
	ReadFile
	fs *badSectors
}

func (f *badSectors) broken(from, to int64) bool {
	bad := f.bad.Load()
	for s := from / sector; bad != nil && s*sector < to; s++ {
		if (*bad)[s] {
			return true
		}
	}
	return false
}

func (f *badSectors) Open(path string) (ReadFile, error) {
	file, err := f.OS.Open(path)
	return badSectorFile{file, f}, err
}

func (f *badSectors) ReadFile(path string, limit int) ([]byte, error) {
	b, err := f.OS.ReadFile(path, limit)
	if err == nil && strings.HasSuffix(path, suffix) && f.broken(0, int64(len(b))) {
		return nil, syscall.EIO
	}
	return b, err
}

func (f badSectorFile) ReadAt(b []byte, off int64) (int, error) {
	if f.fs.broken(off, off+int64(len(b))) {
		return 0, syscall.EIO
	}
	return f.ReadFile.ReadAt(b, off)
}

// TestABadSectorCostsTheRecordsInItAndNoMore has a disk go bad under a log that
// is open, and under one that is opened.
func TestABadSectorCostsTheRecordsInItAndNoMore(t *testing.T) {
	fs := &badSectors{}
	opts := Options{Dir: t.TempDir(), FS: fs}
	l, _ := open(t, opts)
	const records, size = 100, 1000
	for i := range records {
		if _, err := l.Append(bytes.Repeat([]byte{byte(i)}, size), 1); err != nil {
			t.Fatal(err)
		}
	}
	fs.bad.Store(&map[int64]bool{5: true, 6: true})
	got := readPast(t, l)
	// Two sectors of 4,096 bytes touch at most 10 records of 1,024.
	if len(got) < records-10 || len(got) >= records {
		t.Errorf("%d of %d records were read past two bad sectors", len(got), records)
	}
	if l.Damaged() == 0 {
		t.Error("the damage was not counted")
	}
	l.Close()
	l, report := open(t, opts)
	again := readPast(t, l)
	if len(again) != len(got) || report.LostEntries != records-uint64(len(got)) {
		t.Errorf("opened again: %d records, want %d; report: %s", len(again), len(got), report)
	}
	if l.Next() != records+1 {
		t.Errorf("numbering goes on at %d, want %d", l.Next(), records+1)
	}
}

// readPast reads what there is, past what the disk does not give back.
func readPast(t testing.TB, l *Log) (firsts []uint64) {
	t.Helper()
	r := l.ReadFrom(0)
	defer r.Close()
	for skips := 0; skips < 10; {
		rec, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return firsts
		case err != nil:
			skips++
			if err := r.SkipUnreadable(); err != nil {
				t.Fatal(err)
			}
		default:
			firsts = append(firsts, rec.First)
		}
	}
	t.Fatal("the reader does not get past the sectors")
	return nil
}
