package files

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"golang.org/x/text/encoding/unicode"

	"nightjar/ingest/evtx"
)

// reading is one call of Each.
type reading struct {
	options Options
	use     func(Record) error
	follow  *following // nil: the end of the file is the end
}

// maxNested is how many layers of compression and archives are undone: a
// .tar.gz of .gz files has three.
const maxNested = 4

// lookAhead is how much of a file decides its form.
const lookAhead = 64 << 10

// maxWindow bounds the memory that a decompressor may ask for.
const maxWindow = 64 << 20

func (r *reading) file(path string, in io.Reader) error {
	if seekable, ok := in.(interface {
		io.ReaderAt
		io.Seeker
	}); ok {
		members, err := zipOf(seekable)
		if err != nil {
			return fmt.Errorf("read %s: %w; is the archive cut off?", path, err)
		}
		if members != nil {
			return r.zip(path, members)
		}
	}
	if r.options.Read != nil {
		in = &counted{in, r.options.Read}
	}
	if r.options.Follow != nil {
		r.follow = &following{in: in, more: r.options.Follow}
		in = r.follow
	}
	return r.open(path, in, 0)
}

// following is a file that grows. Until the form of what is in it is known, which
// takes a line, its end is told; then it is waited at.
type following struct {
	in    io.Reader
	more  func() bool
	line  bool // there is a whole one, or what no line has
	known bool
	// idle, when not nil, hands over what would wait for more, when nothing has come
	// for a while.
	idle  func() error
	since time.Time // when something came last; zero: idle was called since
}

// idleAfter is that while.
var idleAfter = 2 * time.Second

func (f *following) Read(b []byte) (int, error) {
	for {
		n, err := f.in.Read(b)
		if n > 0 {
			f.since = time.Now()
		} else if f.idle != nil && !f.since.IsZero() && time.Since(f.since) >= idleAfter {
			f.since = time.Time{}
			if err := f.idle(); err != nil {
				return 0, err
			}
		}
		f.line = f.line || bytes.IndexByte(b[:n], '\n') >= 0 || bytes.IndexByte(b[:n], 0) >= 0
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
		if !f.known && f.line || !f.more() {
			return 0, io.EOF
		}
	}
}

// Followable reports whether a file that begins like this may be read while it
// grows: it is text, and not compressed or packed.
func Followable(head []byte) bool {
	name, _ := compression(head)
	return name == "" && !bytes.HasPrefix(head, []byte(evtx.Magic)) && !bytes.HasPrefix(head, []byte("PK\x03\x04")) && !isTar(head)
}

func isTar(head []byte) bool { return len(head) > 262 && string(head[257:262]) == "ustar" }

// counted tells how much is read.
type counted struct {
	io.Reader
	read func(int)
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.read(n)
	return n, err
}

// open undoes one layer, and reads what is below all of them.
func (r *reading) open(path string, in io.Reader, layers int) error {
	b := bufio.NewReaderSize(in, lookAhead)
	head, err := b.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", path, err)
	}
	name, undo := compression(head)
	if bytes.HasPrefix(head, []byte(evtx.Magic)) {
		return r.evtx(path, b)
	}
	if (undo != nil || isTar(head)) && layers >= maxNested {
		return fmt.Errorf("%s: compressed or packed more than %d times over", path, maxNested)
	}
	switch {
	case undo != nil:
		plain, err := undo(b)
		if err == nil {
			err = r.open(path, plain, layers+1)
			if c, ok := plain.(io.Closer); ok {
				_ = c.Close() // what it has to say was said by Read
			}
			return err
		}
		return fmt.Errorf("%s: looks like %s and cannot be decompressed: %w", path, name, err)
	case isTar(head):
		return r.tar(path, b, layers+1)
	}
	return r.text(path, b)
}

// compression is what undoes that of a file which begins like this.
func compression(head []byte) (name string, undo func(io.Reader) (io.Reader, error)) {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return "gzip", func(in io.Reader) (io.Reader, error) { return gzip.NewReader(in) }
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd", func(in io.Reader) (io.Reader, error) {
			z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
			if err != nil {
				return nil, err
			}
			return z.IOReadCloser(), nil
		}
	case bytes.HasPrefix(head, []byte("BZh")) && len(head) > 4 && head[3] >= '1' && head[3] <= '9' && head[4] == 0x31:
		return "bzip2", func(in io.Reader) (io.Reader, error) { return bzip2.NewReader(in), nil }
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return "xz", func(in io.Reader) (io.Reader, error) {
			return xz.ReaderConfig{DictCap: 8 << 20}.NewReader(in)
		}
	}
	return "", nil
}

