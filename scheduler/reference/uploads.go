package reference

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"nightjar/schema"
)

// Uploads are files that arrive in parts, before they are read into tables. They
// are kept in a folder, for a day.
type Uploads struct {
	dir string
	now func() time.Time

	mu   sync.Mutex
	byID map[string]*Upload
}

// Upload is one of them.
type Upload struct {
	ID string
	// Headers are the columns of the file. A first line with just these names is
	// a header; any other is a row.
	Headers []string
	Parts   int

	at   time.Time
	have []bool
}

// Limits of an upload.
const (
	MaxParts = 20
	// MaxPart is how many bytes a part has at most.
	MaxPart = 5 << 30
	// uploadAge is when an upload is forgotten.
	uploadAge = 24 * time.Hour
)

// NewUploads keeps uploads in a folder, which it empties: what was there before
// belongs to nobody.
func NewUploads(dir string, now func() time.Time) (*Uploads, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("empty the folder of uploads: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of uploads: %w", err)
	}
	return &Uploads{dir: dir, now: now, byID: map[string]*Upload{}}, nil
}

// Create begins an upload of a number of parts.
func (u *Uploads) Create(headers []string, parts int) (Upload, error) {
	var bad schema.Invalid
	if len(headers) == 0 || len(headers) > MaxFields {
		bad.Add("headers", fmt.Sprintf("a file has 1 to %d columns, got %d", MaxFields, len(headers)))
	}
	if parts < 1 || parts > MaxParts {
		bad.Add("part_count", fmt.Sprintf("a file has 1 to %d parts, got %d", MaxParts, parts))
	}
	if err := bad.Err(); err != nil {
		return Upload{}, err
	}
	up := &Upload{ID: uuid.NewString(), Headers: slices.Clone(headers), Parts: parts, at: u.now(), have: make([]bool, parts)}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.forget()
	if err := os.Mkdir(filepath.Join(u.dir, up.ID), 0o700); err != nil {
		return Upload{}, fmt.Errorf("begin an upload: %w", err)
	}
	u.byID[up.ID] = up
	return *up, nil
}

// forget drops uploads that nobody has asked for in time.
func (u *Uploads) forget() {
	for id, up := range u.byID {
		if u.now().Sub(up.at) > uploadAge {
			_ = os.RemoveAll(filepath.Join(u.dir, id)) // NewUploads tries again
			delete(u.byID, id)
		}
	}
}

// Put stores a part, counted from 1. The same part again takes its place.
func (u *Uploads) Put(id string, part int, body io.Reader) error {
	up, err := u.get(id)
	if err != nil {
		return err
	}
	if part < 1 || part > up.Parts {
		return &schema.NotFound{Kind: "part of upload " + id, ID: strconv.Itoa(part)}
	}
	file, err := os.CreateTemp(filepath.Join(u.dir, id), "part-")
	if err != nil {
		return fmt.Errorf("store part %d of upload %s: %w", part, id, err)
	}
	n, err := io.Copy(file, io.LimitReader(body, MaxPart+1))
	if n > MaxPart {
		err = fmt.Errorf("it has more than %d bytes", MaxPart)
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), u.part(id, part))
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("store part %d of upload %s: %w", part, id, err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	up.have[part-1] = true
	return nil
}

func (u *Uploads) part(id string, part int) string {
	return filepath.Join(u.dir, id, strconv.Itoa(part))
}

func (u *Uploads) get(id string) (*Upload, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	up := u.byID[id]
	if up == nil {
		return nil, &schema.NotFound{Kind: "upload", ID: id}
	}
	return up, nil
}

// Open is the file of an upload whose parts are all there. The caller closes it.
func (u *Uploads) Open(id string) (*CSV, io.Closer, error) {
	up, err := u.get(id)
	if err != nil {
		return nil, nil, err
	}
	u.mu.Lock()
	missing := slices.Index(up.have, false)
	u.mu.Unlock()
	if missing >= 0 {
		var bad schema.Invalid
		bad.Add("upload_id", fmt.Sprintf("part %d of %d of upload %s was not sent", missing+1, up.Parts, id))
		return nil, nil, bad.Err()
	}
	var files closers
	var readers []io.Reader
	for part := range up.Parts {
		file, err := os.Open(u.part(id, part+1))
		if err != nil {
			_ = files.Close()
			return nil, nil, fmt.Errorf("open upload %s: %w", id, err)
		}
		files, readers = append(files, file), append(readers, file)
	}
	csv, err := NewCSVOf(up.Headers, io.MultiReader(readers...))
	if err != nil {
		_ = files.Close()
		return nil, nil, err
	}
	return csv, files, nil
}

type closers []io.Closer

// Close closes all of them.
func (c closers) Close() error {
	var errs []error
	for _, one := range c {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}
