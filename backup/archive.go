package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"nightjar/ingest"
)

// Manifest is the head of a backup.
type Manifest struct {
	Format   int       `json:"format"`
	Version  string    `json:"version"` // of the program that wrote it
	At       time.Time `json:"at"`
	Database string    `json:"database"`
	// Tables are the rows of each table.
	Tables map[string]uint64 `json:"tables"`
	// Through: every event up to this arrival is in it, and no other. Next is
	// above every arrival number that was given.
	Through uint64 `json:"through"`
	Next    uint64 `json:"next"`
	// Name is that of the backup on the server; its files follow, unless it was
	// sent to a destination of the server's.
	Name     string `json:"name"`
	External bool   `json:"external"`
}

const format = 1

// The names of what a backup holds. It is a tar file; the last entry holds the
// hash of all others, and a backup without it was cut off.
const (
	manifestName    = "manifest.json"
	batchesDir      = "intake/batches/"
	positionsName   = "intake/files"
	deadLettersName = "intake/dead-letters.jsonl"
	lossesName      = "intake/losses.jsonl"
	filesDir        = "clickhouse/"
	endName         = "sha256"
)

type archive struct {
	tar *tar.Writer
	sum hash.Hash
	at  time.Time
}

func newArchive(w io.Writer, at time.Time) *archive {
	return &archive{tar: tar.NewWriter(w), sum: sha256.New(), at: at}
}

func (a *archive) put(name string, size int64, content io.Reader) error {
	err := a.tar.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: a.at, Format: tar.FormatPAX})
	if err == nil {
		fmt.Fprintf(a.sum, "%s\n%d\n", name, size)
		_, err = io.Copy(io.MultiWriter(a.tar, a.sum), content)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (a *archive) putBytes(name string, content []byte) error {
	return a.put(name, int64(len(content)), bytes.NewReader(content))
}

func (a *archive) putState(s ingest.State) error {
	for hour, ids := range s.Batches {
		if err := a.putBytes(batchesDir+strconv.FormatInt(hour, 10), ids); err != nil {
			return err
		}
	}
	if err := a.putBytes(positionsName, s.Files); err != nil {
		return err
	}
	if err := a.putBytes(deadLettersName, s.DeadLetters); err != nil {
		return err
	}
	return a.putBytes(lossesName, s.Losses)
}

// putFolder writes every file below dir.
func (a *archive) putFolder(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return a.put(filesDir+filepath.ToSlash(name), info.Size(), f)
	})
}

func (a *archive) close() error {
	end := []byte(hex.EncodeToString(a.sum.Sum(nil)) + "\n")
	if err := a.putBytes(endName, end); err != nil {
		return err
	}
	return a.tar.Close()
}

// ErrIncomplete is a backup that was cut off or damaged.
var ErrIncomplete = errors.New("the backup is cut off or damaged: its end is missing or does not match")

// unpack reads a backup: files go below dir, the rest is returned. Nothing of it
// is to be used when it fails.
func unpack(r io.Reader, dir string) (m Manifest, s ingest.State, err error) {
	in, sum := tar.NewReader(r), sha256.New()
	s.Batches = map[int64][]byte{}
	for entries := 0; ; entries++ {
		head, err := in.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, tar.ErrHeader) {
			return m, s, ErrIncomplete
		}
		if err != nil {
			return m, s, fmt.Errorf("read backup: %w", err)
		}
		if head.Name == endName {
			want, err := io.ReadAll(io.LimitReader(in, 100))
			if err != nil || strings.TrimSpace(string(want)) != hex.EncodeToString(sum.Sum(nil)) {
				return m, s, ErrIncomplete
			}
			s.Through, s.Next = m.Through, m.Next
			return m, s, nil
		}
		if (entries == 0) != (head.Name == manifestName) {
			return m, s, errors.New("this is not a backup of nightjar's: it does not begin with " + manifestName)
		}
		fmt.Fprintf(sum, "%s\n%d\n", head.Name, head.Size)
		if err := unpackEntry(head.Name, io.TeeReader(in, sum), dir, &m, &s); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = ErrIncomplete
			}
			return m, s, err
		}
	}
}

func unpackEntry(name string, content io.Reader, dir string, m *Manifest, s *ingest.State) error {
	if path, ok := strings.CutPrefix(name, filesDir); ok {
		return writeFile(dir, path, content)
	}
	text, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	hour, isBatches := strings.CutPrefix(name, batchesDir)
	switch {
	case isBatches:
		n, err := strconv.ParseInt(hour, 10, 64)
		if err != nil {
			return fmt.Errorf("read backup: no hour %q", hour)
		}
		s.Batches[n] = text
	case name == positionsName:
		s.Files = text
	case name == deadLettersName:
		s.DeadLetters = text
	case name == lossesName:
		s.Losses = text
	case name == manifestName:
		if err := json.Unmarshal(text, m); err != nil {
			return fmt.Errorf("read the backup's manifest: %w", err)
		}
		if m.Format != format {
			return fmt.Errorf("the backup is of format %d, written by nightjar %s; this version reads format %d", m.Format, m.Version, format)
		}
	default:
		return fmt.Errorf("read backup: nobody knows what %q is", name)
	}
	return nil
}

func writeFile(dir, name string, content io.Reader) error {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("read backup: %q leads out of it", name)
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}
