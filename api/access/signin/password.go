package signin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// cost is that of argon2id: the second choice of RFC 9106, section 4, for where memory is
// scarce.
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

var present = cost{memory: 64 << 10, passes: 3, threads: 4}

// Lengths, in bytes; those of passwords bound what is hashed.
const (
	saltLength  = 16
	hashLength  = 32
	minPassword = 12
	maxPassword = 1024
)

// hashing bounds how many passwords are hashed at a time: each takes 64 MiB.
var hashing = make(chan struct{}, 2)

func (c cost) hash(password string, salt []byte) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.threads, hashLength)
}

// hashPassword makes what is kept of a password, in the form of the PHC strings.
func hashPassword(password string) string {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, present.memory, present.passes, present.threads,
		b.EncodeToString(salt), b.EncodeToString(present.hash(password, salt)))
}

// isPassword reports whether a hash is of the password. A hash that can't be read is of
// none.
func isPassword(kept, password string) bool {
	c, salt, want, err := parseHash(kept)
	if err != nil || len(password) > maxPassword {
		return false
	}
	return subtle.ConstantTimeCompare(c.hash(password, salt), want) == 1
}

var errHash = errors.New("this is no hash of argon2id")

func parseHash(kept string) (c cost, salt, hash []byte, err error) {
	parts := strings.Split(kept, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil || c.memory == 0 || c.memory > 1<<20 || c.passes == 0 || c.passes > 20 || c.threads == 0 {
		return c, nil, nil, errHash
	}
	salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return c, nil, nil, errHash
	}
	if hash, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(hash) != hashLength {
		return c, nil, nil, errHash
	}
	return c, salt, hash, nil
}

// NewPassword makes one that nobody has to think of: 120 random bits.
func NewPassword() string { return rand.Text()[:24] }
