package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"
)

// Dump is the memory of a process, as it was written down.
type Dump struct {
	Path   string // of the file: an ELF core, compressed with zstd if its name ends so
	Size   int64  // of the file, in bytes
	Memory int64  // that is in it, in bytes
	Left   int64  // that was not written: beyond the limit, or not readable; in bytes
	Held   bool   // the process stood still meanwhile
}

// Want says what to write.
type Want struct {
	PID   uint32
	Start uint64 // of the process, in ns since boot
	Rule  string // whose action it is: part of the file's name
	Plain bool   // do not compress
	Hold  bool   // stop the process meanwhile, and let it go on
}

// dumper writes the memory of processes. It writes one at a time.
type dumper struct {
	dir    string
	limits Limits
	rate   *rate.Limiter
	mu     sync.Mutex
	// mayStop is Config.MayStop.
	mayStop func(pid int) bool
}

// Names of files: what is being written has one of its own, so that what has the other is
// whole.
const (
	compressed = ".core.zst"
	plain      = ".core"
	unfinished = ".unfinished"
)

func (d *dumper) open(dir string, l Limits) error {
	d.dir, d.limits = dir, l
	d.rate = rate.NewLimiter(rate.Every(time.Hour/time.Duration(l.DumpsHourly)), l.DumpsHourly)
	if dir == "" {
		return nil
	}
	if err := makePrivate(dir); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), unfinished) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// errNoFolder is why nothing can be written.
var errNoFolder = errors.New("the agent has no folder to write to; give it --state-dir")

// write writes the memory of a process.
func (d *dumper) write(ctx context.Context, w Want) (Dump, error) {
	if d.dir == "" {
		return Dump{}, errNoFolder
	}
	p, err := hold(w.PID, w.Start)
	if err != nil {
		return Dump{}, err
	}
	defer p.close()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.rate.Allow() {
		return Dump{}, fmt.Errorf("%w: %d processes in an hour", ErrTooOften, d.limits.DumpsHourly)
	}
	room, err := d.room()
	if err != nil {
		return Dump{}, err
	}
	held := w.Hold && (d.mayStop == nil || d.mayStop(int(w.PID))) && stopped(ctx, p, w)
	if held {
		defer release(w)
	}
	out, err := d.create(ctx, p, w, room)
	out.Held = held
	return out, err
}

// mostKept is how much of the file system stays free, in bytes, or a tenth of it if that is
// less.
const mostKept = 2 << 30

// room is how many bytes may be written: up to the limit of the folder, and not so many
// that the file system is full.
func (d *dumper) room() (int64, error) {
	used := int64(0)
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			used += info.Size()
		}
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(d.dir, &fs); err != nil {
		return 0, err
	}
	free := int64(fs.Bavail)*fs.Bsize - min(int64(fs.Blocks)/10*fs.Bsize, mostKept)
	room := min(d.limits.DumpTotal-used, free)
	if room <= 0 {
		return 0, fmt.Errorf("%w: %s has %d bytes of %d, and the file system %d that are free to use; move away what is there", ErrTooLarge, d.dir, used, d.limits.DumpTotal, max(free, 0))
	}
	return room, nil
}

// create writes one file, of at most room bytes.
func (d *dumper) create(ctx context.Context, p *living, w Want, room int64) (Dump, error) {
	ending := compressed
	if w.Plain {
		ending = plain
	}
	name := filepath.Join(d.dir, fmt.Sprintf("%s-%s-%d%s", time.Now().UTC().Format("20060102T150405.000000"), fileName(w.Rule), w.PID, ending))
	const private = 0o600
	f, err := os.OpenFile(name+unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, private)
	if err != nil {
		return Dump{}, err
	}
	out, err := writeTo(ctx, f, p, w, min(d.limits.Memory, room), room)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(name+unfinished, name)
	}
	if err != nil {
		return Dump{}, errors.Join(err, os.Remove(name+unfinished))
	}
	out.Path = name
	return out, nil
}

// writeTo writes a core of at most memory bytes of the process, in at most room bytes.
func writeTo(ctx context.Context, f *os.File, p *living, w Want, memory, room int64) (Dump, error) {
	c, err := coreOf(p, memory)
	if err != nil {
		return Dump{}, err
	}
	defer c.memory.Close()
	to := &bounded{ctx: ctx, to: f, room: room}
	var through io.WriteCloser = nopCloser{to}
	if !w.Plain {
		if through, err = zstd.NewWriter(to, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true)); err != nil {
			return Dump{}, err
		}
	}
	err = errors.Join(c.write(through), through.Close())
	return Dump{Size: to.written, Memory: c.taken - c.unreadable, Left: c.left + c.unreadable}, err
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// bounded is a writer that has room for so many bytes, until the context is done.
type bounded struct {
	ctx     context.Context
	to      io.Writer
	room    int64
	written int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	if b.written+int64(len(p)) > b.room {
		return 0, fmt.Errorf("%w: there is room for %d bytes", ErrTooLarge, b.room)
	}
	n, err := b.to.Write(p)
	b.written += int64(n)
	return n, err
}

// fileName is a text that can be part of a file's name: ids of rules can.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' {
			return r
		}
		return '_'
	}, s)
}

// signalTo sends a signal to the process that is held, never to a later one.
func signalTo(p *living, w Want, signal unix.Signal) error {
	fd, err := unix.PidfdOpen(int(w.PID), 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if _, err := p.began(); err != nil { // the pid was another's already when it was opened
		return ErrEnded
	}
	return unix.PidfdSendSignal(fd, signal, nil, 0)
}

// release lets the process go on, after the time that it takes to kill it if it is to be
// killed.
func release(w Want) {
	const enough = 200 * time.Millisecond
	time.AfterFunc(enough, func() {
		if p, err := hold(w.PID, w.Start); err == nil {
			_ = signalTo(p, w, unix.SIGCONT)
			p.close()
		}
	})
}

// stopped stops the process, and reports whether it stands still.
func stopped(ctx context.Context, p *living, w Want) bool {
	if signalTo(p, w, unix.SIGSTOP) != nil {
		return false
	}
	const pause, tries = time.Millisecond, 50
	for range tries {
		stat, err := p.read("stat")
		if err != nil || ctx.Err() != nil {
			break
		}
		after := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
		if state := strings.TrimSpace(after); state != "" && (state[0] == 'T' || state[0] == 't') {
			return true
		}
		time.Sleep(pause)
	}
	return true // it was told to stop, and must be let go on
}
