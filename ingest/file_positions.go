package ingest

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"nightjar/schema"
	"nightjar/wal"
)

// How far files were sent is known here, at the engine, and not where they are sent
// from: so whoever sends a file that grew goes on where it was left, and neither a
// crash between an answer and a note of it nor a second sender doubles anything.
//
// A file is known by its records, whatever it is called and however it is packed:
// each record's hash is made of the record and the hash before it, so that equal
// hashes mean equal beginnings (nightjar ingest makes them).

// FileBatch is a batch of the records of a file. It names four things in its id: Begin, the hash of the first record; where the batch begins
// and ends; and how many records there are up to its end.
type FileBatch struct {
	// Begin, Start and End are 32 hexadecimal digits each.
	Begin, Start, End string
	// Records counts those of the file up to End.
	Records uint64
	// Open: the last record may still grow, so another batch may begin at Start.
	Open bool
}

const filePrefix = "file:"

// ID is the batch's. Of the batches of one start only one is ever taken in.
func (b FileBatch) ID() string {
	id := strings.Join([]string{"file", b.Begin, b.Start, b.End, strconv.FormatUint(b.Records, 10)}, ":")
	if b.Open {
		return id + ":open"
	}
	return id
}

// parseFileBatch reads such an id.
func parseFileBatch(id string) (FileBatch, bool) {
	parts := strings.Split(id, ":")
	if len(parts) < 5 || len(parts) > 6 || parts[0] != "file" || len(parts) == 6 && parts[5] != "open" {
		return FileBatch{}, false
	}
	for _, hash := range parts[1:4] {
		if b, err := hex.DecodeString(hash); err != nil || len(b) != len(batchKey{}) {
			return FileBatch{}, false
		}
	}
	n, err := strconv.ParseUint(parts[4], 10, 64)
	return FileBatch{parts[1], parts[2], parts[3], n, len(parts) == 6}, err == nil
}

// exclusive is the part of an id of which there is only one batch.
func exclusive(id string) string {
	if !strings.HasPrefix(id, filePrefix) {
		return id
	}
	if b, ok := parseFileBatch(id); ok && !b.Open {
		return "file:" + b.Begin + ":" + b.Start
	}
	return id
}

// endOf is the end of a batch whose id was read.
func endOf(b FileBatch) (key batchKey) {
	_, _ = hex.Decode(key[:], []byte(b.End))
	return key
}

// FilePosition is how far a file was sent.
type FilePosition struct {
	Records uint64 `json:"records"`
	// End is the hash of the records up to there.
	End string `json:"end"`
}

// Positions are kept of so many files, the last ones of each, until nothing was
// sent of it for so long.
const (
	maxFiles         = 200_000
	maxPositions     = 64
	forgetFilesAfter = 400 * 24 * time.Hour
)

// positions knows how far files were sent. What is in the log is found there at the
// next start; before a part of the log is deleted, it is written to a file.
type positions struct {
	path string

	mu      sync.Mutex
	files   map[batchKey]*sentFile // by their beginning
	unsaved []position
}

// sentFile has the positions in the order in which they were reached.
type sentFile struct {
	positions []position
}

// position is one, as it is stored.
type position struct {
	begin, end batchKey
	records    uint64
	seen       schema.Millis
}

const positionSize = 16 + 16 + 8 + 8 + 4 // and the CRC-32C of it

func (p position) append(to []byte) []byte {
	at := len(to)
	to = append(append(to, p.begin[:]...), p.end[:]...)
	to = binary.LittleEndian.AppendUint64(to, p.records)
	to = binary.LittleEndian.AppendUint64(to, uint64(p.seen))
	return binary.LittleEndian.AppendUint32(to, crc32.Checksum(to[at:], castagnoli))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openPositions reads what was saved. A damaged entry is forgotten.
func openPositions(path string, now time.Time) (*positions, error) {
	p := &positions{path: path, files: map[batchKey]*sentFile{}}
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read how far files were sent: %w", err)
	}
	p.load(content)
	p.forget(schema.MillisOf(now))
	live := encoded(p.all(), nil)
	if len(live)*2 < len(content) || len(content)%positionSize != 0 {
		if err := wal.ReplaceFile(path, live); err != nil {
			return nil, fmt.Errorf("rewrite how far files were sent: %w", err)
		}
	}
	return p, nil
}

func (p *positions) load(content []byte) {
	le := binary.LittleEndian
	for ; len(content) >= positionSize; content = content[positionSize:] {
		if crc32.Checksum(content[:positionSize-4], castagnoli) != le.Uint32(content[positionSize-4:]) {
			continue
		}
		p.put(position{
			begin: batchKey(content[:16]), end: batchKey(content[16:32]),
			records: le.Uint64(content[32:]), seen: schema.Millis(le.Uint64(content[40:])),
		})
	}
}

