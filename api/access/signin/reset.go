package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"nightjar/wal"
)

// A reset is how the person who has the data folder gets in again: a file that says who
// is to be an administrator, with the hash of their password. The engine reads it when
// it starts, and removes it.
type reset struct {
	Name string `json:"name"`
	Hash string `json:"hash"`
}

// WriteReset makes a password, and a file with which its owner is an administrator from
// the next start of the engine on.
func WriteReset(path, name string) (password string, err error) {
	password = NewPassword()
	text, err := json.Marshal(reset{Name: name, Hash: hashPassword(password)})
	if err == nil {
		err = wal.ReplaceFile(path, text)
	}
	if err != nil {
		return "", fmt.Errorf("reset an administrator: %w", err)
	}
	return password, nil
}

// ApplyReset does what the file says, if there is one, and removes it. It returns whose
// password it was. Done again after a kill it changes nothing else.
func (u *Users) ApplyReset(ctx context.Context, path, role string) (name string, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	var r reset
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err == nil {
		err = u.put(ctx, r, role)
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		return "", fmt.Errorf("reset an administrator by %s: %w", path, err)
	}
	return r.Name, nil
}

func (u *Users) put(ctx context.Context, r reset, role string) error {
	u.changes.Lock()
	defer u.changes.Unlock()
	next := User{Name: r.Name, Role: role, Hash: r.Hash, Since: u.now()}
	v, there := u.Named(r.Name)
	if !there {
		_, err := u.store.Create(ctx, next)
		return err
	}
	_, err := u.store.Update(ctx, v.ID, 0, func(b *User) error {
		*b = next
		return nil
	})
	return err
}
