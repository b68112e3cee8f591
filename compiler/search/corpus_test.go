package search_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/valyala/fastjson"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
	"nightjar/testenv"
)

// caseEvents are the events of a file of cases: an object a line, reserved fields at
// its root, `at` in milliseconds, and attributes there too or under `attributes`.
func caseEvents(t *testing.T, f testenv.CaseFile) (names []string, events []schema.Event) {
	t.Helper()
	for _, line := range f.Lines(t, "events") {
		v, err := fastjson.Parse(line[1])
		if err != nil {
			t.Fatalf("%s: event %s: %v", f.Name, line[0], err)
		}
		at := v.GetInt64("at")
		v.Del("at")
		e := searchCase{Event: v.MarshalTo(nil)}.event(t)
		e.At = schema.Millis(at)
		names, events = append(names, line[0]), append(events, e)
	}
	return names, events
}

// TestSearchCasesHoldInBothReaders asks each query of testdata/cases of its file's
// events, in memory and in SQL, and compares its canonical text, or the error and its
// place. `reads` is left out where the canonical text is the query's own.
func TestSearchCasesHoldInBothReaders(t *testing.T) {
	files := testenv.ReadCases(t, "testdata/cases/*.txtar", "reads", "matches", "error")
	covered := newCoverage(t)
	asked := 0
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			names, events := caseEvents(t, f)
			w := searchtest.NewWorld(t, events)
			for _, c := range f.Cases {
				asked++
				q, err := search.Parse(c.Text)
				covered.see(c, q, err)
				if err != nil || c.Has("error") {
					if got := fmt.Sprint(err); got != c.Said("error") {
						t.Errorf("%s: %s\ngot  %s\nwant %s", c.Where, c.Text, got, c.Said("error"))
					}
					continue
				}
				checkCase(t, w, c, q, names)
			}
		})
	}
	if covered.check(t); asked < 400 {
		t.Errorf("only %d cases", asked)
	}
}

func checkCase(t *testing.T, w *searchtest.World, c testenv.Case, q *search.Query, names []string) {
	t.Helper()
	want := c.Text
	if c.Has("reads") {
		want = c.Said("reads")
	}
	if q.String() != want {
		t.Errorf("%s: %s\nreads %s\nwant  %s", c.Where, c.Text, q, want)
	}
	checkRoundTrip(t, q)
	w.Agree(t, q)
	var got []string
	for _, seq := range w.Recall(q) {
		got = append(got, names[seq-1])
	}
	slices.Sort(got)
	matches := c.Names("matches")
	if slices.Equal(matches, []string{"all"}) {
		matches = slices.Sorted(slices.Values(names))
	}
	if !slices.Equal(got, matches) {
		t.Errorf("%s: %s\nmatches %v\nwant    %v", c.Where, c.Text, got, matches)
	}
}

// coverage is which constructs of the language the cases have: of how many cases each
// is part. What there is to cover is read from the language itself where that can be:
// its nodes, reserved fields, functions, special characters, and what its errors say.
type coverage struct {
	cases map[string]int
}

