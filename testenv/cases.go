package testenv

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// CaseFile is a file of cases of a language: a txtar archive with a comment that says
// what it is about, a section `cases`, and what they need in other sections.
type CaseFile struct {
	Name     string
	Sections map[string]string
	Cases    []Case
}

// Case is a text of the language, and what is said of it. In the file it is
//
//	> the text
//	word what is said, up to the end of the line
//
// where `>go 3 * "(" + "a\n"` writes the text as literals of Go, of which any may be
// repeated. A word may come several times.
type Case struct {
	Where string // file:line
	Text  string
	said  map[string][]string
}

// Has reports whether the word stands below the case.
func (c Case) Has(word string) bool { return c.said[word] != nil }

// Said is what stands behind a word, a line for each time that it does.
func (c Case) Said(word string) string { return strings.Join(c.said[word], "\n") }

// Names are the names that stand behind a word, sorted; `none` alone is no name.
func (c Case) Names(word string) []string {
	names := strings.Fields(c.Said(word))
	if slices.Equal(names, []string{"none"}) {
		return nil
	}
	slices.Sort(names)
	return names
}

// Lines are the lines `name: text` of a section, in their order.
func (f CaseFile) Lines(t testing.TB, section string) [][2]string {
	t.Helper()
	var out [][2]string
	for line := range strings.Lines(f.Sections[section]) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, text, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			t.Fatalf("%s: section %s: %q has no name", f.Name, section, line)
		}
		out = append(out, [2]string{name, text})
	}
	return out
}

// ReadCases reads the files that the pattern finds. Below a case may stand the given
// words and no others; a case of which nothing is said is a mistake, and one that
// stands in the files twice.
func ReadCases(t testing.TB, pattern string, words ...string) []CaseFile {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files of cases at %s (%v)", pattern, err)
	}
	var out []CaseFile
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f := CaseFile{Name: strings.TrimSuffix(filepath.Base(path), ".txtar"), Sections: map[string]string{}}
		first := 1 + strings.Count(string(archive.Comment), "\n")
		for _, section := range archive.Files {
			f.Sections[section.Name] = string(section.Data)
			if section.Name == "cases" {
				f.Cases = readCases(t, path, first+1, string(section.Data), words)
			}
			first += 1 + strings.Count(string(section.Data), "\n")
		}
		if len(archive.Comment) == 0 || len(f.Cases) == 0 {
			t.Errorf("%s: want a comment that says what it is about, and a section of cases", path)
		}
		out = append(out, f)
	}
	return out
}

func readCases(t testing.TB, path string, first int, text string, words []string) []Case {
	t.Helper()
	var out []Case
	seen := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		where := fmt.Sprintf("%s:%d", filepath.Base(path), first)
		first++
		if line == "" {
			continue
		}
		if line[0] == '>' {
			c := Case{Where: where, Text: caseText(t, where, line), said: map[string][]string{}}
			if seen[c.Text] != "" {
				t.Errorf("%s: this case stands at %s already", where, seen[c.Text])
			}
			seen[c.Text] = where
			out = append(out, c)
			continue
		}
		word, said, _ := strings.Cut(line, " ")
		if !slices.Contains(words, word) || len(out) == 0 {
			t.Fatalf("%s: %q is none of > %s", where, word, strings.Join(words, " "))
		}
		last := out[len(out)-1]
		last.said[word] = append(last.said[word], said)
	}
	for _, c := range out {
		if len(c.said) == 0 {
			t.Errorf("%s: nothing is said of this case", c.Where)
		}
	}
	return out
}

func caseText(t testing.TB, where, line string) string {
	t.Helper()
	literal, ok := strings.CutPrefix(line, ">go ")
	if !ok {
		return strings.TrimPrefix(strings.TrimPrefix(line, ">"), " ")
	}
	var b strings.Builder
	for _, part := range repeated.FindAllStringSubmatch(literal, -1) {
		text, err := strconv.Unquote(part[2])
		if err != nil {
			t.Fatalf("%s: %s: %v", where, part[2], err)
		}
		times := 1
		if part[1] != "" {
			times, _ = strconv.Atoi(part[1])
		}
		b.WriteString(strings.Repeat(text, times))
	}
	return b.String()
}

var repeated = regexp.MustCompile(`(?:(\d+) \* )?("(?:[^"\\]|\\.)*")`)
