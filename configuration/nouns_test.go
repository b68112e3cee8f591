package configuration

import (
	"errors"
	"strings"
	"testing"
)

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
		"hostTagsLists[0]: name at least one tag": (&AgentPolicy{Name: "n", HostTags: [][]string{{}}}).Check(),
		"template: the template is no JSON":       NotificationTargets.Check(&NotificationTarget{Name: "n", Type: "webhook", URL: "https://a.example", Template: `{"a":{{title}}}`}),
		"template: the template names {{titel}}":  NotificationTargets.Check(&NotificationTarget{Name: "n", Type: "webhook", URL: "https://a.example", Template: `{"a":["{{ titel }}"]}`}),
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