func newCoverage(t *testing.T) *coverage {
	c := &coverage{cases: map[string]int{}}
	for _, name := range nodeTypes(t) {
		c.cases["node "+name] = 0
	}
	for _, name := range []string{"source", "service", "host", "status", "message", "timestamp", "tags", "ddsource", "hostname", "ddtags", "trace_id", "_exists_", "_missing_", "_default_", "*"} {
		c.cases["field "+name] = 0
	}
	for name := range search.Functions {
		c.cases["function "+name] = 0
	}
	for _, r := range `+-=&|><!(){}[]^"~*?:\/# ` {
		c.cases[`escape \`+string(r)] = 0
	}
	for _, word := range []string{"AND", "OR", "NOT", "&&", "||", "TO", ">", ">=", "<", "<=", "[ ]", "[ }", "{ ]", "{ }", "[*", "*]", "field:(", "#", "tag", "attribute", "quoted bound", "beyond ASCII"} {
		c.cases["syntax "+word] = 0
	}
	for _, message := range parseErrors(t) {
		c.cases["error "+message] = 0
	}
	return c
}

// nodeTypes are the names of the types that embed At, read from tree.go.
func nodeTypes(t *testing.T) (out []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "tree.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if s, ok := spec.Type.(*ast.StructType); ok && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool {
			return len(f.Names) == 0 && fmt.Sprint(f.Type) == "At"
		}) {
			out = append(out, spec.Name.Name)
		}
		return true
	})
	if len(out) < 15 {
		t.Errorf("found only %d nodes in tree.go: %v", len(out), out)
	}
	return out
}

// parseErrors are the beginnings of what the parser says, read from its source.
func parseErrors(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 3 {
				return true
			}
			if method, ok := call.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "errorf" && fmt.Sprint(method.X) == "p" {
				if m := beginning(call.Args[1]); m != "" {
					out[m] = true
				}
			}
			return true
		})
	}
	if len(out) < 30 {
		t.Errorf("found only %d errors of the parser", len(out))
	}
	return slices.Sorted(maps.Keys(out))
}

// beginning is the fixed text that an expression begins with, up to its first verb.
func beginning(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, _ := strconv.Unquote(e.Value)
		s, _, _ = strings.Cut(s, "%")
		return strings.TrimSpace(s)
	case *ast.BinaryExpr:
		return beginning(e.X)
	case *ast.CallExpr:
		if len(e.Args) > 0 {
			return beginning(e.Args[0])
		}
	}
	return ""
}

func (c *coverage) see(one testenv.Case, q *search.Query, err error) {
	if err != nil {
		var e *schema.SyntaxError
		if errors.As(err, &e) {
			for key := range c.cases {
				if m, ok := strings.CutPrefix(key, "error "); ok && strings.HasPrefix(e.Message, m) {
					c.cases[key]++
				}
			}
		}
		return
	}
	c.nodes(q.Root)
	c.words(one.Text)
}

// nodes counts a tree's nodes and the kinds of their fields.
func (c *coverage) nodes(n search.Node) {
	c.cases["node "+reflect.TypeOf(n).Name()]++
	switch n := n.(type) {
	case search.Conjunction:
		for _, inner := range n.Nodes {
			c.nodes(inner)
		}
	case search.Disjunction:
		for _, inner := range n.Nodes {
			c.nodes(inner)
		}
	case search.Negation:
		c.nodes(n.Node)
	case search.Any:
		c.nodes(n.Node)
	case search.Range:
		if n.Low.Quoted || n.High.Quoted {
			c.cases["syntax quoted bound"]++
		}
	}
	if f, ok := search.FieldWritten(n); ok {
		switch f.Kind {
		case schema.FieldTag:
			c.cases["syntax tag"]++
		case schema.FieldAttribute:
			c.cases["syntax attribute"]++
		}
	}
}

// words counts what a query's text has.
func (c *coverage) words(text string) {
	for key := range c.cases {
		kind, word, _ := strings.Cut(key, " ")
		has := false
		switch {
		case kind == "field":
			has = strings.Contains(text, word+":")
		case kind == "function":
			has = strings.Contains(text, word+"(")
		case kind == "escape":
			has = strings.Contains(text, word)
		case kind != "syntax":
		case word == "beyond ASCII":
			has = strings.IndexFunc(text, func(r rune) bool { return r > 0x7f }) >= 0
		case word == "field:(":
			has = strings.Contains(text, ":(")
		case len(word) == 3 && word[1] == ' ':
			low, high := strings.IndexByte(text, word[0]), strings.LastIndexByte(text, word[2])
			has = low >= 0 && low < high && strings.Contains(text[low:high], " TO ")
		default:
			has = strings.Contains(text, word)
		}
		if has {
			c.cases[key]++
		}
	}
}

// check fails for each construct that no case has.
func (c *coverage) check(t *testing.T) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(c.cases)) {
		if c.cases[key] == 0 {
			t.Errorf("no case has %s", key)
		}
	}
	t.Logf("%d constructs: %v", len(c.cases), c.cases)
}
