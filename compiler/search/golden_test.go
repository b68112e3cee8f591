package search_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"nightjar/compiler/search"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGoldenSQL reads testdata/*.txtar: a query, and the canonical text, SQL and
// parameters it makes, or the error.
func TestGoldenSQL(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files (%v)", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(archive.Files) == 0 || archive.Files[0].Name != "query" || len(archive.Comment) == 0 {
				t.Fatal("want a comment that says why, then a section query")
			}
			want := txtar.Format(archive)
			archive.Files = append(archive.Files[:1], goldenSections(strings.TrimSuffix(string(archive.Files[0].Data), "\n"))...)
			got := txtar.Format(archive)
			if *update {
				if err := os.WriteFile(name, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if string(got) != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func goldenSections(query string) []txtar.File {
	q, err := search.Parse(query)
	if err != nil {
		return []txtar.File{{Name: "error", Data: []byte(err.Error() + "\n")}}
	}
	var p search.Params
	sql, err := q.SQL(&p)
	if err != nil {
		return []txtar.File{{Name: "error", Data: []byte(err.Error() + "\n")}}
	}
	var params []string
	for name, value := range p.Map() {
		params = append(params, fmt.Sprintf("%s %s\n", name, value))
	}
	sort.Strings(params)
	return []txtar.File{
		{Name: "canonical", Data: []byte(q.String() + "\n")},
		{Name: "sql", Data: []byte(sql + "\n")},
		{Name: "params", Data: []byte(strings.Join(params, ""))},
	}
}
