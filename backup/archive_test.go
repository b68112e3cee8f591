package backup

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/ingest"
)

var sample = ingest.State{
	Through: 7, Next: 9, Batches: map[int64][]byte{3: []byte("ids"), 4: []byte("more")},
	Files: []byte("files"), DeadLetters: []byte("letters\n"), Losses: []byte("losses\n"),
}

// packed is a backup of the sample.
func packed(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	p := &Prepared{source: &Source{Folder: t.TempDir()}, state: sample, manifest: Manifest{Format: format, Name: "b", At: time.Unix(1, 0), Through: 7, Next: 9}}
	dir := filepath.Join(p.source.Folder, "b", "data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "part"), []byte("rows"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestABackupGivesBackTheStateThatWasPutIn(t *testing.T) {
	dir := t.TempDir()
	m, s, err := unpack(bytes.NewReader(packed(t)), dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample, s); diff != "" || m.Name != "b" {
		t.Errorf("manifest %+v, state (-put +got):\n%s", m, diff)
	}
	if rows, err := os.ReadFile(filepath.Join(dir, "data", "part")); err != nil || string(rows) != "rows" {
		t.Errorf("%q, %v", rows, err)
	}
}

// FuzzUnpack: whatever a backup is, nothing comes to be outside of the folder.
func FuzzUnpack(f *testing.F) {
	whole := packed(f)
	f.Add(whole)
	var out bytes.Buffer
	a := newArchive(&out, time.Unix(1, 0))
	for _, name := range []string{manifestName, filesDir + "../../out"} {
		if err := a.putBytes(name, []byte(`{"format":1}`)); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(out.Bytes())
	f.Add(whole[:1024])
	f.Fuzz(func(t *testing.T, text []byte) {
		outer := t.TempDir()
		_, _, _ = unpack(bytes.NewReader(text), filepath.Join(outer, "inner", "folder")) // it may be anything
		for _, dir := range []string{outer, filepath.Join(outer, "inner")} {
			if found, _ := os.ReadDir(dir); len(found) > 1 || len(found) == 1 && found[0].Name() != "inner" && found[0].Name() != "folder" {
				t.Fatalf("%s has %v", dir, found)
			}
		}
	})
}
