package terraform

import (
	"time"

	"nightjar/configuration"
	"nightjar/schema"
)

// Resource is an object as Terraform.
type Resource struct{ Kind, ID, Name, Text string }

// Rule is a rule as Terraform; id names it where its kind has no name.
func Rule(r *schema.Rule, id string) Resource {
	return Resource{ruleKind(r), id, r.Name, RuleText(r)}
}

// Suppression is a suppression as Terraform; id names it where its kind has no name.
func Suppression(p *schema.Suppression, id string) Resource {
	const kind = "datadog_security_monitoring_suppression"
	date := func(m *schema.Millis) string {
		if m == nil {
			return ""
		}
		return m.Time().Format(time.RFC3339)
	}
	var t writer
	t.resource(kind, p.Name, func() {
		t.text("name", p.Name)
		t.givenText("description", p.Description)
		t.flag("enabled", p.Enabled)
		t.givenText("start_date", date(p.StartDate))
		t.givenText("expiration_date", date(p.ExpirationDate))
		t.text("rule_query", p.RuleQuery)
		t.givenText("suppression_query", p.SuppressionQuery)
		t.givenText("data_exclusion_query", p.DataExclusionQuery)
		t.list("tags", p.Tags)
	})
	return Resource{kind, id, p.Name, t.out.String()}
}

// CriticalAsset is a critical asset as Terraform; id names it where its kind has no name.
func CriticalAsset(a *configuration.CriticalAsset, id string) Resource {
	const kind = "datadog_security_monitoring_critical_asset"
	var t writer
	t.resource(kind, id, func() {
		t.flag("enabled", a.Enabled)
		t.text("query", a.Query)
		t.text("rule_query", a.RuleQuery)
		t.text("severity", a.Severity)
		t.givenText("description", a.Description)
		t.list("tags", a.Tags)
	})
	return Resource{kind, id, "", t.out.String()}
}

// SecurityFilter is a security filter as Terraform; id names it where its kind has no name.
func SecurityFilter(f *configuration.SecurityFilter, id string) Resource {
	const kind = "datadog_security_monitoring_filter"
	var t writer
	t.resource(kind, f.Name, func() {
		t.text("name", f.Name)
		t.text("query", f.Query)
		t.flag("is_enabled", f.IsEnabled)
		t.text("filtered_data_type", f.DataType)
		for _, x := range f.Exclusions {
			t.block("exclusion_filter", func() {
				t.text("name", x.Name)
				t.text("query", x.Query)
			})
		}
	})
	return Resource{kind, id, f.Name, t.out.String()}
}
