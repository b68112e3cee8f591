package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var declared = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w*)\(`)

// TestEveryTestThatPagesNameExists looks for them in all modules of the repository.
func TestEveryTestThatPagesNameExists(t *testing.T) {
	root := filepath.Join("..", "..")
	pages, err := namedTests(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 100 {
		t.Errorf("pages name only %d tests", len(pages))
	}
	exist := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			exist[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, where := range pages {
		prefix, many := strings.CutSuffix(name, "…")
		found := exist[name]
		for one := range exist {
			found = found || many && strings.HasPrefix(one, prefix)
		}
		if !found {
			t.Errorf("%s name %s, which does not exist", strings.Join(where, ", "), name)
		}
	}
}

// run plays the lines of go test -json.
func played(lines string) (*results, string) {
	var out bytes.Buffer
	r := newResults(&out)
	for line := range strings.Lines(lines) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 4)
		e := event{Action: f[0], Package: "nightjar/" + f[1]}
		if len(f) > 2 && f[2] != "-" {
			e.Test = f[2]
		}
		if len(f) > 3 {
			e.Output = f[3] + "\n"
		}
		r.add(e)
	}
	return r, out.String()
}

const aRun = `output a TestShown === RUN TestShown
output a TestShown said by what passed
pass a TestShown
output a TestLeftOut     a_test.go:3: needs ../shared: x
skip a TestLeftOut
output a TestParts/one     a_test.go:4: needs ../shared: y
skip a TestParts/one
pass a TestParts
output a TestSome/shared     a_test.go:4: needs ../shared: y
skip a TestSome/shared
pass a TestSome/own
pass a TestSome
output a TestOwn/shared     a_test.go:4: needs ../shared: y
skip a TestOwn/shared
pass a TestOwn
output a TestRoot     a_test.go:5: needs root or another kernel: no mount
skip a TestRoot
output a - ok a 0.1s
pass a -
output b TestFails why it failed
fail b TestFails
output b - FAIL b
fail b -`

// TestWhatPagesNameIsNotSkipped holds which skips fail, and which don't.
func TestWhatPagesNameIsNotSkipped(t *testing.T) {
	r, printed := played(aRun)
	if want := "ok a 0.1s\nwhy it failed\nFAIL b\n"; printed != want {
		t.Errorf("printed %q, want %q", printed, want)
	}
	pages := named{}
	for _, name := range []string{"TestShown", "TestLeftOut", "TestParts", "TestSome", "TestOwn", "TestRoot", "TestMany…"} {
		pages[name] = []string{"A.md"}
	}
	for all, want := range map[bool][]string{
		false: {"TestLeftOut", "TestParts"},
		true:  {"TestLeftOut", "TestParts", "TestRoot"},
	} {
		got := judge(r, pages, all)
		if len(got) != len(want) {
			t.Fatalf("with everything required %t: %q", all, got)
		}
		for i, name := range want {
			if !strings.HasPrefix(got[i], "a "+name+" is named in A.md and was skipped: needs ") {
				t.Errorf("got %q, want something of %s", got[i], name)
			}
		}
	}
	var tail bytes.Buffer
	printSkips(&tail, r, pages)
	if lines := strings.Split(strings.TrimSpace(tail.String()), "\n"); lines[0] != "skipped (4): needs ../shared" ||
		lines[len(lines)-1] != "NOT SHOWN HERE: a TestRoot: needs root or another kernel: no mount" {
		t.Errorf("the tail is\n%s", tail.String())
	}
}

// TestWhatFailsOnceIsRunAgainByItself has packages of its own tested: one that fails the
// first time, one that always fails, and one that does not build.
func TestWhatFailsOnceIsRunAgainByItself(t *testing.T) {
	for name, c := range map[string]struct {
		test  string
		ends  bool
		shows string
	}{
		"once":     {`if _, err := os.Stat("ran"); err != nil { os.WriteFile("ran", nil, 0o600); t.Fatal("the machine stalled") }`, true, "FAILED ONCE, and passed by itself; to be mended: p TestIt"},
		"always":   {`os.Args = nil; t.Fatal("wrong")`, false, "AGAIN, by itself: p TestIt"},
		"dies":     {`os.Exit(3)`, false, "FAIL"},
		"no build": {`os.Exit("x")`, false, "FAIL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			t.Setenv("RUN_FAILED_AGAIN", "1")
			write := func(name, text string) {
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("go.mod", "module nightjar\n")
			if err := os.Mkdir("p", 0o700); err != nil {
				t.Fatal(err)
			}
			write("p/p_test.go", "package p\nimport (\"os\"; \"testing\")\nfunc TestIt(t *testing.T) { "+c.test+" }\n")
			var out bytes.Buffer
			if err := run([]string{"-p", "1", "./..."}, &out); (err == nil) != c.ends || !strings.Contains(out.String(), c.shows) {
				t.Errorf("ended with %v after\n%s", err, out.String())
			}
			if !c.ends && strings.Contains(out.String(), "FAILED ONCE") {
				t.Errorf("it is called mended:\n%s", out.String())
			}
		})
	}
}
