package schema

import (
	"crypto/rand"
	"regexp"
)

// NewID makes the id of a rule or another configured object:
// `xxx-xxx-xxx` in lower-case base 36, 56 bits of chance.
func NewID() string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	id := []byte("xxx-xxx-xxx")
	var b [1]byte
	for i := 0; i < len(id); {
		if id[i] == '-' {
			i++
			continue
		}
		_, _ = rand.Read(b[:])               // never fails: it ends the program instead
		if int(b[0]) < 256-256%len(digits) { // else some digits would come more often
			id[i] = digits[int(b[0])%len(digits)]
			i++
		}
	}
	return string(id)
}

var objectID = regexp.MustCompile(`^[0-9a-z]{3}-[0-9a-z]{3}-[0-9a-z]{3}$`)

// IsID tells whether id has the form of NewID.
func IsID(id string) bool { return objectID.MatchString(id) }
