package configuration

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"nightjar/scheduler"
	"nightjar/schema"
)

// table is the objects table, in memory.
type table struct {
	rows []scheduler.Object
	fail error
}

func (t *table) All(_ context.Context, kind string) (out []scheduler.Object, err error) {
	for _, o := range t.rows {
		if o.Kind == kind {
			out = append(out, o)
		}
	}
	return out, t.fail
}

func (t *table) Append(_ context.Context, o scheduler.Object) error {
	if t.fail == nil {
		t.rows = append(t.rows, o)
	}
	return t.fail
}

func clock() func() time.Time {
	at := time.UnixMilli(1_000)
	return func() time.Time { at = at.Add(time.Second); return at }
}

func filter(name string) SecurityFilter {
	return SecurityFilter{Name: name, Query: "*", IsEnabled: true, Exclusions: []ExclusionFilter{}}
}

func TestARestartFindsWhatWasThere(t *testing.T) {
	ctx, rows := t.Context(), &table{}
	s := New(SecurityFilters, rows, clock())
	one, err := s.Create(ctx, filter("one"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.Create(ctx, filter("two"))
	if err != nil {
		t.Fatal(err)
	}
	rename := func(f *SecurityFilter) error { f.Name = "renamed"; return nil }
	if _, err := s.Update(ctx, one.ID, 1, rename); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(ctx, SecurityFilters.BuiltIn[0].ID, 0, func(f *SecurityFilter) error { f.IsEnabled = false; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, two.ID); err != nil {
		t.Fatal(err)
	}
	again := New(SecurityFilters, rows, clock())
	if err := again.Load(ctx); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func(*Store[SecurityFilter]) (any, error){
		"list": func(s *Store[SecurityFilter]) (any, error) { return s.List(ctx) },
		"log":  func(s *Store[SecurityFilter]) (any, error) { return s.Log(ctx) },
	} {
		want, err := read(s)
		got, errAgain := read(again)
		if err != nil || errAgain != nil || !reflect.DeepEqual(want, got) {
			t.Errorf("%s after a restart:\n%v\nbefore:\n%v", name, got, want)
		}
	}
	all, _ := again.List(ctx)
	if len(all) != 2 || !all[0].BuiltIn || all[0].Body.IsEnabled || all[1].Body.Name != "renamed" || all[1].Version != 2 || all[1].CreatedAt >= all[1].UpdatedAt {
		t.Errorf("list: %+v", all)
	}
}

func TestUpdatesAreRefusedWithoutATrace(t *testing.T) {
	ctx, rows := t.Context(), &table{}
	s := New(SecurityFilters, rows, clock())
	v, err := s.Create(ctx, filter("one"))
	if err != nil {
		t.Fatal(err)
	}
	var conflict *schema.Conflict
	var invalid *schema.Invalid
	var missing *schema.NotFound
	keep := func(*SecurityFilter) error { return nil }
	if _, err := s.Update(ctx, v.ID, 7, keep); !errors.As(err, &conflict) || conflict.Have != 1 {
		t.Errorf("another version: %v", err)
	}
	if _, err := s.Update(ctx, v.ID, 0, func(f *SecurityFilter) error {
		f.Exclusions = append(f.Exclusions, ExclusionFilter{Name: "x", Query: "("})
		return nil
	}); !errors.As(err, &invalid) || invalid.Details[0].Target != "exclusion_filters[0].query" {
		t.Errorf("a broken query: %v", err)
	}
	if _, err := s.Update(ctx, "abc-def-ghi", 0, keep); !errors.As(err, &missing) {
		t.Errorf("an unknown id: %v", err)
	}
	if err := s.Delete(ctx, SecurityFilters.BuiltIn[0].ID); !errors.As(err, &invalid) {
		t.Errorf("the built-in one: %v", err)
	}
	rows.fail = errors.New("disk full")
	if _, err := s.Update(ctx, v.ID, 0, func(f *SecurityFilter) error { f.Name = "lost"; return nil }); !errors.Is(err, rows.fail) {
		t.Errorf("a store that fails: %v", err)
	}
	if got, err := s.Get(ctx, v.ID); err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("after all that: %+v, %v; want %+v", got, err, v)
	}
}

func TestWhatIsWrongIsSaidWithItsPlace(t *testing.T) {
	reject := func(string) error { return errors.New("bool expected") }
	agentRules := AgentRules(reject)
	for want, err := range map[string]error{
		"severity: want one of":                   CriticalAssets.Check(&CriticalAsset{Query: "*", RuleQuery: "*", Severity: "huge"}),
		"rule_query: ":                            CriticalAssets.Check(&CriticalAsset{Query: "*", RuleQuery: "a:(", Severity: "low"}),
		"targets[0]: \"@\" is no handle":          (&NotificationRule{Name: "n", Targets: []string{"@", "me", "slack-soc"}, Selectors: Selectors{TriggerSource: "security_signals"}}).Check(),
		"selectors.trigger_source: want one of":   (&NotificationRule{Name: "n", Targets: []string{"@me"}}).Check(),
		"expression: rule `n` error: bool expect": agentRules.Check(&AgentRule{Name: "n", Expression: "x"}),
		"actions[0].kill.signal: want a name":     agentRules.Check(&AgentRule{Actions: []AgentAction{{Kill: &KillAction{Signal: "9"}}}}),
		"hostTagsLists[0]: name at least one tag": AgentPolicies.Check(&AgentPolicy{Name: "n", HostTags: [][]string{{}}}),
		"filtered_data_type: want one of logs":    SecurityFilters.Check(&SecurityFilter{Name: "n", Query: "*", DataType: "metrics"}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestCategoriesAreThoseOfTheEvent(t *testing.T) {
	for expression, want := range map[string]string{
		`exec.file.name == "open.file"`:                           "Process Activity",
		`open.file.path == "/etc/passwd" && process.uid == 0`:     "File Activity",
		`process.file.name == "exec." && dns.question.name != ""`: "Network Activity",
		"(load_module.name == `x`)":                               "Kernel Activity",
		`process.file.name == "sh"`:                               "Process Activity",
	} {
		if got := (&AgentRule{Expression: expression}).Category(); got != want {
			t.Errorf("%s is %s, want %s", expression, got, want)
		}
	}
}

func TestPolicyFilesHaveTheEnabledRules(t *testing.T) {
	on := AgentRule{Name: "on", Expression: "exec.file.name == \"sh\"", Enabled: true, Actions: []AgentAction{
		{Set: &SetAction{Name: "x", Value: true, Scope: "process"}}, {Hash: &HashAction{}, Disabled: true},
	}}
	text, err := PolicyFile([]Versioned[AgentRule]{{Version: 3, Body: on}, {Body: AgentRule{Name: "off", Expression: "x"}}})
	want := `version: 1.0.0
type: policy
rules:
    - id: "on"
      version: "3"
      expression: exec.file.name == "sh"
      filters:
        - os == "linux"
      actions:
        - set:
            name: x
            value: true
            scope: process
`
	if err != nil || string(text) != want {
		t.Errorf("got\n%s\nwant\n%s(%v)", text, want, err)
	}
}
