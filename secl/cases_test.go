package secl_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nightjar/secl"
	"nightjar/secl/secltest"
	"nightjar/testenv"
)

// TestSECLCasesHold evaluates each expression of testdata for its file's events, or
// compares the mistakes and their places. The same files are asked of stored events by
// the test beside the SQL.
func TestSECLCasesHold(t *testing.T) {
	covered := newCoverage(t)
	checked := 0
	for _, f := range testenv.ReadCases(t, "testdata/*.txtar", "matches", "error", "unstored") {
		t.Run(f.Name, func(t *testing.T) {
			w, err := secltest.New(f.Lines(t, "events"), f.Lines(t, "macros"), f.Lines(t, "vars"))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range f.Cases {
				checked++
				rule, err := secl.Check(c.Text, w.Env)
				covered.see(c.Text, err)
				if err != nil || c.Has("error") {
					if got := fmt.Sprint(err); got != c.Said("error") {
						t.Errorf("%s: %.200s\ngot  %s\nwant %s", c.Where, c.Text, got, c.Said("error"))
					}
					continue
				}
				got := w.Matches(rule)
				slices.Sort(got)
				if want := c.Names("matches"); !slices.Equal(got, want) {
					t.Errorf("%s: %.200s\nmatches %v\nwant    %v", c.Where, c.Text, got, want)
				}
				checkFormat(t, c, rule, w)
			}
		})
	}
	if covered.check(t); checked < 300 {
		t.Errorf("only %d cases", checked)
	}
}

// checkFormat holds that the written form of the tree is another text of the same rule.
func checkFormat(t *testing.T, c testenv.Case, rule *secl.Rule, w *secltest.World) {
	t.Helper()
	text := secl.Format(rule.Tree)
	again, err := secl.Check(text, w.Env)
	if err != nil {
		t.Errorf("%s: %.200s is written %s: %v", c.Where, c.Text, text, err)
	} else if got := secl.Format(again.Tree); got != text || !slices.Equal(w.Matches(again), w.Matches(rule)) {
		t.Errorf("%s: %.200s is written %s, and that %s", c.Where, c.Text, text, got)
	}
}

// constructs are the parts of the language that each need a case, and how a text shows
// that it has one.
var constructs = map[string]string{
	"==": `[\w"\]})] == `, "!=": ` != `, "<": ` < `, "<=": ` <= `, ">": ` > `, ">=": ` >= `, "=~": ` =~ `, "!~": ` !~ `,
	"in list": ` in \[`, "not in": ` not in `, "allin": ` allin `, "in name": ` in [A-Za-z]`, "in network": ` in [0-9:]`, "in variable": ` in \$\{`, "in reference": ` in %\{`,
	"&&": ` && `, "||": ` \|\| `, "and": ` and `, "or": ` or `, "!": `![\w(]`, "not": `\bnot [^i]`,
	"minus": `(^|[( ])- ?[\w(]`, "^ before": `(^|[( ])\^[\w(]`, "+": ` \+ `, "-": ` - `, "&": ` & `, "|": ` \| `, "^ between": ` \^ `,
	"integer": ` \d+\b`, "negative": ` -\d`, "octal": ` 0\d`, "text": ` "`, "pattern": `~"`, "regexp": `r"`, "address": `\d+\.\d+\.\d+\.\d+`, "network": `/\d`, "IPv6": `\w*::`,
	"ms": `\dms`, "s": `\ds\b`, "m": `\dm\b`, "h": `\dh\b`,
	"variable": `\$\{\w`, "reference": `%\{\w`, "variable in a text": `"[^"]*\$\{`, "reference in a text": `"[^"]*%\{`,
	"index": `\[\d+\]`, "register": `\[A\]`, "length": `\.length`, "root domain": `root_domain`, "flags": `args_flags`, "options": `args_options`, "rights": `\.rights`, "extension": `\.extension`,
	"# comment": `#`, "// comment": `// `, "true": `\btrue\b`, "false": `\bfalse\b`, "line": `\n`,
	"O_": `\bO_`, "S_I": `\bS_I`, "CAP_": `\bCAP_`, "SIG": `\bSIG[A-Z]`, "PTRACE_": `\bPTRACE_`, "PROT_": `\bPROT_`, "MAP_": `\bMAP_`, "errors": `\bE[A-Z]+\b`, "AF_": `\bAF_`, "IP_PROTO_": `\bIP_PROTO_`, "BPF_": `\bBPF_`, "DNS": ` A\b`, "AUDIT": `AUDIT_AUID_UNSET`,
	"**": `\*\*`, "set literal of addresses": `in \[ ?\d+\.`,
}

// coverage counts the cases of each construct, and of each mistake that the parser, the
// lexer and the checker can tell, which are read from their source.
type coverage struct {
	shown    map[string]*regexp.Regexp
	mistakes []string
	cases    map[string]int
}

func newCoverage(t *testing.T) *coverage {
	t.Helper()
	c := &coverage{shown: map[string]*regexp.Regexp{}, cases: map[string]int{}}
	for name, expr := range constructs {
		c.shown[name] = regexp.MustCompile(expr)
	}
	found := map[string]bool{}
	for _, name := range []string{"parse.go", "lex.go", "check.go", "check_compare.go", "glob.go", "value.go", filepath.Join("event", "model.go")} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				for _, m := range saidBy(call) {
					found[m] = true
				}
			}
			return true
		})
	}
	for _, m := range []string{"no check for", "no expression", "parts, with those of its macros"} {
		delete(found, m) // the first two tell of a mistake of ours, the third has a test of its own
	}
	if c.mistakes = slices.Sorted(maps.Keys(found)); len(c.mistakes) < 40 {
		t.Errorf("found only %d mistakes that can be told: %q", len(c.mistakes), c.mistakes)
	}
	return c
}

// saidBy is the longest fixed part of a message, where the call tells a mistake.
func saidBy(call *ast.CallExpr) []string {
	at := -1
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		switch at = -1; f.Sel.Name {
		case "fail":
			at = 2
		case "syntax":
			at = 1
		case "New", "Errorf", "Sprintf":
			at = 0
		}
	}
	if at < 0 || at >= len(call.Args) {
		return nil
	}
	literal, ok := call.Args[at].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return nil
	}
	text, _ := strconv.Unquote(literal.Value)
	longest := ""
	for _, part := range verb.Split(text, -1) {
		if len(part) > len(longest) {
			longest = part
		}
	}
	if longest = strings.TrimSpace(longest); strings.Count(longest, " ") < 1 {
		return nil
	}
	return []string{longest}
}

var verb = regexp.MustCompile(`%%?[\w%]`)

func (c *coverage) see(text string, err error) {
	for name, shown := range c.shown {
		if err == nil && shown.MatchString(text) {
			c.cases[name]++
		}
	}
	for _, m := range c.mistakes {
		if err != nil && strings.Contains(err.Error(), m) {
			c.cases[m]++
		}
	}
}

func (c *coverage) check(t *testing.T) {
	t.Helper()
	for _, name := range append(slices.Sorted(maps.Keys(c.shown)), c.mistakes...) {
		if c.cases[name] == 0 {
			t.Errorf("no case has %s", name)
		}
	}
}
