package sqlguard

import (
	"strings"
	"testing"
)

// TestNamesOfAnotherSchemaAreColumns has names in the places where they are names, and
// where they are none.
func TestNamesOfAnotherSchemaAreColumns(t *testing.T) {
	for _, c := range []struct{ schema, query, want string }{
		{"ecs", "SELECT @source.ip, count() FROM events WHERE @host.name='a' GROUP BY @source.ip", "SELECT attributes.network.client.ip, count() FROM events WHERE host='a' GROUP BY attributes.network.client.ip"},
		{"ocsf", "SELECT max(@src_endpoint.port)+1", "SELECT max(attributes.network.client.port)+1"},
		{"ecs", "SELECT @@timestamp, @timestamp", "SELECT timestamp, timestamp"},
		{"ecs", "SELECT '@source.ip', \"@source.ip\", `@x` -- @source.ip\n/* @source.ip */, 1", "SELECT '@source.ip', \"@source.ip\", `@x` -- @source.ip\n/* @source.ip */, 1"},
		{"ecs", "SELECT 'é', @source.ip.:String", "SELECT 'é', attributes.network.client.ip.:String"},
		{"", "SELECT @source.ip", "SELECT @source.ip"},
	} {
		if got, err := WithNames(c.query, c.schema); err != nil || got != c.want {
			t.Errorf("%s\n got %s, %v\nwant %s", c.query, got, err, c.want)
		}
	}
	for _, c := range []struct{ schema, query, says string }{
		{"ecs", "SELECT 1,\n  @sorce.ip", `2:3: no attribute is known by the name "sorce.ip" in ECS; did you mean "source.ip"?`},
		{"ecs", "SELECT @ source", "no attribute"},
		{"ecs", "SELECT 'a", "has no end"},
		{"cim", "SELECT 1", "want ecs or ocsf"},
	} {
		if got, err := WithNames(c.query, c.schema); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %s, %v", c.query, got, err)
		}
	}
}

// FuzzNamedSQL has any text: what comes of it holds nothing new but the table's columns.
func FuzzNamedSQL(f *testing.F) {
	f.Add("SELECT @source.ip, '@x' FROM events -- @")
	f.Add("@@timestamp.@@")
	f.Fuzz(func(t *testing.T, query string) {
		got, err := WithNames(query, "ecs")
		if err == nil && !strings.Contains(query, "@") && got != query {
			t.Errorf("%q became %q", query, got)
		}
	})
}
