package terraform

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"nightjar/api/ruledoc"
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
		ruledoc.Complete(&r)
		readTerraform(t, &r)
	}
}

func TestTerraformKeepsHostileTexts(t *testing.T) {
	r := schema.Rule{Name: `7 "quoted" ${file("/etc/passwd")} %{if true}`, Message: "a\n\"b\"\\ \u2028 ${x} $${y}\t", Tags: []string{`a:${b}`}}
	ruledoc.Complete(&r)
	readTerraform(t, &r)
}

// What a rule finds is not lost where the provider's blocks have no option for it.
func TestTerraformKeepsOptionsThatTheProviderHasNot(t *testing.T) {
	yes, seconds := true, int64(7)
	for option, r := range map[string]schema.Rule{
		`"caseInsensitive":true`: {Name: "a", Options: schema.RuleOptions{CaseInsensitive: &yes}},
		`"silenceDelay":7`:       {Name: "a", Options: schema.RuleOptions{SilenceDelay: &seconds}},
		`"peerBaseline":true`:    {Name: "a", Options: schema.RuleOptions{Anomaly: &schema.AnomalyOptions{PeerBaseline: &yes}}},
	} {
		ruledoc.Complete(&r)
		readTerraform(t, &r)
		if text := RuleText(&r); !strings.Contains(strings.NewReplacer(" ", "", `\`, "").Replace(text), option) {
			t.Errorf("%s is not in %s", option, text)
		}
	}
}

// readTerraform parses the rule as Terraform and compares its name and message.
func readTerraform(t *testing.T, r *schema.Rule) {
	t.Helper()
	text := RuleText(r)
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
	if blocks[0].Labels[0] == wholeResource {
		v, problems := blocks[0].Body.Attributes["rule"].Expr.Value(nil)
		var back schema.Rule
		if problems.HasErrors() || schema.Read([]byte(v.AsString()), &back) != nil || back.Name != r.Name || back.Message != r.Message {
			t.Errorf("%s reads back as %+v (%v)", r.Name, back, problems)
		}
		return
	}
	for name, want := range map[string]string{"name": r.Name, "message": r.Message} {
		v, problems := blocks[0].Body.Attributes[name].Expr.Value(nil)
		if problems.HasErrors() || v.AsString() != want {
			t.Errorf("%s: %s is %q (%v), want %q", r.Name, name, v, problems, want)
		}
	}
}

// What the blocks of the provider's resource have no place for goes whole, and
// what they have a place for is where they read it.
func TestTerraformIsWhatTheProviderReads(t *testing.T) {
	rule := func(edit func(*schema.Rule)) *schema.Rule {
		r := &schema.Rule{Name: "r", Message: "m", Queries: []schema.RuleQuery{{Query: "*"}}, Cases: []schema.RuleCase{{Status: "low", Condition: "a > 0"}}}
		edit(r)
		ruledoc.Complete(r)
		return r
	}
	for _, c := range []struct {
		rule     *schema.Rule
		has, not string
	}{
		{rule(func(r *schema.Rule) { r.Cases[0].CustomStatus = "high" }), wholeResource, "custom_status"},
		{rule(func(r *schema.Rule) {
			r.Cases[0].Actions = []byte(`[{"type":"flag_ip","options":{"flaggedIPType":"FLAGGED"}}]`)
		}), `\"flaggedIPType\": \"FLAGGED\"`, "flagged_ip_type"},
		{rule(func(r *schema.Rule) {
			r.Cases[0].Actions = []byte(`[{"type":"block_ip","options":{"duration":900}},{"type":"block_user","options":{}},{"type":"block_user"}]`)
		}), "action {\n\t\t\ttype = \"block_ip\"\n\t\t\toptions {\n\t\t\t\tduration = 900\n\t\t\t}\n\t\t}\n\t\taction {\n\t\t\ttype = \"block_user\"\n\t\t}\n\t\taction {\n\t\t\ttype = \"block_user\"\n\t\t}\n", "options {\n\t\t\t}"},
		{rule(func(r *schema.Rule) {
			r.Type, r.Queries = "signal_correlation", []schema.RuleQuery{{DefaultRuleID: "def-000-abc"}}
		}), `rule_id = "def-000-abc"`, "default_rule_id"},
		{rule(func(r *schema.Rule) {
			r.Options.ImpossibleTravel = &schema.TravelOptions{BaselineUserLocationsDuration: new(int64(7))}
		}), "baseline_user_locations_duration = 7", wholeResource},
	} {
		if text := RuleText(c.rule); !strings.Contains(text, c.has) || strings.Contains(text, c.not) {
			t.Errorf("want %s and not %s in\n%s", c.has, c.not, text)
		}
	}
}
