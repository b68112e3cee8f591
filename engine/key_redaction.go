package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// redactionKeyFile is where in the data folder the key of hashes is that stand for what
// pipelines redact: a hash of an address that can be guessed says nothing without it.
const redactionKeyFile = "redaction-key"

// redactionKey is that key, made when there is none. With another one the same text has
// another hash from then on.
func redactionKey(dataDir string) ([]byte, error) {
	path := filepath.Join(dataDir, redactionKeyFile)
	key, err := ReadKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("the key of redacted texts: %w", err)
	}
	return []byte(key), checkMode(path, 0o077, "chmod 600 "+path)
}
