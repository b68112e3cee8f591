package agent

import (
	"encoding/json"
	"strconv"
	"time"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/ruleset"
)

// Sink takes what the agent finds. Its methods are called from the goroutine that
// reads the kernel's ring, and must not wait for anything: what has no room, a
// sink drops, and says so with Dropped.
type Sink interface {
	// Match takes one match.
	Match(Match)
	// Report takes the account so far, every Config.Report and at the end.
	Report(Report)
	// Dropped tells how many matches the sink had no room for.
	Dropped() uint64
}

// Recorder is a Sink that wants to see every event, whether a rule matches or not.
// The event is lent for the call.
type Recorder interface {
	Event(*event.Event)
}

// Match is a rule and the event it matched.
type Match struct {
	Rule *ruleset.Rule
	// Event is lent for the call.
	Event *event.Event
	// JSON is the event as it is stored: one object, without a newline. The sink
	// may keep it.
	JSON []byte
}

// json is the event at hand as it is stored, and where in it more can be said by the
// agent: before the brace that closes the object "agent".
func (a *Agent) json(rule *ruleset.Rule) (text []byte, agentEnds int) {
	dst := append(make([]byte, 0, len(a.scratch)), `{"timestamp":`...)
	dst = strconv.AppendInt(dst, a.event.Timestamp/int64(time.Millisecond), 10)
	dst = append(append(dst, `,"source":`...), `"`+event.Source+`"`...)
	dst = event.AppendString(append(dst, `,"hostname":`...), a.event.Hostname)
	if a.event.Service != "" {
		dst = event.AppendString(append(dst, `,"service":`...), a.event.Service)
	}
	dst = a.appendAbout(append(dst, `,"agent":`...), rule)
	agentEnds = len(dst) - 1
	dst = append(event.AppendJSON(append(dst, ','), &a.context), '}')
	a.scratch = dst[:len(dst):len(dst)]
	return dst, agentEnds
}

// appendAbout appends what the agent says of the rule.
func (a *Agent) appendAbout(dst []byte, rule *ruleset.Rule) []byte {
	r := a.account.rule(rule.ID)
	if r.about == nil {
		r.about = a.about(rule)
	}
	dst = append(dst, r.about...)
	if p := a.event.Process; p != nil && p.Key != 0 { // with the boot's id, it tells the process from all others
		dst = strconv.AppendUint(append(dst, `,"process_start":`...), p.Key, 10)
	}
	if r.HeldBack > 0 { // matches that the rule's limit did not let through, so far
		dst = strconv.AppendUint(append(dst, `,"held_back":`...), r.HeldBack, 10)
	}
	if set := a.variables(); len(set) > 0 {
		if text, err := json.Marshal(set); err == nil {
			dst = append(append(dst, `,"variables":`...), text...)
		}
	}
	return append(dst, '}')
}

// about is what is always said of a rule: an object without its last brace.
func (a *Agent) about(rule *ruleset.Rule) []byte {
	out := map[string]any{"rule_id": rule.ID, "os": "linux"}
	set := func(name, value string) {
		if value != "" {
			out[name] = value
		}
	}
	set("boot_id", a.boot)
	set("version", a.config.Version)
	set("rule_version", rule.Version)
	set("rule_description", rule.Description)
	if len(rule.Tags) > 0 {
		out["rule_tags"] = rule.Tags
	}
	if len(rule.From) > 0 {
		from := rule.From[len(rule.From)-1]
		set("policy_name", from.Name)
		set("policy_version", from.Version)
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(err) // texts always have a JSON
	}
	return text[:len(text)-1]
}

// variables are the values of the variables that policies report.
func (a *Agent) variables() map[string]any {
	var out map[string]any
	for _, v := range a.rules.Vars.All() {
		if v.Private {
			continue
		}
		if value := secl.Printable(v.Value(&a.context)); value != nil {
			if out == nil {
				out = map[string]any{}
			}
			out[v.FullName()] = value
		}
	}
	return out
}
