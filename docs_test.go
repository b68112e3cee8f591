package nightjar

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// citation is how code cites a heading of a page: docs/semantics.md, "Silence points"
	// and "The horizon".
	citation  = regexp.MustCompile(`docs/([a-z-]+\.md), ((?:(?:, | and )?"[^"]+")+)`)
	quoted    = regexp.MustCompile(`"([^"]+)"`)
	paragraph = regexp.MustCompile(`(?i:\bsections? [0-9]+[^.]{0,20} of the semantics|semantics,? (section|§))|SEMANTICS\.md`)
	nextLine  = regexp.MustCompile(`\n\s*(//|#)? ?`)
	heading   = regexp.MustCompile(`(?m)^##+ (.+)$`)
)

// TestHeadingsThatAreCitedExist reads every Go file: what cites a page under docs names
// one of its headings, and nothing cites the semantics by the number of a section.
func TestHeadingsThatAreCitedExist(t *testing.T) {
	pages, cited := map[string]map[string]bool{}, 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || path == "docs_test.go":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		flat := nextLine.ReplaceAllString(string(text), " ")
		if m := paragraph.FindString(flat); m != "" {
			t.Errorf("%s cites %q: cite docs/semantics.md by its heading", path, m)
		}
		for _, c := range citation.FindAllStringSubmatch(flat, -1) {
			for _, h := range quoted.FindAllStringSubmatch(c[2], -1) {
				cited++
				if !headingsOf(t, pages, c[1])[h[1]] {
					t.Errorf("%s cites docs/%s, %q, which is no heading of it", path, c[1], h[1])
				}
			}
		}
		return nil
	})
	if err != nil || cited < 20 {
		t.Errorf("found %d citations, %v", cited, err)
	}
}

func headingsOf(t *testing.T, pages map[string]map[string]bool, page string) map[string]bool {
	t.Helper()
	if pages[page] == nil {
		text, err := os.ReadFile(filepath.Join("docs", page))
		if err != nil {
			t.Fatal(err)
		}
		pages[page] = map[string]bool{}
		for _, h := range heading.FindAllStringSubmatch(string(text), -1) {
			pages[page][strings.TrimSpace(h[1])] = true
		}
	}
	return pages[page]
}
