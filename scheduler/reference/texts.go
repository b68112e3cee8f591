package reference

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// texts is a set of texts, each with a few words beside it, made for tens of
// millions of them: the texts lie one after another in chunks without pointers,
// and the hash table holds their places in four bytes and a tag in one.
type texts struct {
	words  int // beside each text
	chunks [][]byte
	slots  []ref
	tags   []uint8 // of the hash, so that few others are looked at; 0 is an empty slot
	n      int
}

// ref is the place of a text, in units of 4 bytes; 0 is none.
type ref uint32

const (
	chunkBytes = 1 << 20
	chunkUnits = chunkBytes / 4
	// MaxCell is how many bytes a value of a table has at most.
	MaxCell = 64 << 10
	// maxChunks is what a ref reaches: 16 GiB.
	maxChunks = 1 << 14
)

var errFull = errors.New("a column holds at most 16 GiB of values")

func newTexts(words int) *texts { return &texts{words: words} }

// find is the place of a text whose hash is given, or 0.
func (t *texts) find(hash uint64, text string) ref {
	if len(t.slots) == 0 {
		return 0
	}
	mask := uint64(len(t.slots) - 1)
	tag := tagOf(hash)
	for i := hash & mask; t.tags[i] != 0; i = (i + 1) & mask {
		if t.tags[i] == tag && string(t.bytes(t.slots[i])) == text {
			return t.slots[i]
		}
	}
	return 0
}

// add is the place of a text, which is put there where it is not; its words are
// 0 then.
func (t *texts) add(text string) (r ref, isNew bool, err error) {
	hash := hashOf(text)
	if r := t.find(hash, text); r != 0 {
		return r, false, nil
	}
	if len(text) > MaxCell {
		return 0, false, fmt.Errorf("a value has %d bytes; at most %d are kept", len(text), MaxCell)
	}
	if 4*(t.n+1) > 3*len(t.slots) {
		t.grow()
	}
	if r, err = t.append(text); err != nil {
		return 0, false, err
	}
	t.put(hash, r)
	t.n++
	return r, true, nil
}

func (t *texts) append(text string) (ref, error) {
	need := 4*t.words + binary.MaxVarintLen32 + len(text) + 3
	last := len(t.chunks) - 1
	if last < 0 || len(t.chunks[last])+need > chunkBytes {
		if len(t.chunks) == maxChunks {
			return 0, errFull
		}
		chunk := make([]byte, 0, chunkBytes)
		if last < 0 {
			chunk = chunk[:4] // no text is at 0
		}
		t.chunks = append(t.chunks, chunk)
		last++
	}
	c := t.chunks[last]
	r := ref(last*chunkUnits + len(c)/4)
	c = c[:len(c)+4*t.words]
	c = binary.AppendUvarint(c, uint64(len(text)))
	c = append(c, text...)
	for len(c)%4 != 0 {
		c = append(c, 0)
	}
	t.chunks[last] = c
	return r, nil
}

func (t *texts) grow() {
	old := t.slots
	n := max(16, 2*len(old))
	t.slots, t.tags = make([]ref, n), make([]uint8, n)
	for _, r := range old {
		if r != 0 {
			t.put(hashOf(string(t.bytes(r))), r)
		}
	}
}

func (t *texts) put(hash uint64, r ref) {
	mask := uint64(len(t.slots) - 1)
	i := hash & mask
	for t.tags[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i], t.tags[i] = r, tagOf(hash)
}

func (t *texts) at(r ref) []byte { return t.chunks[r/chunkUnits][r%chunkUnits*4:] }

// bytes is the text at a place. It is not to be changed.
func (t *texts) bytes(r ref) []byte {
	b := t.at(r)[4*t.words:]
	n, used := binary.Uvarint(b)
	return b[used : used+int(n)]
}

func (t *texts) word(r ref, i int) uint32 { return binary.LittleEndian.Uint32(t.at(r)[4*i:]) }

func (t *texts) setWord(r ref, i int, v uint32) { binary.LittleEndian.PutUint32(t.at(r)[4*i:], v) }

// size is the memory that it takes, in bytes.
func (t *texts) size() int { return len(t.chunks)*chunkBytes + 4*cap(t.slots) + cap(t.tags) }

// The hash is FNV-1a, which grows with a text byte by byte: the hashes of all
// prefixes of a text cost as much as its own. Its high bits are folded into the
// low ones, which the table uses.
const (
	hashBasis = 14695981039346656037
	hashPrime = 1099511628211
)

func hashStep(h uint64, c byte) uint64 { return (h ^ uint64(c)) * hashPrime }

func hashEnd(h uint64) uint64 {
	h *= 0x9e3779b97f4a7c15
	return h ^ bits.RotateLeft64(h, 32)
}

func hashOf(text string) uint64 {
	h := uint64(hashBasis)
	for i := range len(text) {
		h = hashStep(h, text[i])
	}
	return hashEnd(h)
}

func tagOf(hash uint64) uint8 { return uint8(hash>>56) | 1 }
