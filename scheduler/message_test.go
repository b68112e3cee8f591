package scheduler

import (
	"strings"
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
)

// TestASignalSaysWhatItIsAbout renders a rule's texts with the signal's group,
// its events and its counts.
func TestASignalSaysWhatItIsAbout(t *testing.T) {
	t.Parallel()
	rule := schema.Rule{
		ID: "r", Name: "Brute force against {{@usr.id}}", Tags: []string{"team:red"},
		Message: "{{events_matched_per_query.a}} failures of `{{@usr.id}}` from {{@ip}} on {{host.name}} for {{team.name}} since {{first_seen}}: {{@text}}",
		Queries: []schema.RuleQuery{{Name: "a", Query: "*", Aggregation: "count", GroupByFields: []string{"@usr.id"}}},
		Cases:   []schema.RuleCase{{Name: "many {{rule_name}}", Status: "high", Condition: "a > 0"}},
	}
	compiled, _, err := compiler.Compile(rule)
	if err != nil {
		t.Fatal(err)
	}
	plan := compiled.Bind()
	sig := schema.Signal{
		Group: []string{"ro\not"}, FirstSeen: 1622469600000, LastSeen: 1622472207000, Events: 12, PerQuery: []uint64{12},
		Samples: `[{"eventId":"x","content":{"host":"web-1","service":"","status":"","message":"","tags":[],"custom":{"ip":"1.2.3.4","text":"[x](http://e) {{severity}}"}}}]`,
	}
	p, err := Render(plan, sig)
	if err != nil {
		t.Fatal(err)
	}
	want := "12 failures of `ro ot` from 1.2.3.4 on web-1 for red since Mon May 31 14:00:00 UTC 2021: \\[x\\]\\(http://e) {{severity}}"
	if p.Message != want {
		t.Errorf("got\n%s\nwant\n%s", p.Message, want)
	}
	if title := p.Attributes.Lookup("title"); len(title) != 1 || title[0].Str != "Brute force against ro ot - many {{rule_name}}" {
		t.Errorf("title %v", title)
	}
	rule.Message, rule.CustomName = "broken {{#if @usr.id}} {{", "Ours: {{@usr.id}}"
	compiled, warnings, err := compiler.Compile(rule)
	if err != nil || len(warnings) == 0 || !strings.HasPrefix(warnings[0], "message: 1:") {
		t.Errorf("a broken message is not told of: %q (%v)", warnings, err)
	}
	plan = compiled.Bind()
	if p, err = Render(plan, sig); err != nil || !strings.HasPrefix(p.Message, rule.Message) {
		t.Errorf("a broken message stops the signal: %q (%v)", p.Message, err)
	}
	if title := p.Attributes.Lookup("title"); len(title) != 1 || title[0].Str != "Ours: ro ot - many {{rule_name}}" {
		t.Errorf("title %v", title)
	}
}
