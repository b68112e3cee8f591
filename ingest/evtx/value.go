package evtx

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"
)

// Types of values; typeArray is a bit beside that of the elements.
const (
	typeNull       = 0x00
	typeString     = 0x01
	typeANSI       = 0x02
	typeInt8       = 0x03
	typeUint8      = 0x04
	typeInt16      = 0x05
	typeUint16     = 0x06
	typeInt32      = 0x07
	typeUint32     = 0x08
	typeInt64      = 0x09
	typeUint64     = 0x0a
	typeReal32     = 0x0b
	typeReal64     = 0x0c
	typeBool       = 0x0d
	typeBinary     = 0x0e
	typeGUID       = 0x0f
	typeSize       = 0x10
	typeFileTime   = 0x11
	typeSystemTime = 0x12
	typeSID        = 0x13
	typeHexInt32   = 0x14
	typeHexInt64   = 0x15
	typeHandle     = 0x20
	typeBinXML     = 0x21
	typeXML        = 0x23

	typeArray = 0x80
)

// sizes are those of types that have one, in bytes.
var sizes = map[byte]int{
	typeNull: 0, typeInt8: 1, typeUint8: 1, typeInt16: 2, typeUint16: 2, typeInt32: 4, typeUint32: 4, typeInt64: 8, typeUint64: 8,
	typeReal32: 4, typeReal64: 8, typeBool: 4, typeGUID: 16, typeSize: 8, typeFileTime: 8, typeSystemTime: 16, typeHexInt32: 4, typeHexInt64: 8,
}

// value is one that an instance puts into its template.
type value struct {
	kind byte
	raw  []byte
	at   int // where in the chunk
}

// unsigned is the number in up to eight bytes.
func (v value) unsigned() uint64 {
	var b [8]byte
	copy(b[:], v.raw)
	return binary.LittleEndian.Uint64(b[:])
}

func (v value) signed() int64 {
	unused := 64 - 8*min(len(v.raw), 8)
	if unused == 64 {
		return 0
	}
	return int64(v.unsigned()<<unused) >> unused
}

// appendJSON writes the value as JSON: numbers and truths as such, arrays as
// arrays, all else as text.
func (v value) appendJSON(to []byte) []byte {
	if v.kind&typeArray != 0 {
		to = append(to, '[')
		for i, e := range v.elements() {
			if i > 0 {
				to = append(to, ',')
			}
			to = e.appendJSON(to)
		}
		return append(to, ']')
	}
	switch v.kind {
	case typeInt8, typeInt16, typeInt32, typeInt64:
		return strconv.AppendInt(to, v.signed(), 10)
	case typeUint8, typeUint16, typeUint32, typeUint64:
		return strconv.AppendUint(to, v.unsigned(), 10)
	case typeReal32, typeReal64:
		if f := v.real(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return append(to, v.text()...)
		}
	case typeBool:
		return strconv.AppendBool(to, v.unsigned() != 0)
	}
	return appendQuoted(to, v.text())
}

func (v value) real() float64 {
	if len(v.raw) == 4 {
		return float64(math.Float32frombits(uint32(v.unsigned())))
	}
	return math.Float64frombits(v.unsigned())
}

// text is the value as it stands in XML.
func (v value) text() string {
	if v.kind&typeArray != 0 {
		var b strings.Builder
		for i, e := range v.elements() {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(e.text())
		}
		return b.String()
	}
	switch v.kind {
	case typeNull:
		return ""
	case typeString, typeXML:
		return utf16Text(v.raw)
	case typeANSI:
		text, _, _ := strings.Cut(string(v.raw), "\x00")
		out, _ := charmap.Windows1252.NewDecoder().String(text) // every byte is a letter
		return out
	case typeInt8, typeInt16, typeInt32, typeInt64:
		return strconv.FormatInt(v.signed(), 10)
	case typeUint8, typeUint16, typeUint32, typeUint64:
		return strconv.FormatUint(v.unsigned(), 10)
	case typeReal32, typeReal64:
		return strconv.FormatFloat(v.real(), 'g', -1, max(32, 8*min(len(v.raw), 8)))
	case typeBool:
		return strconv.FormatBool(v.unsigned() != 0)
	case typeSize, typeHexInt32, typeHexInt64:
		return "0x" + strconv.FormatUint(v.unsigned(), 16)
	}
	return v.structured()
}

// structured is the text of values of several parts; bytes where they are not of
// the size that they should be.
func (v value) structured() string {
	le := binary.LittleEndian
	switch {
	case v.kind == typeGUID && len(v.raw) == 16:
		return fmt.Sprintf("%08X-%04X-%04X-%04X-%012X", le.Uint32(v.raw), le.Uint16(v.raw[4:]), le.Uint16(v.raw[6:]), v.raw[8:10], v.raw[10:])
	case v.kind == typeFileTime && len(v.raw) == 8:
		return fileTime(v.unsigned()).Format(timeForm)
	case v.kind == typeSystemTime && len(v.raw) == 16:
		part := func(i int) int { return int(le.Uint16(v.raw[2*i:])) } // year, month, day of week, day, hour, …
		return fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d.%03d000Z", part(0), part(1), part(3), part(4), part(5), part(6), part(7))
	case v.kind == typeSID:
		if s, ok := sidText(v.raw); ok {
			return s
		}
	}
	return strings.ToUpper(hex.EncodeToString(v.raw))
}

const timeForm = "2006-01-02T15:04:05.000000Z"

// fileTime counts tenths of microseconds since 1601.
func fileTime(ticks uint64) time.Time {
	const perSecond, epoch = 10_000_000, 11_644_473_600
	return time.Unix(int64(ticks/perSecond)-epoch, int64(ticks%perSecond)*100).UTC()
}

// sidText is a security identifier: S, revision, authority, and what is below.
func sidText(b []byte) (string, bool) {
	if len(b) < 8 || len(b) < 8+4*int(b[1]) {
		return "", false
	}
	var authority uint64
	for _, c := range b[2:8] {
		authority = authority<<8 | uint64(c)
	}
	s := fmt.Sprintf("S-%d-%d", b[0], authority)
	for i := range int(b[1]) {
		s += "-" + strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b[8+4*i:])), 10)
	}
	return s, true
}

// elements are those of an array.
func (v value) elements() []value {
	kind := v.kind &^ typeArray
	var out []value
	switch size := sizes[kind]; {
	case kind == typeString:
		for b := v.raw; len(b) >= 2; {
			end := 0
			for end+2 <= len(b) && (b[end] != 0 || b[end+1] != 0) {
				end += 2
			}
			out = append(out, value{kind: kind, raw: b[:end]})
			b = b[min(end+2, len(b)):]
		}
	case kind == typeANSI:
		text := strings.TrimSuffix(string(v.raw), "\x00")
		for s := range strings.SplitSeq(text, "\x00") {
			out = append(out, value{kind: kind, raw: []byte(s)})
		}
	case kind == typeSID:
		for b := v.raw; len(b) >= 8; {
			end := min(8+4*int(b[1]), len(b))
			out = append(out, value{kind: kind, raw: b[:end]})
			b = b[end:]
		}
	case size == 0:
		return []value{{kind: typeBinary, raw: v.raw}}
	default:
		for b := v.raw; len(b) >= size; b = b[size:] {
			out = append(out, value{kind: kind, raw: b[:size]})
		}
	}
	return out
}
