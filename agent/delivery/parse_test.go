package delivery

import (
	"bytes"
	"net/http"
	"testing"
	"time"
)

// What is in a record is what was put there, and what is none is refused; halves have what
// the whole had.
func FuzzRecord(f *testing.F) {
	f.Add(newBatch("agent-1-2", 17, [][]byte{[]byte(`{"a":1}`), []byte(`{}`)}, []byte(`{"report":1}`)).record())
	f.Add(newBatch("agent-1-3", 17, [][]byte{bytes.Repeat([]byte("1"), worthIt)}, nil).record())
	f.Add([]byte("a 1 1 0 plain\n[{}]"))
	f.Add([]byte("a 1 -1 0 plain\n"))
	f.Add([]byte("a 1 1 2 zstd\n[1,2]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := parseRecord(text)
		if err != nil {
			return
		}
		again, err := parseRecord(b.record())
		if err != nil || again.id != b.id || again.made != b.made || again.entries() != b.entries() || !bytes.Equal(again.body, b.body) {
			t.Fatalf("%q was read as %+v, and then as %+v: %v", text, b, again, err)
		}
		if parts := b.halves(); parts != nil {
			if parts[0].entries()+parts[1].entries() != b.entries() || parts[1].reports != b.reports || parts[0].events+parts[1].events != b.events {
				t.Fatalf("%q was halved to %+v and %+v", text, parts[0], parts[1])
			}
		}
	})
}

func FuzzMark(f *testing.F) {
	whole := mark{sequence: 3, through: 4, ended: 1, next: 5, settled: 6, made: 7}
	f.Add(whole.bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		m, ok := parseMark(text)
		if ok && !bytes.Equal(m.bytes(), text[:markSize]) {
			t.Fatalf("%x was read as %+v", text, m)
		}
	})
}

// Every byte of a mark counts: a damaged one is none, and the one before it holds.
func TestADamagedMarkIsNone(t *testing.T) {
	whole := mark{sequence: 3, through: 4, ended: 1, next: 5, settled: 6, made: 7}
	if got, ok := parseMark(whole.bytes()); !ok || got != whole {
		t.Fatalf("read %+v", got)
	}
	for i := range markSize {
		text := whole.bytes()
		text[i] ^= 4
		if m, ok := parseMark(text); ok {
			t.Errorf("with byte %d wrong, %+v was read", i, m)
		}
	}
	dir := t.TempDir()
	f, err := openMarks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := f.write(mark{through: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.file.WriteAt([]byte{1, 2, 3}, int64(f.last.slot())+8); err != nil {
		t.Fatal(err)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	if f, err = openMarks(dir); err != nil || f.last.through != 3 {
		t.Errorf("the mark is %+v: %v", f.last, err)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "0.5": 500 * time.Millisecond, "-3": 0, "NaN": 0, "soon": 0,
		"99999999": maxRetryAfter, "1e300": maxRetryAfter,
		"Sun, 29 Nov 2026 12:01:00 GMT": time.Minute, "Sun, 29 Nov 2026 11:00:00 GMT": 0,
	} {
		if got := RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