// tar reads the regular members one after the other.
func (r *reading) tar(path string, in io.Reader, layers int) error {
	t := tar.NewReader(in)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: the tar archive cannot be read on: %w", path, err)
		}
		if h.Typeflag != tar.TypeReg || h.Size == 0 {
			continue
		}
		if err := r.open(path+"!"+h.Name, t, layers); err != nil {
			return err
		}
	}
}

// zipOf is the archive, or nil where the file is none.
func zipOf(in interface {
	io.ReaderAt
	io.Seeker
}) (*zip.Reader, error) {
	var head [4]byte
	if _, err := in.ReadAt(head[:], 0); err != nil || string(head[:]) != "PK\x03\x04" {
		return nil, nil
	}
	size, err := in.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return zip.NewReader(in, size)
}

func (r *reading) zip(path string, archive *zip.Reader) error {
	for _, m := range archive.File {
		if !m.Mode().IsRegular() || m.UncompressedSize64 == 0 || strings.HasSuffix(m.Name, "/") {
			continue
		}
		in, err := m.Open()
		if err != nil {
			return fmt.Errorf("%s!%s: %w", path, m.Name, err)
		}
		err = r.open(path+"!"+m.Name, in, 1)
		_ = in.Close()
		if err != nil {
			return err
		}
		if r.options.Read != nil {
			r.options.Read(int(m.CompressedSize64))
		}
	}
	return nil
}

// evtx reads an event log of Windows. Its records are counted as lines are.
func (r *reading) evtx(path string, in io.Reader) error {
	n := 0
	err := evtx.Each(in, func(e evtx.Record) error {
		n++
		return r.use(Record{Place: Place{path, n}, JSON: true, Text: e.JSON})
	}, func(d *evtx.DamageError) error {
		return r.skipped(fmt.Errorf("%s: %w", path, d))
	})
	if errors.Is(err, evtx.ErrNoLog) {
		return fmt.Errorf("%s: %w", path, err)
	}
	return err
}

// skipped tells of a part that was passed over.
func (r *reading) skipped(err error) error {
	if r.options.Skipped == nil {
		return err
	}
	r.options.Skipped(err)
	return nil
}

// text brings what is to be text into UTF-8, and refuses what is none.
func (r *reading) text(path string, in *bufio.Reader) error {
	head, err := in.Peek(lookAhead)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", path, err)
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = in.Discard(3) // they are there
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		utf16 := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()
		in = bufio.NewReaderSize(utf16.Reader(in), lookAhead)
	default:
		if what := binary(head); what != "" {
			return fmt.Errorf("%s is %s, and no text; nothing of it was read", path, what)
		}
	}
	return r.records(path, in)
}

// binary names what is no text by how it begins; empty: it may be text.
func binary(head []byte) string {
	for magic, what := range map[string]string{
		"PK\x03\x04": "a zip archive that is read from a stream (name the file itself)",
		"\x7fELF":    "a program", "LPKSHHRH": "a systemd journal (use journalctl -o json)",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return what
		}
	}
	// A log may hold a stray NUL; files of other kinds are full of them.
	if n := bytes.Count(head, []byte{0}); n > len(head)/64 {
		if len(head) >= 4 && (head[0] == 0) != (head[1] == 0) && (head[2] == 0) != (head[3] == 0) {
			return "UTF-16 without a byte order mark (convert it to UTF-8)"
		}
		return "binary"
	}
	if garbled(head) {
		return "binary, or compressed or encrypted in a way that is not known here"
	}
	return ""
}

// garbled reports whether what begins like this is neither UTF-8 nor text in an older
// encoding: those have next to none of the control characters that separate nothing.
// Of random bytes one in fourteen is such.
func garbled(head []byte) bool {
	n := 0
	for _, c := range head {
		if c >= 0x02 && c <= 0x06 || c >= 0x0e && c <= 0x1a || c == 0x7f {
			n++
		}
	}
	return n > len(head)/64 && !utf8.Valid(head)
}
