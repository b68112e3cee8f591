package tables

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"nightjar/api"
	"nightjar/scheduler/reference"
)

// put sends a part as a client does that has only the URL.
func put(u *uploads, url, body string) int {
	mux := http.NewServeMux()
	mux.Handle("PUT "+api.UploadsPath+"{id}/{token}/{part}", u)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodPut, url, strings.NewReader(body)))
	return w.Code
}

func readUpload(t *testing.T, u *uploads, id string) (columns, rows []string, err error) {
	t.Helper()
	err = u.read(id, func(file *reference.CSV) error {
		for _, f := range file.Fields {
			columns = append(columns, f.Name)
		}
		for {
			cells, err := file.Read()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			rows = append(rows, strings.Join(cells, "|"))
		}
	})
	return columns, rows, err
}

func TestUploadsAreReadAsOneFile(t *testing.T) {
	for name, parts := range map[string][2]string{
		"with its header":    {"ip,na", "me\n10.0.0.1,\"a,b\"\n"},
		"without its header": {"10.0.0.1,\"a", ",b\"\n"},
	} {
		u := &uploads{dir: t.TempDir(), now: time.Now}
		id, urls, err := u.create([]string{"ip", "name"}, 2, 100)
		if err != nil || len(urls) != 2 {
			t.Fatal(urls, err)
		}
		if code := put(u, urls[1], parts[1]); code != http.StatusOK {
			t.Fatalf("%s: second part: %d", name, code)
		}
		if err := u.complete(id); err == nil || !strings.Contains(err.Error(), "part 1 of 2 was not sent") {
			t.Errorf("%s: half of it: %v", name, err)
		}
		put(u, urls[0], parts[0])
		if err := u.complete(id); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		columns, rows, err := readUpload(t, u, id)
		if err != nil || strings.Join(columns, "|") != "ip|name" || strings.Join(rows, ";") != "10.0.0.1|a,b" {
			t.Errorf("%s: read %v %v %v", name, columns, rows, err)
		}
		if err := u.complete(id); err == nil {
			t.Errorf("%s: it is kept after it was read", name)
		}
	}
}

func TestPartsAreTakenFromWhoWasToldWhereOnly(t *testing.T) {
	u := &uploads{dir: t.TempDir(), now: time.Now}
	_, urls, err := u.create(nil, 1, 5)
	if err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSuffix(urls[0], "/1")
	token := base[strings.LastIndexByte(base, '/')+1:]
	for url, want := range map[string]int{
		urls[0]:     http.StatusOK,
		base + "/2": http.StatusNotFound,
		base + "/0": http.StatusNotFound,
		base + "/x": http.StatusNotFound,
		strings.Replace(urls[0], token, strings.Repeat("0", len(token)), 1): http.StatusNotFound,
		api.UploadsPath + "..%2f..%2fetc/" + token + "/1":                   http.StatusNotFound,
	} {
		if got := put(u, url, "12345"); got != want {
			t.Errorf("%s: %d, want %d", url, got, want)
		}
	}
	if got := put(u, urls[0], "123456"); got != http.StatusRequestEntityTooLarge {
		t.Errorf("more than declared: %d", got)
	}
}

func TestUploadsAreForgottenAfterADay(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	u := &uploads{dir: t.TempDir(), now: func() time.Time { return now }}
	for range maxUploads {
		if _, _, err := u.create(nil, 1, 5); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := u.create(nil, 1, 5); err == nil {
		t.Error("there is no end to uploads")
	}
	now = now.Add(uploadLasts)
	if _, _, err := u.create(nil, 1, 5); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(u.dir); err != nil || len(left) != 1 {
		t.Errorf("%d folders, %v", len(left), err)
	}
	for _, c := range []struct {
		parts int
		size  int64
	}{{0, 5}, {maxParts + 1, 5}, {1, 0}, {1, maxPartBytes + 1}} {
		if _, _, err := u.create(nil, c.parts, c.size); err == nil {
			t.Errorf("took %+v", c)
		}
	}
}
