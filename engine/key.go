package engine

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"nightjar/clickhouse"
)

// KeyFile is where the API's key is kept, in the data folder.
const KeyFile = "api-key"

// minKey is how many characters a key has at least: 32 are 128 bits where it is
// written as hexadecimal digits.
const minKey = 32

// newKey is how to make one, for errors.
const newKey = "`openssl rand -hex 32` makes one"

// serverKey is the key the engine asks for: the configured one, or the one in
// the data folder, made when there is none. path says where it is. One that can be
// guessed, or read by other users of the host, is refused.
func serverKey(c Config) (key, path string, err error) {
	if c.APIKey != "" {
		if err := checkConfigMode(c); err != nil {
			return "", "", err
		}
		return c.APIKey, "", checkKey("api-key", c.APIKey, newKey)
	}
	path = filepath.Join(c.DataDir, KeyFile)
	key, err = ReadKey(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		key, err = makeKey(path)
		return key, path, err
	case err != nil:
		return "", "", err
	}
	if err := checkKey(path, key, "delete the file to have one made"); err != nil {
		return "", "", err
	}
	return key, path, checkMode(path, 0o077, fmt.Sprintf("chmod 600 %s, or, if somebody may have read it, delete it to have another made", path))
}

// ResetFile is where in the data folder a person waits to be made an administrator.
const ResetFile = "reset-admin"

// LockFolder keeps an engine from starting on a data folder while something is changed
// in it; it fails while one runs.
func LockFolder(dir string) (release func(), err error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("there is no data folder %s: %w", dir, err)
	}
	return clickhouse.LockDataDir(dir)
}

// ResetKey makes another key in a data folder, and says where it is.
func ResetKey(dir string) (path string, err error) {
	path = filepath.Join(dir, KeyFile)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("replace the key: %w", err)
	}
	_, err = makeKey(path)
	return path, err
}

func makeKey(path string) (string, error) {
	random := make([]byte, 32)
	rand.Read(random) // never fails
	key := hex.EncodeToString(random)
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write a key: %w", err)
	}
	return key, nil
}

// checkKey refuses a key that is short, or that no header carries. It does not
// show it.
func checkKey(where, key, mend string) error {
	switch {
	case len(key) < minKey:
		return fmt.Errorf("%s: the key has %d characters and can be guessed; want at least %d: %s", where, len(key), minKey, mend)
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("%s: the key has a blank or a character that no HTTP header takes: %s", where, mend)
	}
	return nil
}

// checkMode refuses a file that others can read or write.
func checkMode(path string, others fs.FileMode, mend string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read a key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&others != 0 {
		return fmt.Errorf("%s: other users of this host can read the key (mode %04o): %s", path, mode, mend)
	}
	return nil
}

// checkConfigMode refuses a configuration file that the key comes from and that
// everybody can read. A group may be the engine's own.
func checkConfigMode(c Config) error {
	if c.KeyFrom == "" {
		return nil
	}
	return checkMode(c.KeyFrom, 0o007, fmt.Sprintf("chmod o= %s, or set %s instead", c.KeyFrom, EnvName("api-key")))
}

// ReadKey reads a key from a file.
func ReadKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read a key: %w", err)
	}
	key := strings.TrimSpace(string(text))
	if key == "" {
		return "", fmt.Errorf("read a key: %s is empty; delete it to have one made", path)
	}
	return key, nil
}
