package respond

import (
	"slices"

	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// maxText is the length of the longest path that the kernel looks up.
const maxText = 255

// atExec are the kills that the kernel can do by itself for a rule, by the texts that
// decide it; the action has no condition of its own.
func atExec(r *ruleset.Rule) (*policy.KillDef, []string) {
	if r.Mode != policy.Blocking {
		return nil, nil
	}
	return wouldAtExec(r)
}

// wouldAtExec is atExec if the policy were blocking. A rule that wants the memory of the
// process has none: it must live until that is written.
func wouldAtExec(r *ruleset.Rule) (*policy.KillDef, []string) {
	if slices.ContainsFunc(r.Actions, func(a *policy.Action) bool { return a.CoreDump != nil && !a.ActionDef.Disabled }) {
		return nil, nil
	}
	for _, a := range r.Actions {
		if a.ActionDef.Kill != nil && a.When == nil && !a.ActionDef.Disabled {
			return a.ActionDef.Kill, slices.DeleteFunc(event.DecidingFiles(r.Rule.Rule, "exec"), func(text string) bool { return len(text) > maxText })
		}
	}
	return nil, nil
}
