package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

var built = fstest.MapFS{
	"index.html":     {Data: []byte("<title>nightjar</title>" + strings.Repeat(" ", 4000))},
	"assets/a-12.js": {Data: []byte("start()")},
	"mark.svg":       {Data: []byte("<svg/>")},
	".keep":          {},
}

func get(t *testing.T, p *Page, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Result()
}

func TestEveryViewIsTheDocument(t *testing.T) {
	p := newPage(built)
	for _, path := range []string{"/", "/signals", "/signals/abc_-1", "/rules/4lf-iu0-5xc", "/search"} {
		if !p.IsView(path) || p.IsFile(path) {
			t.Errorf("%s: view %v, file %v", path, p.IsView(path), p.IsFile(path))
		}
		r := get(t, p, path)
		if r.StatusCode != 200 || r.Header.Get("Cache-Control") != "no-cache" || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
		}
	}
	for _, path := range []string{"/api/v2/logs", "/signals2", "/_bulk", "/.keep", "/index.html", "/../web.go", "/assets", "/assets/"} {
		if p.IsView(path) || p.IsFile(path) {
			t.Errorf("%s is taken for the page's", path)
		}
	}
}

func TestFilesWithAHashAreKept(t *testing.T) {
	r := get(t, newPage(built), "/assets/a-12.js")
	if r.StatusCode != 200 || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") || !strings.Contains(r.Header.Get("Content-Type"), "javascript") {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
}

func TestTheMarkIsNotAskedForAtEachChangeOfTheAddress(t *testing.T) {
	r := get(t, newPage(built), "/mark.svg")
	if r.StatusCode != 200 || r.Header.Get("Cache-Control") != "public, max-age=86400" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
}

func TestThePageLoadsNothingFromElsewhere(t *testing.T) {
	for name, p := range map[string]*Page{"built": newPage(built), "not built": newPage(fstest.MapFS{})} {
		csp := get(t, p, "/").Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none';") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || strings.Contains(csp, "*") {
			t.Errorf("%s: %s", name, csp)
		}
	}
}

func TestABinaryWithoutThePageSaysSo(t *testing.T) {
	p := newPage(fstest.MapFS{".keep": {}})
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if p.Built() || w.Code != 200 || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
