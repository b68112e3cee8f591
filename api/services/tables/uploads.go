package tables

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/uuid"

	"nightjar/api"
	"nightjar/scheduler/reference"
)

// uploads keeps files that were sent in parts until a table reads them, at most
// for a day. A part is sent to a URL that only the caller knows who made the
// upload; it needs no key.
type uploads struct {
	dir string
	now func() time.Time
}

// NewUploads keeps uploads in a folder, which is made when it is needed.
func NewUploads(dir string, now func() time.Time) *uploads { return &uploads{dir: dir, now: now} }

// Limits of uploads. Together they bound the disk that uploads may take.
const (
	maxParts     = 20
	maxPartBytes = 256 << 20
	maxUploads   = 20 // that no table has read
	uploadLasts  = 24 * time.Hour
)

// upload is what a folder says of its parts.
type upload struct {
	Headers  []string
	Parts    int
	PartSize int64
	Secret   []byte // a hash of what the URLs have
	Created  time.Time
}

// create makes room for a file, and says where its parts are to be sent.
func (u *uploads) create(headers []string, parts int, partSize int64) (id string, urls []string, err error) {
	switch {
	case u.dir == "":
		return "", nil, &api.Error{Code: api.CodeUnavailable, Message: "this server has no folder for uploads"}
	case parts < 1 || parts > maxParts:
		return "", nil, api.BadRequest(api.AttributesPath+".part_count", "want 1 to %d, got %d", maxParts, parts)
	case partSize < 1 || partSize > maxPartBytes:
		return "", nil, api.BadRequest(api.AttributesPath+".part_size", "want 1 to %d bytes, got %d", maxPartBytes, partSize)
	}
	if n := u.forgetOld(); n >= maxUploads {
		return "", nil, &api.Error{Code: api.CodeResourceExhausted, Message: fmt.Sprintf("%d uploads wait to be read by a table; they are forgotten after a day", n)}
	}
	id = uuid.NewString()
	var secret [16]byte
	_, _ = rand.Read(secret[:]) // never fails
	token := fmt.Sprintf("%x", secret)
	sum := sha256.Sum256([]byte(token))
	about, err := json.Marshal(upload{headers, parts, partSize, sum[:], u.now()})
	if err != nil {
		return "", nil, fmt.Errorf("make upload: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(u.dir, id), 0o700); err != nil {
		return "", nil, fmt.Errorf("make upload: %w", err)
	}
	if err := os.WriteFile(filepath.Join(u.dir, id, aboutUpload), about, 0o600); err != nil {
		return "", nil, fmt.Errorf("make upload: %w", err)
	}
	for part := range parts {
		urls = append(urls, fmt.Sprintf("%s%s/%s/%d", api.UploadsPath, id, token, part+1))
	}
	return id, urls, nil
}

const aboutUpload = "upload.json"

// forgetOld deletes uploads that no table read within a day, and counts the others.
func (u *uploads) forgetOld() (left int) {
	folders, _ := os.ReadDir(u.dir) // none yet
	for _, f := range folders {
		if about, err := u.about(f.Name()); err == nil && u.now().Sub(about.Created) < uploadLasts {
			left++
		} else {
			_ = os.RemoveAll(filepath.Join(u.dir, f.Name())) // the next one tries again
		}
	}
	return left
}

func (u *uploads) about(id string) (about upload, err error) {
	if uuid.Validate(id) != nil {
		return about, fs.ErrNotExist
	}
	text, err := os.ReadFile(filepath.Join(u.dir, id, aboutUpload))
	if err == nil {
		err = json.Unmarshal(text, &about)
	}
	return about, err
}

func (u *uploads) part(id string, part int) string {
	return filepath.Join(u.dir, id, strconv.Itoa(part))
}

// ServeHTTP takes one part.
func (u *uploads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	about, err := u.about(id)
	sum := sha256.Sum256([]byte(r.PathValue("token")))
	part, notNumber := strconv.Atoi(r.PathValue("part"))
	if err != nil || subtle.ConstantTimeCompare(sum[:], about.Secret) != 1 || notNumber != nil || part < 1 || part > about.Parts {
		(&api.Error{Code: api.CodeNotFound, Message: "there is no such part of an upload"}).Write(w, r)
		return
	}
	if err := u.receive(u.part(id, part), http.MaxBytesReader(w, r.Body, about.PartSize)); err != nil {
		var tooLarge *http.MaxBytesError
		p := &api.Error{Code: api.CodeInternal, Message: "the part could not be stored"}
		if errors.As(err, &tooLarge) {
			p = &api.Error{Code: api.CodeTooLarge, Message: fmt.Sprintf("the part is larger than the %d bytes that were declared", about.PartSize)}
		}
		p.Write(w, r)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// receive writes a part, which is there in full or not at all.
func (u *uploads) receive(path string, body io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(path), "part-")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the folder goes after a day
	}
	return err
}

// complete says what is missing of an upload.
func (u *uploads) complete(id string) error {
	at := api.AttributesPath + ".file_metadata.upload_id"
	about, err := u.about(id)
	if err != nil {
		return api.BadRequest(at, "there is no upload %s: make one, and send its parts", api.Shorten(id))
	}
	for part := range about.Parts {
		if _, err := os.Stat(u.part(id, part+1)); err != nil {
			return api.BadRequest(at, "part %d of %d was not sent", part+1, about.Parts)
		}
	}
	return nil
}

// read hands over an upload as one file, and forgets it.
func (u *uploads) read(id string, with func(*reference.CSV) error) error {
	about, err := u.about(id)
	if err != nil {
		return fmt.Errorf("read upload %s: %w", id, err)
	}
	var parts []io.Reader
	for part := range about.Parts {
		f, err := os.Open(u.part(id, part+1))
		if err != nil {
			return fmt.Errorf("read upload %s: %w", id, err)
		}
		defer f.Close()
		parts = append(parts, f)
	}
	defer os.RemoveAll(filepath.Join(u.dir, id)) // or after a day
	file, err := reference.NewCSV(io.MultiReader(parts...), reference.CSVOptions{Columns: about.Headers})
	if err != nil {
		return err
	}
	return with(file)
}
