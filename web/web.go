package web

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"
)

//go:embed all:dist
var embedded embed.FS

// Views are the first parts of the addresses that the application answers itself:
// /signals, /signals/ID and so on. src/views.ts has the same names.
var Views = []string{"signals", "search", "entity", "rules", "suppressions", "sources", "agents", "operation"}

// Page serves the application.
type Page struct {
	files    fs.FS
	document []byte // of every view; nil: the page was not built into this binary
	serve    http.Handler
}

// New is the page that was built into this binary.
func New() *Page {
	files, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(err) // the pattern above names it
	}
	return newPage(files)
}

func newPage(files fs.FS) *Page {
	p := &Page{files: files}
	p.document, _ = fs.ReadFile(files, "index.html") // none: it says so
	p.serve = gzhttp.GzipHandler(http.HandlerFunc(p.answer))
	return p
}

// Built reports whether this binary has the page.
func (p *Page) Built() bool { return p.document != nil }

// IsFile reports whether a path is one of the files that the document loads.
func (p *Page) IsFile(urlPath string) bool {
	name := strings.TrimPrefix(urlPath, "/")
	if name == "index.html" || strings.HasPrefix(path.Base(name), ".") || !fs.ValidPath(name) {
		return false
	}
	info, err := fs.Stat(p.files, name)
	return err == nil && info.Mode().IsRegular()
}

// IsView reports whether a path is one that the application answers in the browser.
func (p *Page) IsView(urlPath string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(urlPath, "/"), "/")
	for _, v := range Views {
		if first == v {
			return true
		}
	}
	return urlPath == "/"
}

// policy lets the document load files of the engine, and nothing else; what is inline
// does not run.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// ServeHTTP implements http.Handler.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.serve.ServeHTTP(w, r) }

func (p *Page) answer(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if p.IsFile(r.URL.Path) {
		p.file(w, r)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	document := p.document
	if document == nil {
		document = []byte(notBuilt)
	}
	http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(document))
}

// file answers with one of the files. Those under assets have a hash in their names.
func (p *Page) file(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	cache := "no-cache"
	switch {
	case strings.HasPrefix(name, "assets/"):
		cache = "public, max-age=31536000, immutable"
	case name == "mark.svg": // a browser asks for it at each change of the address
		cache = "public, max-age=86400"
	}
	w.Header().Set("Cache-Control", cache)
	http.ServeFileFS(w, r, p.files, name)
}

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>nightjar</title>
<h1>nightjar</h1>
<p>The engine is up. Its page is not in this binary: <code>make build</code> puts it there, which needs Node.js 20 or newer.</p>
<p>All that the page shows can be had from the <a href="/api/reference">API</a>, and by <code>nightjar --help</code>.</p>
</html>
`
