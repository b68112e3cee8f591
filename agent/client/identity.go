package client

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"nightjar/wal"
)

// Identity is what an agent has from its enrolment.
type Identity struct {
	ID        string
	Key       string            // secret: of the agent's own, for events and orders only
	ServerKey ed25519.PublicKey // signs its orders
}

// The files of the state folder.
const (
	idFile        = "agent-id" // written last: where it is, the others are
	keyFile       = "agent-key"
	serverKeyFile = "server-key.pub"
	ordersFile    = "orders"          // accepted last
	inForceFile   = "orders-in-force" // the last ones whose policies did check
)

// ErrNotEnrolled is the error of a state folder without an identity.
var ErrNotEnrolled = errors.New("this host has not enrolled")

// Load reads the identity of a state folder. Its error is ErrNotEnrolled where there is
// none.
func Load(dir string) (*Identity, error) {
	id, err := line(dir, idFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNotEnrolled
	}
	key, keyErr := line(dir, keyFile)
	public, publicErr := line(dir, serverKeyFile)
	if err := errors.Join(err, keyErr, publicErr); err != nil {
		return nil, fmt.Errorf("read the agent's identity: %w", err)
	}
	bytes, err := base64.StdEncoding.DecodeString(public)
	if err != nil || len(bytes) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("read the agent's identity: %s is no key of a server; remove %s and enroll again", filepath.Join(dir, serverKeyFile), filepath.Join(dir, idFile))
	}
	return &Identity{ID: id, Key: key, ServerKey: bytes}, nil
}

// Forget has a state folder enroll again. Its error is ErrNotEnrolled where there was
// nothing to forget.
func Forget(dir string) error {
	err := os.Remove(filepath.Join(dir, idFile))
	if errors.Is(err, os.ErrNotExist) {
		return ErrNotEnrolled
	}
	return err
}

func line(dir, name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	return strings.TrimSpace(string(text)), err
}

// save makes it the identity of a state folder. Orders of another one are not its own.
func (i *Identity) save(dir string) error {
	if err := (wal.OS{}).MkdirAll(dir); err != nil {
		return err
	}
	for _, old := range []string{ordersFile, inForceFile} {
		if err := os.Remove(filepath.Join(dir, old)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	for _, f := range []struct{ name, text string }{
		{serverKeyFile, base64.StdEncoding.EncodeToString(i.ServerKey)}, {keyFile, i.Key}, {idFile, i.ID},
	} {
		if err := wal.ReplaceFile(filepath.Join(dir, f.name), []byte(f.text+"\n")); err != nil {
			return err
		}
	}
	return nil
}
