package compiler

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"nightjar/schema"
)

// TestADearRuleIsWarnedAbout compares rules of many terms, of which those are dear
// that are asked one by one.
func TestADearRuleIsWarnedAbout(t *testing.T) {
	for form, dear := range map[string]bool{
		"word%d": false, "*part%d*": false, "@a:x%d": false, "@a:*x%d?y": false, "*:w%d": false,
		`REGEX(@a, "x%d")`: true, "ANY(@a, @b:x%d)": true,
	} {
		parts := make([]string, 200)
		for i := range parts {
			parts[i] = fmt.Sprintf(form, i)
		}
		warnings := warningsOf(t, strings.Join(parts, " OR "))
		if got := strings.Contains(strings.Join(warnings, "\n"), "by estimate"); got != dear {
			t.Errorf("%s: dear %t, want %t: %q", form, got, dear, warnings)
		}
	}
}

// TestAnExpressionIsAsDearAsItsProgram compares three expressions of few instructions
// with three of many.
func TestAnExpressionIsAsDearAsItsProgram(t *testing.T) {
	for expr, dear := range map[string]bool{"[a-z]+[0-9]": false, "([a-z]+ ){150}[0-9]": true} {
		parts := make([]string, 3)
		for i := range parts {
			parts[i] = fmt.Sprintf(`REGEX(@a, "%s%d")`, expr, i)
		}
		warnings := warningsOf(t, strings.Join(parts, " OR "))
		if got := strings.Contains(strings.Join(warnings, "\n"), "by estimate"); got != dear {
			t.Errorf("%s: dear %t, want %t: %q", expr, got, dear, warnings)
		}
	}
}

// warningsOf compiles a rule of one query.
func warningsOf(t *testing.T, query string) []string {
	t.Helper()
	text := fmt.Sprintf(`{"name":"r","type":"log_detection","isEnabled":true,"message":"m","queries":[{"name":"a","query":%s,"aggregation":"count"}],
		"cases":[{"status":"low","condition":"a > 0"}],"options":{"detectionMethod":"threshold","evaluationWindow":300,"keepAlive":300,"maxSignalDuration":300}}`,
		schema.QuoteJSON(query))
	var rule schema.Rule
	if err := json.Unmarshal([]byte(text), &rule); err != nil {
		t.Fatal(err)
	}
	_, warnings, err := Compile(rule)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return warnings
}
