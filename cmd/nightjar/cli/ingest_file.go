package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"nightjar/engine"
	"nightjar/ingest"
	"nightjar/ingest/files"
)

// hash is that of a record and of all before it in its file.
type hash [16]byte

func (h hash) String() string { return hex.EncodeToString(h[:]) }

// then is the hash that follows.
func (h hash) then(text []byte) hash {
	sum := sha256.New()
	sum.Write(h[:])
	sum.Write(text)
	return hash(sum.Sum(nil)[:16])
}

// fileSender sends the records of one file, of an archive member by member. What the
// engine knows already it leaves out.
type fileSender struct {
	*shipper
	ctx  context.Context
	name string
	// mend goes on behind a record that can't be read, which is told.
	mend bool

	file *os.File // nil: it can be read once only

	reader   *ingest.Decoder
	member   string
	measured map[string]uint64 // records of members that are known to be sent

	// Of the member that is read:
	chain   hash
	records uint64
	begin   hash
	skip    uint64 // records that were sent
	turn    int    // of files that began like this one

	// Not yet sent:
	start  hash
	batch  [][]byte // nil: could not be read
	hashes []hash
	bytes  int
	first  files.Place
}

// record takes the next one.
func (f *fileSender) record(r files.Record) error {
	if f.ctx.Err() != nil {
		return f.ctx.Err()
	}
	if member := f.memberOf(r.Place); f.reader == nil || member != f.member {
		if err := f.flush(); err != nil {
			return err
		}
		f.enter(member)
	}
	next := f.chain.then(r.Text)
	if f.records == 0 {
		if err := f.started(next); err != nil {
			return err
		}
	}
	if f.records < f.skip {
		f.pass(next)
		return nil
	}
	item, err := f.itemOf(f.reader, r)
	if err != nil {
		err = &files.PlaceError{Place: r.Place, Err: err}
		if !f.mend {
			return err
		}
		f.passOver(err)
	}
	if len(f.batch) >= max(1, f.lines) || f.bytes+len(item) > maxRequest || r.Open {
		if err := f.flush(); err != nil {
			return err
		}
	}
	if len(f.batch) == 0 {
		f.first = files.Place{Path: f.member, Line: r.Place.Line}
	}
	f.chain = next
	f.records++
	f.batch, f.hashes = append(f.batch, item), append(f.hashes, next)
	f.bytes += len(item)
	if r.Open {
		return f.sendAll(open)
	}
	return nil
}

// memberOf is the member of an archive that a place is in.
func (f *fileSender) memberOf(p files.Place) string { return strings.TrimPrefix(p.Path, f.name) }

func (f *fileSender) enter(member string) {
	f.reader = ingest.NewOffline(engine.Now(), nil, nil)
	f.member, f.chain, f.records, f.skip, f.turn = member, f.seed(), 0, 0, 0
}

// seed is where hashes begin: with how the records are read.
func (f *fileSender) seed() hash {
	return hash{}.then([]byte("file\n" + f.query().Encode() + "\n" + f.salt))
}

// started asks, at the first record, how far the file was sent.
func (f *fileSender) started(begin hash) error {
	f.begin = begin
	f.restart()
	if f.file == nil || f.salt != "" {
		return nil
	}
	if f.measured == nil {
		positions, err := f.positions(f.ctx, begin)
		if err != nil || len(positions) == 0 {
			return err
		}
		if err := f.measure(); err != nil {
			return err
		}
	}
	f.skip = f.measured[f.member]
	return nil
}

// restart begins the file's first batch. Of a start there is one batch; another file
// that begins alike has another turn.
func (f *fileSender) restart() {
	f.start = f.begin.then(fmt.Appendf(nil, "start %d", f.turn))
}

// pass goes over a record that was sent.
func (f *fileSender) pass(next hash) {
	f.chain = next
	f.records++
	f.start = next
	f.mu.Lock()
	f.known++
	f.mu.Unlock()
}

var errMeasured = errors.New("measured")

