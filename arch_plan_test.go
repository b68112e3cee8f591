package nightjar

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPlansAreChangedByTheirCompilerOnly reads the source: what runs a plan sets the
// fields of its BoundPlan, and none of the Plan that others run, too.
func TestPlansAreChangedByTheirCompilerOnly(t *testing.T) {
	fields := fieldsOf(t, "compiler/plan.go", "Plan")
	if len(fields) < 15 {
		t.Fatalf("compiler.Plan has the fields %v: where are the others?", fields)
	}
	for _, dir := range []string{"scheduler", "api", "cmd", "engine", "notify"} {
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, ".go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if a, ok := n.(*ast.AssignStmt); ok {
					for _, to := range a.Lhs {
						if s, ok := to.(*ast.SelectorExpr); ok && isPlan(s.X) && slices.Contains(fields, s.Sel.Name) {
							t.Errorf("%s sets plan.%s: a plan is not changed after it is made", name, s.Sel.Name)
						}
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// isPlan reports whether an expression is a plan, by its name.
func isPlan(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return strings.EqualFold(e.Name, "plan") || e.Name == "compiled"
	case *ast.SelectorExpr:
		return strings.EqualFold(e.Sel.Name, "plan")
	}
	return false
}

// fieldsOf are the names of a struct's fields.
func fieldsOf(t *testing.T, file, name string) (fields []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == name {
			for _, f := range spec.Type.(*ast.StructType).Fields.List {
				for _, id := range f.Names {
					fields = append(fields, id.Name)
				}
			}
		}
		return true
	})
	return fields
}
