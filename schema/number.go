package schema

import (
	"math"
	"strconv"
)

// NumberForm is the form of the texts that are numbers, as a regular expression
// that both Go and the server read alike.
const NumberForm = `\A[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\z`

// HasNumberForm reports whether the text has NumberForm. What is written `5.`,
// `.5`, `0x10`, ` 5` or `inf` has not.
func HasNumberForm(s string) bool {
	s = withoutSign(s)
	whole := digits(s)
	if whole == 0 {
		return false
	}
	if s = s[whole:]; s != "" && s[0] == '.' {
		fraction := digits(s[1:])
		if fraction == 0 {
			return false
		}
		s = s[1+fraction:]
	}
	if s != "" && s[0]|0x20 == 'e' {
		s = withoutSign(s[1:])
		exponent := digits(s)
		return exponent > 0 && exponent == len(s)
	}
	return s == ""
}

func withoutSign(s string) string {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}

// digits is how many digits the text begins with.
func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// NumberOf is the number that the text is; ok is false where it has not
// NumberForm, and for what no double can hold.
func NumberOf(text string) (n float64, ok bool) {
	if !HasNumberForm(text) {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil && !math.IsInf(n, 0)
}
