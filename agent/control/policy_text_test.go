package control

import (
	"testing"

	"nightjar/configuration"
	"nightjar/objects"
)

func TestPolicyFilesHaveTheEnabledRules(t *testing.T) {
	on := configuration.AgentRule{Name: "on", Expression: "exec.file.name == \"sh\"", Enabled: true, Actions: []configuration.AgentAction{
		{Set: &configuration.SetAction{Name: "x", Value: true, Scope: "process"}}, {Hash: &configuration.HashAction{}, Disabled: true},
	}}
	text, err := (&Defaults{}).PolicyText([]objects.Versioned[configuration.AgentRule]{{Version: 3, Body: on}, {Body: configuration.AgentRule{Name: "off", Expression: "x"}}})
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
