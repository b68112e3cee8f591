package schema

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	eachByte = 0x0101010101010101
	eachHigh = 0x8080808080808080
)

// plainText is where text that stands for itself in JSON ends: at a quote, a
// backslash, a control character or the end. It tells whether there are bytes beyond
// ASCII in it. It looks at eight bytes at once.
func plainText(b []byte, i int) (end int, wide bool) {
	high := uint64(0)
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^('"'*eachByte), w^('\\'*eachByte)
		// The lowest bit that is set is exact; what is above it may not be.
		stop := ((quote-eachByte)&^quote | (slash-eachByte)&^slash | (w-' '*eachByte)&^w) & eachHigh
		if stop != 0 {
			n := bits.TrailingZeros64(stop) &^ 7
			return i + n/8, (high|w&(1<<n-1))&eachHigh != 0
		}
		high |= w
	}
	wide = high&eachHigh != 0
	for ; i < len(b); i++ {
		c := b[i]
		if c == '"' || c == '\\' || c < ' ' {
			break
		}
		wide = wide || c >= utf8.RuneSelf
	}
	return i, wide
}

// closingQuote is where the string ends that goes on at i; -1: it does not.
func closingQuote(b []byte, i int) int {
	for ; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// unescape appends the text that is written in a string of JSON. Not ok: there is an
// escape that is none.
func unescape(dst, s []byte) (out []byte, ok bool) {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			continue
		}
		if i++; i >= len(s) {
			return dst, false
		}
		switch c := s[i]; c {
		case '"', '\\', '/':
			dst = append(dst, c)
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			u, good := hex4(s, i+1)
			if i += 4; !good {
				return dst, false
			}
			if utf16.IsSurrogate(u) {
				low, good := hex4(s, i+3)
				if u = utf16.DecodeRune(u, low); !good || s[i+1] != '\\' || s[i+2] != 'u' || u == utf8.RuneError {
					return dst, false
				}
				i += 6
			}
			dst = utf8.AppendRune(dst, u)
		default:
			return dst, false
		}
	}
	return dst, true
}

// hex4 reads four digits.
func hex4(s []byte, i int) (u rune, ok bool) {
	if i+4 > len(s) {
		return 0, false
	}
	for _, c := range s[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		u = u<<4 | rune(c)
	}
	return u, true
}
