package respond

import (
	"cmp"
	"fmt"
	"strings"

	"nightjar/secl"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// Outlook says what an agent will do with an action of a rule when the rule matches, and
// what it then can't do any more. What a host's kernel denies before it happens is said by
// agent/deny.
func Outlook(r *ruleset.Rule, a *policy.Action) string {
	out := outlookOf(r, a)
	if a.When != nil {
		out = "only where " + strings.Join(strings.Fields(secl.Format(a.When.Tree)), " ") + ": " + out
	}
	if a.ActionDef.Disabled {
		out = "nothing, it is disabled (" + out + ")"
	}
	return out
}

func outlookOf(r *ruleset.Rule, a *policy.Action) string {
	switch {
	case a.Kill != nil:
		return killOutlook(r, a)
	case a.Hash != nil:
		limit := "the agent's limit"
		if a.Hash.MaxFileSize > 0 {
			limit = fmt.Sprintf("%d bytes", a.Hash.MaxFileSize)
		}
		return fmt.Sprintf("MD5, SHA-1 and SHA-256 of %s are put into the event, if it is not larger than %s", a.File, limit)
	case a.CoreDump != nil:
		return "the memory of the process is written to the agent's state folder" + map[bool]string{true: ", uncompressed"}[a.CoreDump.NoCompression]
	case a.NetworkFilter != nil:
		return fmt.Sprintf("in a blocking policy, packets that match %q of the %s are dropped until the server ends it", a.NetworkFilter.Filter, cmp.Or(a.NetworkFilter.Scope, ScopeProcess))
	case a.Log != nil:
		return "a line is written to the agent's log, level " + a.Log.Level
	}
	return "the variable " + a.Variable.FullName() + " is set" + lifetime(a.ActionDef.Set)
}

func lifetime(s *policy.SetDef) string {
	if s.TTL > 0 {
		return " for " + s.TTL.String()
	}
	return ""
}

// killOutlook says by which mechanism a rule kills, and what has happened by then.
func killOutlook(r *ruleset.Rule, a *policy.Action) string {
	scope := cmp.Or(a.Kill.Scope, ScopeProcess)
	whom := "the process"
	if scope != ScopeProcess {
		whom = "every process of its " + scope
	}
	out := fmt.Sprintf("in a blocking policy, %s is sent to %s", a.Kill.Signal, whom)
	byKernel := false
	if k, texts := wouldAtExec(r); k == a.Kill && len(texts) > 0 {
		byKernel = true
		out += fmt.Sprintf(", by the kernel before the first instruction of a program that is %s", shortList(texts))
	}
	switch {
	case byKernel:
	case r.Event() == "exec":
		out += ", by the agent a moment after the program has begun"
	case r.Event() == "exit":
		out += ", too late: the process has ended"
	default:
		out += fmt.Sprintf(", by the agent a moment after the %s was done", r.Event())
	}
	return out + "; protected processes are spared" + disarmerOutlook(a.Kill)
}

// disarmerOutlook says when the disarmer stops the action.
func disarmerOutlook(k *policy.KillDef) string {
	of := "of one executable or in one container"
	switch {
	case k.NoContainerDisarmer && k.NoExecutableDisarmer:
		return ", and nothing stops the rule however much it kills"
	case k.NoContainerDisarmer:
		of = "of one executable"
	case k.NoExecutableDisarmer:
		of = "in one container"
	}
	return fmt.Sprintf(", and the rule is stopped after %d kills %s within %s", DefaultLimits.Kills, of, DefaultLimits.Window)
}

func shortList(texts []string) string {
	const most = 4
	if len(texts) > most {
		return strings.Join(texts[:most], ", ") + fmt.Sprintf(" or one of %d others", len(texts)-most)
	}
	return strings.Join(texts, " or ")
}
