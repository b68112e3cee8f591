package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// keyFile is where the API's key is kept, in the data folder.
const keyFile = "api-key"

// serverKey is the key the engine asks for: the configured one, or the one in
// the data folder, made when there is none. path says where it is.
func serverKey(c Config) (key, path string, err error) {
	if c.APIKey != "" {
		if len(c.APIKey) < 16 {
			return "", "", errors.New("api-key: at least 16 characters")
		}
		return c.APIKey, "", nil
	}
	path = filepath.Join(c.DataDir, keyFile)
	key, err = readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, path, err
	}
	random := make([]byte, 32)
	rand.Read(random) // never fails
	key = hex.EncodeToString(random)
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		return "", "", fmt.Errorf("write the API key: %w", err)
	}
	return key, path, nil
}

func readKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the API key: %w", err)
	}
	key := strings.TrimSpace(string(text))
	if key == "" {
		return "", fmt.Errorf("read the API key: %s is empty; delete it to have one made", path)
	}
	return key, nil
}