// put keeps a position; added tells that it was not known.
func (p *positions) put(at position) (added bool) {
	f := p.files[at.begin]
	if f == nil {
		f = &sentFile{}
		p.files[at.begin] = f
	}
	if slices.ContainsFunc(f.positions, func(o position) bool { return o.end == at.end }) {
		return false
	}
	if len(f.positions) >= maxPositions {
		f.positions = slices.Delete(f.positions, 0, 1)
	}
	f.positions = append(f.positions, at)
	return true
}

// add keeps the position that a batch reached, if it is one of a file.
func (p *positions) add(id string, seen schema.Millis) {
	if !strings.HasPrefix(id, filePrefix) {
		return
	}
	b, ok := parseFileBatch(id)
	if !ok {
		return
	}
	at := position{end: endOf(b), records: b.Records, seen: seen}
	_, _ = hex.Decode(at.begin[:], []byte(b.Begin)) // parseFileBatch looked at it
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.put(at) {
		p.unsaved = append(p.unsaved, at)
	}
	if len(p.files) > maxFiles {
		p.forget(seen)
	}
}

// forget lets go of files of which nothing was sent for long, and of the oldest
// where there are too many.
func (p *positions) forget(now schema.Millis) {
	last := make([]schema.Millis, 0, len(p.files))
	for begin, f := range p.files {
		at := f.positions[len(f.positions)-1].seen
		if at < now.Add(-forgetFilesAfter) {
			delete(p.files, begin)
			continue
		}
		last = append(last, at)
	}
	if len(last) <= maxFiles {
		return
	}
	slices.Sort(last)
	oldest := last[len(last)-maxFiles*9/10]
	for begin, f := range p.files {
		if f.positions[len(f.positions)-1].seen < oldest {
			delete(p.files, begin)
		}
	}
}

// of are the positions of the file with this beginning.
func (p *positions) of(begin string) []FilePosition {
	var key batchKey
	if n, err := hex.Decode(key[:], []byte(begin)); err != nil || n != len(key) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.files[key]
	if f == nil {
		return nil
	}
	out := make([]FilePosition, len(f.positions))
	for i, at := range f.positions {
		out[i] = FilePosition{at.records, hex.EncodeToString(at.end[:])}
	}
	return out
}

// all are the positions known now.
func (p *positions) all() []position {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []position
	for _, f := range p.files {
		out = append(out, f.positions...)
	}
	return out
}

// encoded are positions as files hold them, but for those of batches that are left
// out.
func encoded(list []position, leftOut map[batchKey]bool) []byte {
	var out []byte
	for _, at := range list {
		if !leftOut[at.end] {
			out = at.append(out)
		}
	}
	return out
}

// save makes durable what is known so far.
func (p *positions) save() error {
	p.mu.Lock()
	unsaved := p.unsaved
	p.unsaved = nil
	p.mu.Unlock()
	if len(unsaved) == 0 {
		return nil
	}
	if err := p.write(unsaved); err != nil {
		p.mu.Lock()
		p.unsaved = append(unsaved, p.unsaved...)
		p.mu.Unlock()
		return fmt.Errorf("save how far files were sent: %w", err)
	}
	return nil
}

func (p *positions) write(list []position) error {
	content := encoded(list, nil)
	f, err := os.OpenFile(p.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// A crash may have left part of an entry at the end: begin on a boundary.
	if _, err := f.WriteAt(content, info.Size()/positionSize*positionSize); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return wal.SyncDir(filepath.Dir(p.path))
}

// FilesPath is where senders ask how far a file was sent: GET with ?begin=….
const FilesPath = "/api/nightjar/v1/intake/files"

// FilesHandler answers them.
type FilesHandler struct{ in *Intake }

// NewFilesHandler is that of this intake.
func NewFilesHandler(in *Intake) FilesHandler { return FilesHandler{in} }

// ServeHTTP implements http.Handler.
func (h FilesHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := r.URL.Query().Get("begin")
	if _, ok := parseFileBatch(FileBatch{Begin: begin, Start: begin, End: begin}.ID()); !ok {
		refuse(w, Refusal{Status: http.StatusBadRequest, Detail: "query parameter begin: want the hash of a file's first record, 32 hexadecimal digits"})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	positions := h.in.batches.positions.of(begin)
	if positions == nil {
		positions = []FilePosition{}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"positions": positions})
}
