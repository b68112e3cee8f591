package compiler

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nightjar/schema"
)

// TestAMethodIsKnownInItsOwnFile reads the package's source: each method has one file,
// and no other file names it.
func TestAMethodIsKnownInItsOwnFile(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string][]string{} // methods by file
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "schema" && strings.HasPrefix(s.Sel.Name, "Method") && s.Sel.Name != "Methods" && s.Sel.Name != "Method" {
				if !slices.Contains(named[name], s.Sel.Name) {
					named[name] = append(named[name], s.Sel.Name)
				}
			}
			return true
		})
	}
	seen := map[string]bool{}
	for name, methods := range named {
		if !strings.HasPrefix(name, "method_") || len(methods) != 1 {
			t.Errorf("%s names %v: a method is known in its file method_….go only", name, methods)
		}
		if seen[methods[0]] {
			t.Errorf("%s is named in two files", methods[0])
		}
		seen[methods[0]] = true
	}
	if len(seen) != len(methods) {
		t.Errorf("%d methods have a file, %d are evaluated", len(seen), len(methods))
	}
}

// TestEveryMethodIsCompiledToItsOwn gives each method a rule that is all wrong: it is
// refused, by the method that the rule names, and no method fails at it.
func TestEveryMethodIsCompiledToItsOwn(t *testing.T) {
	for _, name := range Methods() {
		if !name.Known() || methodOf(name).about().name != name {
			t.Errorf("%s is not in the API", name)
		}
		plan, _, err := Compile(schema.Rule{Options: schema.RuleOptions{DetectionMethod: name}})
		if err == nil || plan.Method != name {
			t.Errorf("%s: an empty rule is compiled as %s: %v", name, plan.Method, err)
		}
	}
	for _, name := range schema.Methods {
		rule := schema.Rule{Options: schema.RuleOptions{DetectionMethod: name}}
		if plan, _, _ := Compile(rule); (plan.Unsupported == "") != evaluated(name) {
			t.Errorf("%s: evaluated %v, unsupported %q", name, evaluated(name), plan.Unsupported)
		}
	}
}
