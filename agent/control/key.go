package control

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"nightjar/wal"
)

// OpenKey is the key that signs orders, as the file has it: a seed of 32 bytes in
// hexadecimal digits. Where there is no file it makes a key, and the file. One that others
// may read is refused.
func OpenKey(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s is readable by others than its owner: chmod 600 %s, or, if somebody may have read it, delete it to have another made; agents enrol again then", path, path)
	}
	text, readErr := os.ReadFile(path)
	if err = errors.Join(err, readErr); err != nil {
		return nil, fmt.Errorf("read the key that signs orders: %w", err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s: want %d bytes in hexadecimal digits; delete it to have a key made; agents enrol again then", path, ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func makeKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err == nil {
		err = wal.ReplaceFile(path, []byte(hex.EncodeToString(key.Seed())+"\n"))
	}
	if err != nil {
		return nil, fmt.Errorf("make the key that signs orders: %w", err)
	}
	return key, nil
}