// measure reads the file once to see which of the positions that the engine knows
// are this file's: those whose hash is its own.
func (f *fileSender) measure() error {
	f.measured = map[string]uint64{}
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	member, chain, n, most := "", hash{}, uint64(0), uint64(0)
	var ends map[string]uint64
	err = files.Read(f.name, io.NewSectionReader(f.file, 0, info.Size()), files.Options{Skipped: func(error) {}}, func(r files.Record) error {
		if m := f.memberOf(r.Place); ends == nil || m != member {
			member, chain, n, most, ends = m, f.seed(), 0, 0, map[string]uint64{}
		}
		chain = chain.then(r.Text)
		if n++; n == 1 {
			positions, err := f.positions(f.ctx, chain)
			if err != nil {
				return err
			}
			for _, p := range positions {
				ends[p.End], most = p.Records, max(most, p.Records)
			}
		}
		if n <= most && ends[chain.String()] == n {
			f.measured[member] = n
		}
		if n >= most && member == "" {
			return errMeasured
		}
		return f.ctx.Err()
	})
	// What can't be read is told when it is read to be sent.
	var asked *httpError
	if f.ctx.Err() != nil || errors.As(err, &asked) {
		return err
	}
	return nil
}

// flush sends what was read and is not sent.
func (f *fileSender) flush() error { return f.sendAll(complete) }

// ending is whether a file's last record is all there.
type ending bool

// The endings of what was read: it ends with a record, or within one that is still
// being written.
const (
	complete ending = false
	open     ending = true
)

// sendAll is flush, where the last record may be open.
func (f *fileSender) sendAll(last ending) error {
	for len(f.hashes) > 0 {
		end := f.hashes[len(f.hashes)-1]
		readable := slices.DeleteFunc(slices.Clone(f.batch), func(item []byte) bool { return item == nil })
		if len(readable) > 0 {
			again, err := f.sendBatch(readable, end, last)
			if err != nil {
				return err
			}
			if again {
				continue
			}
		}
		f.sentTo(end)
	}
	return nil
}

func (f *fileSender) sentTo(end hash) {
	f.start, f.batch, f.hashes, f.bytes = end, nil, nil, 0
}

// sendBatch sends the batch; again tells that some of it had been sent, and that the
// rest is to be.
func (f *fileSender) sendBatch(batch [][]byte, end hash, last ending) (again bool, err error) {
	id := ""
	if f.file != nil {
		id = ingest.FileBatch{Begin: f.begin.String(), Start: f.start.String(), End: end.String(), Records: f.records, Open: last == open}.ID()
	}
	duplicate, err := f.send(f.ctx, batch, f.first, id)
	if err != nil || !duplicate || id == "" {
		return false, err
	}
	return f.reconcile(end)
}

// reconcile finds out what an engine has that says it knows the batch's start: the
// batch itself, whose answer was lost; less or more of the file, from another sender;
// or another file.
func (f *fileSender) reconcile(end hash) (again bool, err error) {
	positions, err := f.positions(f.ctx, f.begin)
	if err != nil {
		return false, err
	}
	known := map[string]bool{}
	for _, p := range positions {
		known[p.End] = true
	}
	if known[end.String()] {
		return false, nil
	}
	for i := len(f.hashes) - 2; i >= 0; i-- {
		if known[f.hashes[i].String()] {
			f.dropTo(i)
			return true, nil
		}
	}
	if err := f.measure(); err != nil {
		return false, err
	}
	switch ahead := f.measured[f.member]; {
	case ahead > f.records:
		f.skip = ahead
		return false, nil
	case f.records == uint64(len(f.hashes)):
		f.turn++
		f.restart()
		return true, nil
	}
	return false, fmt.Errorf("%s: what was sent of it is not what stands in it; was it rewritten? --again sends it anew", f.name)
}

// dropTo leaves out the records up to one, which were sent.
func (f *fileSender) dropTo(i int) {
	f.start = f.hashes[i]
	f.batch, f.hashes = slices.Clone(f.batch[i+1:]), slices.Clone(f.hashes[i+1:])
	f.first.Line += i + 1
}
