package anomaly

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// encoding is the version of the binary form of a Model, its first byte.
//
// After it come, in the order of Model.fields: whole numbers as varints, floats
// as IEEE 754 in little-endian order (8 bytes, those of series 4), and series
// with their length before them. Every bit is kept: a decoded model goes on as
// the one that was encoded would have.
//
// Version 1 had one run of unusual buckets in the place of spells, and no tails,
// drift and Hold. It is read; what it lacks begins empty, with a Hold of 0.
const encoding, firstEncoding = 2, 1

// MarshalBinary is the state of the model, at 5-minute buckets with five weeks
// behind them about 9 KiB.
func (m *Model) MarshalBinary() ([]byte, error) {
	e := encoder{data: []byte{encoding}}
	m.fields(&e, encoding)
	return e.data, nil
}

// UnmarshalBinary makes m the model that was encoded, its Config included.
func (m *Model) UnmarshalBinary(data []byte) error {
	if len(data) == 0 || data[0] < firstEncoding || data[0] > encoding {
		return fmt.Errorf("decode model: want an encoding of version %d to %d, the first byte", firstEncoding, encoding)
	}
	d := decoder{data: data[1:]}
	var decoded Model
	decoded.fields(&d, data[0])
	if d.err == nil && len(d.data) > 0 {
		d.fail("more bytes than a model has")
	}
	if d.err == nil {
		d.err = decoded.check()
	}
	if d.err != nil {
		return fmt.Errorf("decode model: %w", d.err)
	}
	*m = decoded
	return nil
}

// coder is an encoder, which reads the fields that it is given, or a decoder,
// which writes them.
type coder interface {
	whole(*int64)
	float(*float64)
	series(*[]float32)
}

// fields is the one list of what a state is, by version.
func (m *Model) fields(c coder, version byte) {
	tolerance, family, kind, begun := int64(m.tolerance), int64(m.family), int64(m.season.Kind), int64(0)
	if m.season.begun {
		begun = 1
	}
	for _, v := range []*int64{&m.bucket, &tolerance, &m.spell.Run, &family, &kind, &begun, &m.buckets, &m.first, &m.next, &m.season.last} {
		c.whole(v)
	}
	m.tolerance, m.family, m.season.Kind, m.season.begun = int(tolerance), anomalyFamily(family), Season(min(uint64(kind), math.MaxUint8)), begun == 1
	m.all.fields(c)
	m.filled.fields(c)
	s := &m.season
	for _, v := range []*float64{&m.empty.Share, &m.empty.N, &s.sum, &s.n, &s.fineDays} {
		c.float(v)
	}
	for _, v := range []*[]float32{&s.cells, &s.profile, &s.doubts, &s.fine, &s.fineDoubts, &s.seen, &s.expected} {
		c.series(v)
	}
	if version == firstEncoding {
		m.spell.Run, m.heard = 0, m.next-1
		return
	}
	m.laterFields(c)
}

// laterFields are those since version 2.
func (m *Model) laterFields(c coder) {
	e, d := &m.spell, &m.drift
	fresh := int64(0)
	if e.Fresh != nil {
		fresh = 1
	}
	for _, v := range []*int64{&m.hold, &m.heard, &e.Begun, &e.Side, &e.Calm, &fresh, &d.From, &d.Begun, &d.Side, &d.Until} {
		c.whole(v)
	}
	c.float(&d.Ratio)
	c.float(&d.P)
	for _, t := range []*tail{&m.high, &m.low} {
		for k := range tailEdges {
			c.float(&t.Ends[k])
			c.float(&t.Exposure[k])
		}
	}
	if fresh == 0 {
		return
	}
	if e.Fresh == nil {
		e.Fresh = new(levels)
	}
	e.Fresh.all.fields(c)
	e.Fresh.filled.fields(c)
	c.float(&e.Fresh.empty.Share)
	c.float(&e.Fresh.empty.N)
}

