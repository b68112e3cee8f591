package ingest

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func hash(n int) string { return fmt.Sprintf("%032x", n) }

// positionsOf asks the door.
func positionsOf(t *testing.T, in *Intake, begin string) []FilePosition {
	t.Helper()
	w := httptest.NewRecorder()
	NewFilesHandler(in).ServeHTTP(w, httptest.NewRequest("GET", FilesPath+"?begin="+begin, nil))
	var answer struct{ Positions []FilePosition }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return answer.Positions
}

// TestHowFarFilesWereSentIsKnownAfterARestart sends batches of a file, twice, from
// one start with different ends, and one that is open.
func TestHowFarFilesWereSentIsKnownAfterARestart(t *testing.T) {
	dir, w := t.TempDir(), newWorld()
	h := run(t, dir, w)
	send := func(b FileBatch) bool {
		t.Helper()
		w := post(NewHandler(h.Intake), "", `{"message":"m"}`, BatchIDHeader, b.ID())
		if w.Code != 202 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return strings.Contains(w.Body.String(), `"duplicate":true`)
	}
	for i, c := range []struct {
		batch     FileBatch
		duplicate bool
	}{
		{FileBatch{hash(1), hash(1), hash(2), 10, false}, false},
		{FileBatch{hash(1), hash(1), hash(2), 10, false}, true},
		{FileBatch{hash(1), hash(1), hash(9), 12, false}, true}, // of a start there is one
		{FileBatch{hash(1), hash(2), hash(3), 20, true}, false},
		{FileBatch{hash(1), hash(2), hash(3), 20, true}, true},
		{FileBatch{hash(1), hash(2), hash(4), 30, false}, false}, // the open one has grown
		{FileBatch{hash(5), hash(1), hash(6), 1, false}, false},  // another file
	} {
		if got := send(c.batch); got != c.duplicate {
			t.Errorf("batch %d: duplicate %v, want %v", i, got, c.duplicate)
		}
	}
	want := []FilePosition{{10, hash(2)}, {20, hash(3)}, {30, hash(4)}}
	if diff := cmp.Diff(want, positionsOf(t, h.Intake, hash(1))); diff != "" {
		t.Error(diff)
	}
	if got := positionsOf(t, h.Intake, hash(7)); len(got) != 0 {
		t.Errorf("a file that nobody sent: %v", got)
	}
	answer := httptest.NewRecorder()
	NewFilesHandler(h.Intake).ServeHTTP(answer, httptest.NewRequest("GET", FilesPath+"?begin=x", nil))
	if answer.Code != 400 {
		t.Errorf("no hash: %d", answer.Code)
	}
	// After a stop they are in the file; without it, in the log.
	h.await()
	h.stop()
	h = run(t, dir, w)
	if diff := cmp.Diff(want, positionsOf(t, h.Intake, hash(1))); diff != "" {
		t.Errorf("after a restart: %s", diff)
	}
	if err := h.batches.save(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(h.batches.dir, positionsFile)
	content, err := os.ReadFile(path)
	if err != nil || len(content) != 4*positionSize {
		t.Fatalf("%d bytes, %v", len(content), err)
	}
	content[positionSize+3] ^= 1 // one entry is damaged, and the last one torn
	content = append(content, content[:30]...)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := openPositions(path, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	n := len(p.all())
	if info, err := os.Stat(path); n != 3 || err != nil || info.Size() != 3*positionSize {
		t.Errorf("%d positions after damage, %v", n, err)
	}
	if p, err := openPositions(path, time.Now().Add(2*forgetFilesAfter)); err != nil || len(p.all()) != 0 {
		t.Errorf("two years later: %v, %v", p.all(), err)
	}
}

// FuzzFileBatch reads ids: what is read is what was meant.
func FuzzFileBatch(f *testing.F) {
	f.Add(FileBatch{hash(1), hash(2), hash(3), 4, true}.ID())
	f.Add("file:x")
	f.Fuzz(func(t *testing.T, id string) {
		b, ok := parseFileBatch(id)
		if again, okAgain := parseFileBatch(b.ID()); ok && (!okAgain || again != b) {
			t.Errorf("%q is %v, then %v", id, b, again)
		}
	})
}
