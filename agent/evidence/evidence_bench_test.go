package evidence

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/secl/event"
)

func benchmarkSubject(b *testing.B, size int) (*Collector, subject) {
	c, err := New(Config{Dir: b.TempDir(), Limits: Limits{HashRate: 1 << 30, HashBytes: 1 << 40, DumpsHourly: 1 << 30, DumpTotal: 1 << 40}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	name := filepath.Join(b.TempDir(), "f")
	if err := os.WriteFile(name, []byte(strings.Repeat("x", size)), 0o600); err != nil {
		b.Fatal(err)
	}
	f := event.File{}
	f.SetPath(name)
	return c, subject{file: f, here: true}
}

// BenchmarkHash is a file of 8 MiB, as a program is, read and hashed anew each time.
func BenchmarkHash(b *testing.B) {
	const size = 8 << 20
	c, s := benchmarkSubject(b, size)
	b.SetBytes(size)
	for b.Loop() {
		c.hashes.known.Purge()
		if _, err := c.hashes.of(b.Context(), s, size); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkKnownHash is a program whose hashes are known.
func BenchmarkKnownHash(b *testing.B) {
	c, s := benchmarkSubject(b, 1)
	s.file.SetPath("/bin/sh")
	s.file.Inode = 0
	s.file.Path = must(filepath.EvalSymlinks("/bin/sh"))
	for b.Loop() {
		if _, err := c.hashes.of(b.Context(), s, 1<<30); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDump is the memory of this process.
func BenchmarkDump(b *testing.B) {
	c, _ := benchmarkSubject(b, 1)
	folder := must(os.Open("/proc/self"))
	defer folder.Close()
	p := &living{dir: int(folder.Fd()), pid: uint32(os.Getpid())}
	began, err := p.began()
	if err != nil {
		b.Fatal(err)
	}
	w := Want{PID: p.pid, Start: began * 1_000_000_000 / ticks}
	for b.Loop() {
		d, err := c.dumps.write(b.Context(), w)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(d.Memory)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
