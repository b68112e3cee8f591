package agent

import (
	"encoding/json"
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

// match makes a match of the event at hand.
func (a *Agent) match(rule *ruleset.Rule) Match {
	object := event.Attributes(&a.context)
	object["source"] = event.Source
	object["hostname"] = a.event.Hostname
	object["timestamp"] = a.event.Timestamp / int64(time.Millisecond)
	if a.event.Service != "" {
		object["service"] = a.event.Service
	}
	object["agent"] = a.about(rule)
	a.addToProcess(object)
	text, err := json.Marshal(object)
	if err != nil {
		// Texts and numbers always have a JSON.
		panic(err)
	}
	return Match{Rule: rule, Event: &a.event, JSON: text}
}

// about is what the agent says of the rule.
func (a *Agent) about(rule *ruleset.Rule) map[string]any {
	out := map[string]any{"rule_id": rule.ID, "os": "linux", "version": a.config.Version}
	if rule.Version != "" {
		out["rule_version"] = rule.Version
	}
	if rule.Description != "" {
		out["rule_description"] = rule.Description
	}
	if len(rule.Tags) > 0 {
		out["rule_tags"] = rule.Tags
	}
	if len(rule.From) > 0 {
		from := rule.From[len(rule.From)-1]
		out["policy_name"], out["policy_version"] = from.Name, from.Version
	}
	if held := a.account.rule(rule.ID).HeldBack; held > 0 {
		out["held_back"] = held // matches that the rule's limit did not let through, so far
	}
	if set := a.variables(); len(set) > 0 {
		out["variables"] = set
	}
	return out
}

// variables are the values of the variables that policies report.
func (a *Agent) variables() map[string]any {
	out := map[string]any{}
	for _, v := range a.rules.Vars.All() {
		if v.Private {
			continue
		}
		if value := secl.Printable(v.Value(&a.context)); value != nil {
			out[v.FullName()] = value
		}
	}
	return out
}

// addToProcess adds what no field has, and takes away what does not leave the
// host: the values of environment variables may be secrets.
func (a *Agent) addToProcess(object map[string]any) {
	p, ok := object["process"].(map[string]any)
	if !ok {
		return
	}
	delete(p, "envp")
	if parent, ok := p["parent"].(map[string]any); ok {
		delete(parent, "envp")
	}
	if folder := a.cache.Folder(a.event.Process); folder != "" {
		p["cwd"] = folder
	}
}
