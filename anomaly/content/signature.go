package content

import (
	"encoding/binary"
	"errors"
	"iter"
	"math"
	"unicode"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"github.com/rivo/uniseg"
)

// Size is how many numbers a signature has. The estimate of a similarity s has
// a standard error of √(s(1−s)/Size): 4 points at 70 %.
const Size = 128

// Signature stands for the set of a text's words: of each of Size orders of all
// words, it has the first word of the text.
type Signature [Size]uint32

// MaxText is how many bytes of a text count: a longer one stands for its
// beginning.
const MaxText = 64 << 10

// Words are the words of a text by UAX #29 that have a letter or a digit: what
// separates words is none. They are as they are written, upper and lower case
// apart.
func Words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for rest, state := text, -1; rest != ""; {
			var word string
			word, rest, state = uniseg.FirstWordInString(rest, state)
			if isWord(word) && !yield(word) {
				return
			}
		}
	}
}

func isWord(s string) bool {
	for _, r := range s {
		if r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r)) {
			return true
		}
	}
	return false
}

// Sign makes the signature of a text; ok is false when it has no words.
func Sign(text string) (s Signature, ok bool) {
	if len(text) > MaxText {
		n := MaxText
		for n > MaxText-utf8.UTFMax && !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n]
	}
	for i := range s {
		s[i] = math.MaxUint32
	}
	seen := map[uint64]struct{}{}
	for word := range Words(text) {
		h := xxhash.Sum64String(word)
		if _, again := seen[h]; again {
			continue
		}
		seen[h] = struct{}{}
		for i := range s {
			s[i] = min(s[i], rank(h, i))
		}
	}
	return s, len(seen) > 0
}

// rank is the position of a word in the ith order: the upper half of a bijection of
// 64 bits, the steps of which are those of MurmurHash3's finalizer.
func rank(h uint64, i int) uint32 {
	h = (h ^ seeds[i]) * 0xff51afd7ed558ccd
	return uint32((h ^ h>>33) * 0xc4ceb9fe1a85ec53 >> 32)
}

// seeds are the outputs of SplitMix64 (Steele, Lea, Flood 2014) from 0 on.
var seeds = func() (out [Size]uint64) {
	x := uint64(0)
	for i := range out {
		x += 0x9e3779b97f4a7c15
		z := x
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		out[i] = z ^ z>>31
	}
	return out
}()

// Similarity estimates the Jaccard index of two texts' words, from 0 to 1. It is
// 1 for texts of the same words.
func (s *Signature) Similarity(t *Signature) float64 { return float64(s.equal(t)) / Size }

func (s *Signature) equal(t *Signature) (n int) {
	for i := range s {
		if s[i] == t[i] {
			n++
		}
	}
	return n
}

// Text is the signature as 512 bytes, for storing.
func (s *Signature) Text() string {
	b := make([]byte, 0, 4*Size)
	for _, n := range s {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return string(b)
}

// ParseSignature is the inverse of Text.
func ParseSignature(text string) (s Signature, err error) {
	if len(text) != 4*Size {
		return s, errors.New("a signature has 512 bytes")
	}
	b := []byte(text)
	for i := range s {
		s[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return s, nil
}
