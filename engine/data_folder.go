package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"nightjar/migrations"
	"nightjar/wal"
)

// folderState is what a data folder says of who wrote it, in its file state.json.
type folderState struct {
	Schema  int    `json:"schema"` // migrations.State of the newest program
	Version string `json:"version"`
}

const folderStateFile = "state.json"

// claimFolder refuses a data folder that a newer program has written, whose tables
// this one would misread, and otherwise notes that it is of this one's state.
func claimFolder(dir, version string) error {
	path := filepath.Join(dir, folderStateFile)
	text, err := os.ReadFile(path)
	var was folderState
	if err == nil {
		err = json.Unmarshal(text, &was)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist): // fresh, or older than this file
	case err != nil:
		return fmt.Errorf("read what wrote the data folder: %w", err)
	case was.Schema > migrations.State:
		return fmt.Errorf("data folder %s was written by a newer nightjar (%s, schema %d), and this one (%s) knows schema %d: start that version or a later one, or restore a backup into another folder", dir, was.Version, was.Schema, version, migrations.State)
	case was == (folderState{Schema: migrations.State, Version: version}):
		return nil
	}
	text, err = json.Marshal(folderState{Schema: migrations.State, Version: version})
	if err != nil {
		return err
	}
	if err := wal.ReplaceFile(path, append(text, '\n')); err != nil {
		return fmt.Errorf("note the state of the data folder: %w", err)
	}
	return nil
}
