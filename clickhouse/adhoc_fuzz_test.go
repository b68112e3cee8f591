package clickhouse

import (
	"strings"
	"testing"
)

// Whatever a node of a parsed query looks like, a function that is not listed is not
// let through, whatever its name's case and what it ends with.
func FuzzAdHocNodes(f *testing.F) {
	for _, seed := range []string{"Function file (children 1)", " Function lower", "Identifier a.b (alias c)", "ExpressionList (children 2)", "Function arrayMap (children 1)", "", " ", "Function", "TableIdentifier system.tables"} {
		f.Add(seed, "fileIf")
	}
	f.Fuzz(func(t *testing.T, line, name string) {
		var check adHocCheck
		err := check.node(line)
		if fields := strings.Fields(line); err == nil && (len(fields) == 0 || !allowedNodes[fields[0]]) {
			t.Errorf("%q is let through", line)
		}
		for _, reader := range []string{"file", "url", "remote", "dictGet", "hostName", "getSetting", "joinGet", "executable", "s3"} {
			if strings.HasPrefix(strings.ToLower(name), strings.ToLower(reader)) && !strings.ContainsAny(name, " (") && check.node("Function "+name) == nil && !allowedFunctions[strings.ToLower(name)] {
				t.Errorf("the function %q is let through", name)
			}
		}
	})
}
