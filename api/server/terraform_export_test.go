package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Every kind of object is written as Terraform, stored or not, alike.
func TestEveryKindIsWrittenAsTerraform(t *testing.T) {
	s := newWorld().start(t)
	const base = "/api/v2/security_monitoring/terraform/"
	rule := fmt.Sprintf(ruleNamed, "one")
	for _, c := range []struct{ kind, resource, create, attributes string }{
		{"rules", "datadog_security_monitoring_rule", rulesURL, rule},
		{"suppressions", "datadog_security_monitoring_suppression", suppressionsURL, `{"name":"n","enabled":true,"rule_query":"*","suppression_query":"a:b","start_date":1700000000000,"tags":["x"]}`},
		{"critical_assets", "datadog_security_monitoring_critical_asset", configurationURL + "/critical_assets", `{"query":"*","rule_query":"*","severity":"low","tags":[]}`},
		{"security_filters", "datadog_security_monitoring_filter", configurationURL + "/security_filters", `{"name":"n","query":"*","is_enabled":true,"filtered_data_type":"logs","exclusion_filters":[{"name":"x","query":"y"}]}`},
	} {
		body := `{"data":{"attributes":` + c.attributes + `}}`
		if c.kind == "rules" {
			body = c.attributes
		}
		_, made := call(t, s, "POST", c.create, body)
		id, _ := object(t, made)["id"].(string)
		if id == "" {
			id = idOf(t, made)
		}
		_, answer := call(t, s, "GET", base+c.kind+"/"+id, "")
		a := attributesOf(t, answer)
		output := a["output"].(string)
		if a["type_name"] != c.resource || a["resource_id"] != id || !strings.HasPrefix(output, `resource "`+c.resource+`" "`) {
			t.Errorf("%s: %s", c.kind, answer)
		}
		if _, problems := hclsyntax.ParseConfig([]byte(output), "x.tf", hcl.InitialPos); problems.HasErrors() {
			t.Errorf("%s: %v", c.kind, problems)
		}
		_, answer = call(t, s, "POST", base+c.kind+"/convert", `{"data":{"id":"`+id+`","type":"convert_resource","attributes":{"resource_json":`+c.attributes+`}}}`)
		if got := attributesOf(t, answer)["output"]; got != output {
			t.Errorf("%s: converted\n%s\nstored\n%s", c.kind, got, output)
		}
		if status, archive := call(t, s, "POST", base+c.kind+"/bulk", `{"data":{"attributes":{"resource_ids":["`+id+`"]}}}`); status != 200 || !strings.HasPrefix(archive, "PK") {
			t.Errorf("%s: bulk: %d", c.kind, status)
		}
		if status, _ := call(t, s, "GET", base+c.kind+"/000-000-000", ""); status != 404 {
			t.Errorf("%s: nothing there: %d", c.kind, status)
		}
		if status, answer := call(t, s, "POST", base+c.kind+"/convert", `{"data":{"attributes":{"resource_json":{"name":7,"query":7}}}}`); status != 400 {
			t.Errorf("%s: nonsense: %d %s", c.kind, status, answer)
		}
	}
	if status, _ := call(t, s, "GET", base+"monitors/x", ""); status != 400 {
		t.Errorf("an unknown kind: %d", status)
	}
}
