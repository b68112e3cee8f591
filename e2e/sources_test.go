package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The pages of docs/sources are tested as they stand. A comment before each block of
// code says how:
//
//	<!-- run: SENDER key=value … -->  the block is given to the sender, and what it
//	                                  sends is looked for: see senderRuns
//	<!-- replayed: NAME -->           its sender can't be had here: its requests are
//	                                  replayed under this name in senders_test.go
//	<!-- shown: why -->               it is nothing that a sender reads
const sourcePages = "../docs/sources"

// example is a block of code of a page.
type example struct {
	page     string
	line     int // of the comment
	verb     string
	name     string
	options  map[string]string
	language string
	text     string
}

func (e example) String() string { return fmt.Sprintf("%s:%d", e.page, e.line) }

var (
	mark       = regexp.MustCompile(`^<!-- (run|replayed|shown): (.+?) -->$`)
	markOption = regexp.MustCompile(`\s+(\w+)=("[^"]*"|\S+)`)
)

// examples are those of all pages.
func examples(t *testing.T) (out []example) {
	t.Helper()
	pages, err := filepath.Glob(sourcePages + "/*.md")
	if err != nil || len(pages) < 2 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	for _, page := range pages {
		out = append(out, examplesOf(t, page)...)
	}
	return out
}

func examplesOf(t *testing.T, page string) (out []example) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	lines, before := strings.Split(string(text), "\n"), ""
	for i := 0; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " ")
		if !strings.HasPrefix(line, "```") {
			if line != "" {
				before = line
			}
			continue
		}
		m := mark.FindStringSubmatch(before)
		if m == nil {
			t.Errorf("%s:%d: a block without a comment such as <!-- run: curl --> before it", page, i+1)
			m = []string{"", "", ""}
		}
		e := example{page: filepath.Base(page), line: i, verb: m[1], name: m[2], options: map[string]string{}, language: strings.TrimPrefix(line, "```")}
		if e.verb == "run" {
			for _, o := range markOption.FindAllStringSubmatch(e.name, -1) {
				e.options[o[1]] = strings.Trim(o[2], `"`)
			}
			e.name, _, _ = strings.Cut(e.name, " ")
		}
		for i++; i < len(lines) && !strings.HasPrefix(lines[i], "```"); i++ {
			e.text += lines[i] + "\n"
		}
		out, before = append(out, e), ""
	}
	return out
}

// TestEveryExampleOfTheSourcesSaysHowItIsTested holds that no page has a block that
// nobody tries, and that the index has every page.
func TestEveryExampleOfTheSourcesSaysHowItIsTested(t *testing.T) {
	t.Parallel()
	var replayed []string
	for _, s := range replayedSenders("", "", "", "") {
		replayed = append(replayed, s.name)
	}
	for _, e := range examples(t) {
		switch {
		case e.verb == "run" && senderRuns[e.name] == nil:
			t.Errorf("%s: nobody knows how to run %s", e, e.name)
		case e.verb == "replayed" && !slices.Contains(replayed, e.name):
			t.Errorf("%s: %s is not replayed; there are %s", e, e.name, strings.Join(replayed, ", "))
		}
	}
	index, err := os.ReadFile(sourcePages + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{}
	for _, m := range regexp.MustCompile(`\]\(([\w.-]+\.md)[)#]`).FindAllStringSubmatch(string(index), -1) {
		linked[m[1]] = true
		if _, err := os.Stat(filepath.Join(sourcePages, m[1])); err != nil {
			t.Errorf("the index has %s, which is missing", m[1])
		}
	}
	pages, _ := filepath.Glob(sourcePages + "/*.md")
	for _, page := range pages {
		if name := filepath.Base(page); name != "README.md" && !linked[name] {
			t.Errorf("the index lacks %s", name)
		}
	}
}
