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
// as IEEE 754 in little-endian order (8 bytes), and series of numbers of 16 bits
// (half.go) with their length before them. Every bit is kept: a decoded model goes on as
// the one that was encoded would have.
//
// Version 1 had one run of anomalous buckets in the place of spells, and no tails,
// drift and Hold, and numbers of series had 32 bits. It is read; what it lacks begins empty, with a Hold of 0.
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
	series(*[]half)
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
	if version == firstEncoding {
		m.firstSeries(c.(*decoder)) // nothing is encoded so any more
		return
	}
	cells := reinterpreted[half](s.cells)
	for _, v := range []*[]half{&cells, &s.profile, &s.doubts, &s.fine, &s.fineDoubts, &s.ratios} {
		c.series(v)
	}
	s.cells = reinterpreted[wide](cells)
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
func (e *encoder) series(v *[]half) {
	e.data = binary.AppendUvarint(e.data, uint64(len(*v)))
	for _, x := range *v {
		e.data = binary.LittleEndian.AppendUint16(e.data, uint16(x))
	}
}

// reinterpreted are the same bits as numbers of another kind.
func reinterpreted[to, from half | wide](v []from) []to {
	out := make([]to, len(v))
	for i, x := range v {
		out[i] = to(x)
	}
	return out
}

// firstSeries reads the series of the first version, which were 32 bits wide: what
// was seen and expected by bucket of the day was kept apart.
func (m *Model) firstSeries(d *decoder) {
	s := &m.season
	var of [7][]float64
	for i := range of {
		of[i] = d.floats()
	}
	s.cells, s.profile, s.doubts, s.fine, s.fineDoubts = wides(of[0]), halves(of[1]), halves(of[2]), halves(of[3]), halves(of[4])
	seen, expected := of[5], of[6]
	if len(seen) != len(expected) {
		d.fail("as many buckets of the day were not expected as were seen")
		return
	}
	s.ratios = make([]half, len(seen))
	for i := range seen {
		s.ratios[i] = newHalf(1)
		if expected[i] > 0 {
			s.ratios[i] = newHalf(seen[i] / expected[i])
		}
	}
	m.spell.Run, m.heard = 0, m.next-1
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

func (d *decoder) series(v *[]half) {
	n := d.length(2)
	*v = nil
	if n > 0 {
		*v = make([]half, n)
	}
	for i := range *v {
		(*v)[i] = half(binary.LittleEndian.Uint16(d.data[2*i:]))
	}
	d.data = d.data[2*n:]
}

// floats is a series of the first version.
func (d *decoder) floats() []float64 {
	out := make([]float64, d.length(4))
	for i := range out {
		out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(d.data[4*i:])))
	}
	d.data = d.data[4*len(out):]
	return out
}

// length is that of a series of numbers of some bytes, all of which are there.
func (d *decoder) length(bytes int) int {
	n, size := binary.Uvarint(d.data)
	if size <= 0 || n > uint64(len(d.data)-size)/uint64(bytes) {
		d.fail("cut off in a series")
		return 0
	}
	d.data = d.data[size:]
	return int(n)
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
	case len(s.ratios) != len(want.ratios):
		return fmt.Errorf("%d buckets of a day, want %d", len(s.ratios), len(want.ratios))
	case len(s.fine) != len(s.fineDoubts) || len(s.fine) != 0 && len(s.fine) != len(want.ratios):
		return fmt.Errorf("a pattern of %d and %d buckets of a day, want %d", len(s.fine), len(s.fineDoubts), len(want.ratios))
	case m.buckets < 0 || m.buckets > 0 && (s.n < 1 || m.next <= m.first):
		return errors.New("buckets that can't have been")
	}
	return nil
}