func (l *level) fields(c coder) {
	for i := range memories {
		c.float(&l.Sum[i])
		c.float(&l.Weight[i])
		c.float(&l.Loss[i])
	}
	c.float(&l.Over)
	c.float(&l.Base)
	c.float(&l.N)
}

func anomalyFamily(v int64) family { return family(min(uint64(v), math.MaxUint8)) }

type encoder struct{ data []byte }

func (e *encoder) whole(v *int64) { e.data = binary.AppendVarint(e.data, *v) }
func (e *encoder) float(v *float64) {
	e.data = binary.LittleEndian.AppendUint64(e.data, math.Float64bits(*v))
}
func (e *encoder) series(v *[]float32) {
	e.data = binary.AppendUvarint(e.data, uint64(len(*v)))
	for _, x := range *v {
		e.data = binary.LittleEndian.AppendUint32(e.data, math.Float32bits(x))
	}
}

// decoder keeps its first error; after it, fields are left as they are.
type decoder struct {
	data []byte
	err  error
}

func (d *decoder) fail(text string) {
	if d.err == nil {
		d.err = errors.New(text)
	}
	d.data = nil
}

func (d *decoder) whole(v *int64) {
	x, n := binary.Varint(d.data)
	if n <= 0 {
		d.fail("cut off in a whole number")
		return
	}
	*v, d.data = x, d.data[n:]
}

func (d *decoder) float(v *float64) {
	if len(d.data) < 8 {
		d.fail("cut off in a float")
		return
	}
	*v, d.data = math.Float64frombits(binary.LittleEndian.Uint64(d.data)), d.data[8:]
	if math.IsNaN(*v) || math.IsInf(*v, 0) {
		d.fail("a float that is not finite")
	}
}

func (d *decoder) series(v *[]float32) {
	n, size := binary.Uvarint(d.data)
	if size <= 0 || n > uint64(len(d.data)-size)/4 {
		d.fail("cut off in a series")
		return
	}
	d.data = d.data[size:]
	*v = nil
	if n > 0 {
		*v = make([]float32, n)
	}
	for i := range *v {
		(*v)[i] = math.Float32frombits(binary.LittleEndian.Uint32(d.data[4*i:]))
	}
	d.data = d.data[4*n:]
}

// check completes a decoded model, and tells what could not be a state of one.
func (m *Model) check() error {
	bucket := time.Duration(min(max(m.bucket, 0), day+1)) * time.Millisecond
	fresh, err := New(Config{Bucket: bucket, Tolerance: m.tolerance, Hold: time.Duration(min(max(m.hold, -1), int64(mostHold/time.Millisecond)+1)) * time.Millisecond})
	if err != nil {
		return err
	}
	s, want := &m.season, fresh.season
	s.bucket, s.cell = want.bucket, want.cell
	perDay := int(s.perDay())
	profile := map[Season]int{NoSeason: 0, HourOfDay: perDay, DayOfWeek: 7 * perDay}
	length, known := profile[s.Kind]
	switch {
	case !known || m.family > signed || m.tolerance < 1:
		return errors.New("a kind that there is not")
	case len(s.profile) != length || len(s.doubts) != length:
		return fmt.Errorf("a profile of %d and %d cells for the season %v", len(s.profile), len(s.doubts), s.Kind)
	case len(s.cells) > int(keptWeeks*week/s.cell):
		return fmt.Errorf("%d cells: more than are kept", len(s.cells))
	case len(s.seen) != len(want.seen) || len(s.expected) != len(want.seen):
		return fmt.Errorf("%d and %d buckets of a day, want %d", len(s.seen), len(s.expected), len(want.seen))
	case len(s.fine) != len(s.fineDoubts) || len(s.fine) != 0 && len(s.fine) != len(want.seen):
		return fmt.Errorf("a pattern of %d and %d buckets of a day, want %d", len(s.fine), len(s.fineDoubts), len(want.seen))
	case m.buckets < 0 || m.buckets > 0 && (s.n < 1 || m.next <= m.first):
		return errors.New("buckets that can't have been")
	}
	return nil
}
