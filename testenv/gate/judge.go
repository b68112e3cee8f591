package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// named is a test that pages name, and the pages.
type named map[string][]string

var testWord = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w*…?`)

// namedTests are the tests that the pages and doc.go files below the folder name.
func namedTests(root string) (named, error) {
	out := named{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "node_modules" || name == "bin" || name == ".git"):
			return filepath.SkipDir
		case filepath.Ext(name) != ".md" && name != "doc.go":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, word := range testWord.FindAllString(string(text), -1) {
			if page, _ := filepath.Rel(root, path); !slices.Contains(out[word], page) {
				out[word] = append(out[word], page)
			}
		}
		return nil
	})
	return out, err
}

// judge lists the promises that nothing has shown. Only what ran is judged where a run
// is of some packages: a test that isn't there is looked for by this package's own test.
func judge(r *results, pages named, all bool) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		if strings.HasSuffix(name, "…") {
			continue
		}
		for _, test := range r.order {
			if test.name != name {
				continue
			}
			if why, empty := r.empty(test); empty && (all || !excused(why)) {
				out = append(out, fmt.Sprintf("%s %s is named in %s and was skipped: %s", test.pkg, name, strings.Join(pages[name], ", "), why))
			}
		}
	}
	return out
}

func excused(why string) bool { return strings.HasPrefix(why, Excuse) }

// printSkips prints what was skipped by the first words of its reason, what pages name
// and this machine can't show last.
func printSkips(out io.Writer, r *results, pages named) {
	byReason := map[string][]string{}
	var promised []string
	for _, s := range r.skips() {
		short, _, _ := strings.Cut(s.reason, ": ")
		byReason[short] = append(byReason[short], s.pkg+" "+s.name)
		if top, _, _ := strings.Cut(s.name, "/"); excused(s.reason) && pages[top] != nil {
			promised = append(promised, fmt.Sprintf("%s %s: %s", s.pkg, s.name, s.reason))
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		tests := byReason[reason]
		fmt.Fprintf(out, "skipped (%d): %s\n", len(tests), reason)
		for _, test := range tests {
			fmt.Fprintln(out, "   ", test)
		}
	}
	for _, p := range promised {
		fmt.Fprintln(out, "NOT SHOWN HERE:", p)
	}
}
