package compiler_test

import (
	"slices"
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
)

// stored are the attributes of the events of each source.
type stored map[string][]string

func (s stored) HasSource(source string) bool { return s[source] != nil }

func (s stored) HasAttribute(sources []string, path string) bool {
	for source, attributes := range s {
		if (len(sources) == 0 || slices.Contains(sources, source)) && slices.Contains(attributes, path) {
			return true
		}
	}
	return false
}

func TestARuleThatCanNeverFireIsTold(t *testing.T) {
	events := stored{"sshd": {"usr.name", "network.client.ip"}, "okta": {"evt.name", "a", "a.x"}}
	query := func(name, text string, groups ...string) schema.RuleQuery {
		return schema.RuleQuery{Name: name, Query: text, Aggregation: "count", GroupByFields: groups}
	}
	for _, c := range []struct {
		name      string
		queries   []schema.RuleQuery
		condition string
		never     bool
		unmet     []string
	}{
		{"all there", []schema.RuleQuery{query("a", "source:sshd @usr.name:x", "@network.client.ip")}, "a > 0", false, nil},
		{"an attribute of another source", []schema.RuleQuery{query("a", "source:sshd @evt.name:x")}, "a > 0", true, []string{"no event of source:sshd has @evt.name"}},
		{"of any source", []schema.RuleQuery{query("a", "@evt.name:x")}, "a > 0", false, nil},
		{"no such source", []schema.RuleQuery{query("a", "source:zeek @uid:x")}, "a > 0", true, []string{"no event has source:zeek"}},
		{"one of two sources", []schema.RuleQuery{query("a", "source:(zeek OR sshd)")}, "a > 0", false, []string{"no event has source:zeek"}},
		{"to group by", []schema.RuleQuery{query("a", "source:sshd", "@usr.id")}, "a > 0", true, []string{"no event of source:sshd has @usr.id"}},
		{"one of two ways", []schema.RuleQuery{query("a", "source:sshd (@usr.id:x OR @usr.name:x)")}, "a > 0", false, []string{"no event of source:sshd has @usr.id"}},
		{"neither way", []schema.RuleQuery{query("a", "source:sshd (@usr.id:x OR @usr.email:x)")}, "a > 0", true,
			[]string{"no event of source:sshd has @usr.id", "no event of source:sshd has @usr.email"}},
		{"what must not be", []schema.RuleQuery{query("a", "source:sshd -@usr.id:x")}, "a > 0", false, nil},
		{"elements", []schema.RuleQuery{query("a", "source:okta ANY(@a, @x:1 @y:2)")}, "a > 0", false, []string{"no event of source:okta has @a.y"}},
		{"no elements", []schema.RuleQuery{query("a", "source:okta ANY(@b, @x:1)")}, "a > 0", true, []string{"no event of source:okta has @b"}},
		{"nothing is counted", []schema.RuleQuery{query("a", "source:okta COUNT(@b) = 0")}, "a > 0", false, nil},
		{"one of two queries", []schema.RuleQuery{query("a", "source:sshd"), query("b", "source:zeek")}, "a > 0 || b > 0", false, []string{"query b: no event has source:zeek"}},
		{"both queries", []schema.RuleQuery{query("a", "source:sshd"), query("b", "source:zeek")}, "a > 0 && b > 0", true, []string{"query b: no event has source:zeek"}},
		{"the query that must find nothing", []schema.RuleQuery{query("a", "source:sshd"), query("b", "source:zeek")}, "a > 0 && b == 0", false, []string{"query b: no event has source:zeek"}},
		{"a step", []schema.RuleQuery{query("a", "source:sshd"), query("b", "source:zeek")}, "a > 0 then b > 0", true, []string{"query b: no event has source:zeek"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, _, err := compiler.Compile(schema.Rule{
				Name: c.name, Type: "log_detection", Queries: c.queries,
				Cases:   []schema.RuleCase{{Name: "c", Status: "high", Condition: c.condition}},
				Options: schema.RuleOptions{DetectionMethod: "threshold", EvaluationWindow: new(int64(300)), KeepAlive: new(int64(300)), MaxSignalDuration: new(int64(300))},
			})
			if err != nil {
				t.Fatal(err)
			}
			got := plan.Reach(events)
			var unmet []string
			for _, u := range got.Unmet {
				unmet = append(unmet, u.String())
			}
			if got.NeverFires != c.never || !slices.Equal(unmet, c.unmet) {
				t.Errorf("got never %v, %q; want %v, %q", got.NeverFires, unmet, c.never, c.unmet)
			}
		})
	}
}
