package signin

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWhoHasTheFolderGetsInAgain(t *testing.T) {
	h := newHouse(t)
	file := filepath.Join(t.TempDir(), "reset-admin")
	if name, err := h.Users.ApplyReset(t.Context(), file, "admin"); name != "" || err != nil {
		t.Errorf("without a file: %q, %v", name, err)
	}
	if _, _, err := h.Users.Create(t.Context(), "jane", "analyst", "an old password"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"jane", "a new admin"} {
		password, err := WriteReset(file, name)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if got, err := h.Users.ApplyReset(t.Context(), file, "admin"); got != name || err != nil {
			t.Errorf("reset of %q: %v", got, err)
		}
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("the file is there still: %v", err)
		}
		if v, ok := h.Users.check(name, password); !ok || v.Body.Role != "admin" {
			t.Errorf("%s does not get in: %+v", name, v.Body.Role)
		}
	}
	if _, ok := h.Users.check("jane", "an old password"); ok {
		t.Error("the old password is good still")
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Users.ApplyReset(t.Context(), file, "admin"); err == nil {
		t.Error("a broken file is no error")
	}
}
