package evidence

import (
	"context"
	"crypto/md5"  //nolint:gosec // names files, as everybody's lists of them do; nothing is secured by it
	"crypto/sha1" //nolint:gosec // as well
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"time"

	lru "github.com/hashicorp/golang-lru"
	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"
)

// Hashes are those of a file.
type Hashes struct {
	List    []string // algorithm:hex, of md5, sha1 and sha256
	Size    int64    // of the file, in bytes
	Changed string   // how it is not the file that it was at the time of the event; empty: it is
	Cached  bool     // they were known
}

// identity is what does not stay the same when a file's content changes.
type identity struct {
	device, inode  uint64
	size           int64
	written, moved int64 // times of the content and of the inode, ns since 1970
}

func identityOf(s *unix.Stat_t) identity {
	return identity{device: uint64(s.Dev), inode: s.Ino, size: s.Size, written: s.Mtim.Nano(), moved: s.Ctim.Nano()}
}

// hasher computes hashes, and remembers them.
type hasher struct {
	limits Limits
	known  *lru.Cache // of identity to []string
	files  *rate.Limiter
	bytes  *rate.Limiter
}

// What is read at once, in bytes, and how many files' hashes are remembered.
const (
	chunk      = 256 << 10
	mostHashes = 8192
)

func newHasher(l Limits) hasher {
	known, err := lru.New(mostHashes)
	if err != nil {
		panic(err) // the size is above 0
	}
	return hasher{
		limits: l, known: known, files: rate.NewLimiter(rate.Limit(l.HashRate), l.HashRate),
		bytes: rate.NewLimiter(rate.Limit(l.HashBytes), max(l.HashBytes, chunk)),
	}
}

// of finds a file and computes its hashes. Larger than most bytes it may not be.
func (h *hasher) of(ctx context.Context, s subject, most int64) (Hashes, error) {
	f, how, err := s.open()
	if err != nil {
		return Hashes{}, err
	}
	defer f.Close()
	out := Hashes{}
	if how == changed {
		out.Changed = "since the event"
	}
	var before, after unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &before); err != nil {
		return out, err
	}
	if out.Size = before.Size; out.Size > most {
		return out, fmt.Errorf("%w: it has %d bytes, and the limit is %d", ErrTooLarge, out.Size, most)
	}
	if list, ok := h.known.Get(identityOf(&before)); ok {
		out.List, out.Cached = list.([]string), true
		return out, nil
	}
	if !h.files.Allow() {
		return out, fmt.Errorf("%w: %d files in a second", ErrTooOften, h.limits.HashRate)
	}
	read := int64(0)
	if out.List, read, err = h.read(ctx, f, most); err != nil {
		return out, err
	}
	if unix.Fstat(int(f.Fd()), &after) != nil || identityOf(&before) != identityOf(&after) || read != before.Size {
		out.Size, out.Changed = read, "while it was read"
		return out, nil
	}
	if settled(&after) {
		h.known.Add(identityOf(&after), out.List)
	}
	return out, nil
}

// settled reports whether a further change would be told by the times: of two changes
// within a tick of the kernel's clock the second is not.
func settled(s *unix.Stat_t) bool {
	const long = time.Second
	return time.Since(time.Unix(0, s.Ctim.Nano())) > long
}

// read computes the hashes of a file of at most that many bytes.
func (h *hasher) read(ctx context.Context, f *os.File, most int64) (list []string, size int64, err error) {
	sums := []struct {
		name string
		sum  interface {
			io.Writer
			Sum([]byte) []byte
		}
	}{{"md5", md5.New()}, {"sha1", sha1.New()}, {"sha256", sha256.New()}} //nolint:gosec // see the imports
	buffer := make([]byte, chunk)
	for {
		n, err := f.Read(buffer)
		if h.bytes.WaitN(ctx, n) != nil {
			return nil, size, ErrTooSlow
		}
		if size += int64(n); size > most {
			return nil, size, fmt.Errorf("%w: it grew beyond %d bytes", ErrTooLarge, most)
		}
		for _, s := range sums {
			_, _ = s.sum.Write(buffer[:n]) // never fails
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, size, fmt.Errorf("read the file: %w", err)
		}
	}
	for _, s := range sums {
		list = append(list, s.name+":"+hex.EncodeToString(s.sum.Sum(nil)))
	}
	return list, size, nil
}
