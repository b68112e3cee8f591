package reference

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightjar/schema"
)

func TestPartsOfAnUploadAreOneFile(t *testing.T) {
	clock := time.Unix(0, 0)
	u, err := NewUploads(filepath.Join(t.TempDir(), "uploads"), func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{"", "ip,score\n"} {
		up, err := u.Create([]string{"ip", "score"}, 3)
		if err != nil {
			t.Fatal(err)
		}
		parts := []string{header + "192.0.2.1,", "5\n192.0", ".2.2,6\n"}
		for i := range parts {
			n := len(parts) - 1 - i // in any order
			if n == 0 {
				var bad *schema.Invalid
				if _, _, err := u.Open(up.ID); !errors.As(err, &bad) || !strings.Contains(err.Error(), "part 1 of 3") {
					t.Errorf("an upload without its first part opens: %v", err)
				}
			}
			if err := u.Put(up.ID, n+1, strings.NewReader(parts[n])); err != nil {
				t.Fatal(err)
			}
		}
		csv, file, err := u.Open(up.ID)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for {
			row, err := csv.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.Join(row, " "))
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
		if strings.Join(got, "|") != "192.0.2.1 5|192.0.2.2 6" {
			t.Errorf("header %q: rows %q", header, got)
		}
	}
	clock = clock.Add(2 * uploadAge)
	if _, err := u.Create([]string{"a"}, 1); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(u.dir); err != nil || len(left) != 1 {
		t.Errorf("old uploads are still there: %v %v", left, err)
	}
}

func TestMistakesOfUploadsAreTold(t *testing.T) {
	u, err := NewUploads(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Create(nil, MaxParts+1); err == nil || !strings.Contains(err.Error(), "headers") || !strings.Contains(err.Error(), "part_count") {
		t.Errorf("got %v", err)
	}
	up, err := u.Create([]string{"a", "a"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	var missing *schema.NotFound
	if err := u.Put(up.ID, 2, strings.NewReader("")); !errors.As(err, &missing) {
		t.Errorf("part 2 of 1: %v", err)
	}
	if err := u.Put("../x", 1, strings.NewReader("")); !errors.As(err, &missing) {
		t.Errorf("an upload that there is not: %v", err)
	}
	if err := u.Put(up.ID, 1, strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := u.Open(up.ID); err == nil || !strings.HasPrefix(err.Error(), `1:1: two columns are named "a"`) {
		t.Errorf("got %v", err)
	}
}
