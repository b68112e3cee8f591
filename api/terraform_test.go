package api

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"nightjar/schema"
	"nightjar/testenv"
)

// Real rules become Terraform that HCL's parser reads, with the texts they had.
func TestTerraformIsReadByItsParser(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testenv.Shared(t, "conformance/rules"), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var r schema.Rule
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		complete(&r)
		readTerraform(t, &r)
	}
}

func TestTerraformKeepsHostileTexts(t *testing.T) {
	r := schema.Rule{Name: `7 "quoted" ${file("/etc/passwd")} %{if true}`, Message: "a\n\"b\"\\ \u2028 ${x} $${y}\t", Tags: []string{`a:${b}`}}
	complete(&r)
	readTerraform(t, &r)
}

// readTerraform parses the rule as Terraform and compares its name and message.
func readTerraform(t *testing.T, r *schema.Rule) {
	t.Helper()
	text := terraformRule(r)
	file, problems := hclsyntax.ParseConfig([]byte(text), "rule.tf", hcl.InitialPos)
	if problems.HasErrors() {
		t.Errorf("%s: %v\n%s", r.Name, problems, text)
		return
	}
	blocks := file.Body.(*hclsyntax.Body).Blocks
	if len(blocks) != 1 || len(blocks[0].Labels) != 2 || strings.ContainsAny(blocks[0].Labels[1], ` "$`) {
		t.Errorf("%s: want one resource, got %v", r.Name, blocks)
		return
	}
	for name, want := range map[string]string{"name": r.Name, "message": r.Message} {
		v, problems := blocks[0].Body.Attributes[name].Expr.Value(nil)
		if problems.HasErrors() || v.AsString() != want {
			t.Errorf("%s: %s is %q (%v), want %q", r.Name, name, v, problems, want)
		}
	}
}
