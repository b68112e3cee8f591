package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	"nightjar/objects"
	"nightjar/schema"
)

// Key is an API key as it is kept: who has it, and no way back to it.
type Key struct {
	Name string `json:"name"`
	Role Role   `json:"role"`
	// Hash is the SHA-256 of the key, in hexadecimal digits; Hint its first characters,
	// by which its owner knows it.
	Hash string `json:"hash"`
	Hint string `json:"hint"`
	// Expires is when it ends; 0: never.
	Expires schema.Millis `json:"expires,omitempty"`
	// Rate is how many calls a second it may make; 0: as many as any.
	Rate float64 `json:"rate,omitempty"`
	// Former is the hash of the key before the last rotation, which is good until
	// FormerUntil.
	Former      string        `json:"former,omitempty"`
	FormerUntil schema.Millis `json:"former_until,omitempty"`
	CreatedBy   string        `json:"created_by,omitempty"`
	// Uses is how many agents may enrol with the key, of role Enroll, and Used how many
	// have; 0: any number.
	Uses int64 `json:"uses,omitempty"`
	Used int64 `json:"used,omitempty"`
	// Agent is the enrolled agent whose key it is; empty: no one agent's.
	Agent string `json:"agent,omitempty"`
}

// KeyKind is the kind of object that keys are kept as.
var KeyKind = objects.Kind[Key]{
	Name: "api key", NewID: schema.NewID, Check: (*Key).Check,
	Label: func(k *Key) string { return k.Name },
}

// maxRate is the highest rate that a key may have, in calls a second.
const maxRate = 1e6

// isKeyName reports whether it is up to 100 letters, digits, blanks and . _ @ : / -, the
// first a letter or a digit. As a regular expression it would cost every start of the
// program, each command too, the making of a hundred sets of all letters.
func isKeyName(name string) bool {
	runes := 0
	for _, r := range name {
		alphanumeric := unicode.IsLetter(r) || unicode.IsNumber(r)
		if runes++; runes > 100 || !alphanumeric && (runes == 1 || !strings.ContainsRune(" ._@:/-", r)) {
			return false
		}
	}
	return runes > 0
}

// Check says what is wrong with a key, as *schema.InvalidError.
func (k *Key) Check() error {
	var bad schema.InvalidError
	if !isKeyName(k.Name) {
		bad.Add("name", fmt.Sprintf("want a name of up to 100 letters, digits, blanks and . _ @ : / -, got %q", k.Name))
	}
	if !k.Role.Is() {
		bad.Add("role", fmt.Sprintf("want one of %s, got %q", roleNames(), k.Role))
	}
	if k.Rate < 0 || k.Rate > maxRate || k.Rate != k.Rate {
		bad.Add("rate", fmt.Sprintf("want calls a second, from 0 (as many as any key) to %g", maxRate))
	}
	if k.Uses < 0 || k.Uses > 0 && k.Role != Enroll {
		bad.Add("uses", "want 0 (any number) or more, and that of a key of role enroll only")
	}
	return bad.Err()
}

func roleNames() string {
	names := make([]string, len(Roles))
	for i, r := range Roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// prefix begins every key that is made here, so that a scanner of repositories finds
// one that was committed.
const prefix = "njk_"

// hintLength is how much of a key is shown after it was made: 16 of its 256 bits.
const hintLength = len(prefix) + 4

// newSecret makes a key of 256 random bits.
func newSecret() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	return prefix + hex.EncodeToString(random)
}

// hashOf is what is kept of a key.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
