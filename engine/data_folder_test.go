package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/migrations"
)

func TestAFolderIsOfTheNewestProgramThatWroteIt(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // fresh, and its own
		if err := claimFolder(dir, "dev"); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, folderStateFile)
	older := fmt.Appendf(nil, `{"schema":%d,"version":"v0"}`, migrations.State-1)
	if err := os.WriteFile(file, older, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := claimFolder(dir, "dev"); err != nil {
		t.Errorf("a folder of an older program: %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || strings.Contains(string(text), "v0") {
		t.Errorf("it is still said to be of the older: %s %v", text, err)
	}
	newer := fmt.Appendf(nil, `{"schema":%d,"version":"v99"}`, migrations.State+1)
	if err := os.WriteFile(file, newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := claimFolder(dir, "dev"); err == nil || !strings.Contains(err.Error(), "was written by a newer nightjar (v99") {
		t.Errorf("a folder of a newer program: %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != string(newer) {
		t.Errorf("the folder was changed: %s %v", text, err)
	}
}
