package cli

import (
	"fmt"
	"strings"
	"testing"
)

func TestStatementsAreSplitWhereTheyEnd(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1":                            "[] SELECT 1",
		"SELECT 1; SELECT ';' -- ; no end\n;": "[{SELECT 1 false} {SELECT ';' -- ; no end false}] ",
		`SELECT "a;b", '\';' \G SELECT 2`:     `[{SELECT "a;b", '\';' true}] SELECT 2`,
		"-- a\nSELECT 1; -- done\n/* x */":    "[{-- a\nSELECT 1 false}] ",
		"-- nothing; \n ; /* ; */ ;":          "[] ",
		"SELECT /* ; */ 1;;":                  "[{SELECT /* ; */ 1 false}] ",
		"SELECT 'never closed ;":              "[] SELECT 'never closed ;",
		"/* never closed ;":                   "[] /* never closed ;",
	} {
		statements, rest := splitStatements(text)
		if got := fmt.Sprint(statements, " ", rest); strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func FuzzSplitStatements(f *testing.F) {
	f.Add("SELECT 1; SELECT '\\';' \\G -- x\n/* */ `")
	f.Fuzz(func(t *testing.T, text string) {
		statements, rest := splitStatements(text)
		n := len(rest)
		for _, s := range statements {
			n += len(s.text)
		}
		if n > len(text) {
			t.Fatalf("%q became longer", text)
		}
	})
}

func TestATableFitsTheTerminal(t *testing.T) {
	rows := fitted([]string{"id", "message"}, [][]string{{"1", strings.Repeat("é", 100)}, {"2", "short"}}, 40)
	for _, r := range rows {
		if n := len([]rune(r[0])) + 2 + len([]rune(r[1])) + 2; n > 40 {
			t.Errorf("%d characters: %q", n, r)
		}
	}
	if rows[1][1] != "short" || !strings.HasSuffix(rows[0][1], "…") {
		t.Errorf("%q", rows)
	}
}

func TestNamesAreCompleted(t *testing.T) {
	s := &shell{words: []string{"attributes.http.url", "attributes.http.status_code", "SELECT ", "source"}}
	for line, want := range map[string]string{
		"sel": "SELECT ", "SELECT attr": "SELECT attributes.http.", "count(sou": "count(source", "nothing": "nothing", "": "",
	} {
		if got, pos, ok := s.complete(line, len(line), '\t'); !ok || got != want || pos != len(got) {
			t.Errorf("%q: %q at %d", line, got, pos)
		}
	}
}
