package policy

import (
	"testing"

	"nightjar/secl/event"
)

// TestTheStrongestModeOfARuleCounts holds when a rule that several policies have is
// blocking: a policy that has it disabled, or another rule of the same id, has no say.
func TestTheStrongestModeOfARuleCounts(t *testing.T) {
	const (
		rule     = "rules:\n  - {id: r, expression: exec.uid == 1}\n"
		another  = "rules:\n  - {id: r, expression: exec.uid == 2}\n"
		off      = "rules:\n  - {id: r, disabled: true, expression: exec.uid == 1}\n"
		override = "rules:\n  - {id: r, combine: override, override_options: {fields: [tags]}, tags: {a: b}}\n"
	)
	for _, c := range []struct {
		name          string
		first, second string
		modes         [2]Mode
		want          Mode
	}{
		{"both monitor", rule, rule, [2]Mode{}, Monitoring},
		{"the second blocks", rule, rule, [2]Mode{Monitoring, Blocking}, Blocking},
		{"the first blocks", rule, rule, [2]Mode{Blocking, Monitoring}, Blocking},
		{"the blocking one has it disabled", off, rule, [2]Mode{Blocking, Monitoring}, Monitoring},
		{"the blocking one, second, has it disabled", rule, off, [2]Mode{Monitoring, Blocking}, Monitoring},
		{"the blocking one means something else", rule, another, [2]Mode{Monitoring, Blocking}, Monitoring},
		{"an override blocks", rule, override, [2]Mode{Monitoring, Blocking}, Blocking},
		{"an override enables what blocked", off, override, [2]Mode{Blocking, Monitoring}, Monitoring},
	} {
		t.Run(c.name, func(t *testing.T) {
			var list []*Policy
			for i, text := range []string{c.first, c.second} {
				p, problems := Read("p", []byte(text))
				if len(problems) > 0 {
					t.Fatal(problems[0])
				}
				p.Mode = c.modes[i]
				list = append(list, p)
			}
			set, err := Load(list, Options{Model: event.Model(), World: event.World{}})
			if err != nil || len(set.Rules) != 1 {
				t.Fatal(err, set)
			}
			if got := set.Rules[0].Mode; got != c.want {
				t.Errorf("the rule is %s, want %s", got, c.want)
			}
		})
	}
}
