package orders

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// Signed are orders as they travel: the bytes that were signed.
type Signed struct {
	Payload   []byte `json:"payload"`   // Orders as JSON
	Signature []byte `json:"signature"` // Ed25519 (RFC 8032) over purpose and payload
	Key       string `json:"key"`       // Fingerprint of the key that signed
}

// purpose is signed before the payload, so that a signature of orders is one of nothing
// else.
const purpose = "nightjar orders v1\n"

// Fingerprint names a public key: the first half of its SHA-256, in hexadecimal digits.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:16])
}

// Sign signs orders that can be followed; others it refuses.
func Sign(key ed25519.PrivateKey, o *Orders) (Signed, error) {
	if err := o.Check(); err != nil {
		return Signed{}, fmt.Errorf("sign orders: %w", err)
	}
	payload, err := json.Marshal(o)
	if err != nil {
		return Signed{}, fmt.Errorf("sign orders: %w", err)
	}
	if len(payload) > MaxPayload {
		return Signed{}, fmt.Errorf("sign orders: they have %d bytes, and may have %d", len(payload), MaxPayload)
	}
	public := key.Public().(ed25519.PublicKey)
	return Signed{Payload: payload, Signature: ed25519.Sign(key, signedBytes(payload)), Key: Fingerprint(public)}, nil
}

func signedBytes(payload []byte) []byte { return slices.Concat([]byte(purpose), payload) }

// verify reports whether the key signed it.
func (s Signed) verify(key ed25519.PublicKey) error {
	switch {
	case len(key) != ed25519.PublicKeySize:
		return refuse(BadSignature, "the server's key has %d bytes, and should have %d", len(key), ed25519.PublicKeySize)
	case s.Key != Fingerprint(key):
		return refuse(BadSignature, "key %.40q signed them, and this agent's server has %s", s.Key, Fingerprint(key))
	case !ed25519.Verify(key, signedBytes(s.Payload), s.Signature):
		return refuse(BadSignature, "they are not what key %s signed", s.Key)
	}
	return nil
}
