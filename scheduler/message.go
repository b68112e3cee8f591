package scheduler

import (
	"slices"
	"strings"

	"nightjar/compiler"
	"nightjar/compiler/template"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// titleAndMessage render a signal's texts. A title is one line; a message is
// Markdown, as those of rules are. A template that is broken shows as it is.
func titleAndMessage(plan *compiler.BoundPlan, sig schema.Signal, severity string, events []schema.Event) (title, message string) {
	d := template.Data{RuleName: plan.Rule.Name, CaseName: CaseName(plan, sig.Case), Severity: severity}
	if !plan.Title.Static() || !plan.Message.Static() {
		d.Events = events
		d = templateData(plan, sig, d)
	}
	title, _ = plan.Title.Render(d, template.Header)
	if o := plan.Rule.Options.ThirdParty; d.CaseName != "" && (o == nil || o.SignalTitleTemplate == "") {
		title += " - " + d.CaseName
	}
	message, _ = plan.Message.Render(d, template.Markdown)
	if back := cameBack(sig); back != "" {
		message = strings.TrimSpace(message + "\n\nIt " + back + ".")
	}
	return title, message
}

// handlesOf are whom the signal's rule names for it: its case, and its message. They are
// whom it tells, each once, in their order.
func handlesOf(plan *compiler.BoundPlan, sig schema.Signal, severity string, events []schema.Event) []string {
	rule := &plan.Rule
	out := []string{}
	add := func(handle string) {
		if handle = schema.Handle(handle); handle != "" && !slices.Contains(out, handle) {
			out = append(out, handle)
		}
	}
	for _, handle := range detect.Recipients(plan, sig.Case) {
		add(handle)
	}
	if strings.Contains(rule.Message, "@") {
		d := template.Data{RuleName: rule.Name, CaseName: CaseName(plan, sig.Case), Severity: severity, Events: events}
		for _, handle := range plan.Message.Handles(templateData(plan, sig, d)) {
			add(handle)
		}
	}
	return out
}

// templateData adds what only templates with tags ask for. A signal is created
// when it is first seen: the clock has no say in what is published.
func templateData(plan *compiler.BoundPlan, sig schema.Signal, d template.Data) template.Data {
	d.Timestamp, d.FirstSeen, d.LastSeen = sig.FirstSeen, sig.FirstSeen, sig.LastSeen
	if sig.Silence != nil {
		d.SilentSince, d.SilentFor = sig.Silence.Since, silentFor(sig)
	}
	d.EventsMatched = sig.Events
	d.PerQuery = map[string]uint64{}
	for i, n := range sig.PerQuery {
		if i < len(plan.Labels) {
			d.PerQuery[plan.Labels[i].Name] = n
		}
	}
	d.Attributes = ownAttributes(plan, sig)
	d.Group = groupValues(plan, detect.Visible(plan, sig.Group))
	d.Tags = signalTags(&plan.Rule, sig, originsOf(&sig, d.Events))
	return d
}

// groupValues are the signal's group values under every field they came from.
func groupValues(plan *compiler.BoundPlan, group []string) []template.Value {
	var out []template.Value
	for i, position := range plan.SignalGroup {
		for l := range plan.Labels {
			if by := plan.Labels[l].GroupBy; i < len(group) && position < len(by) {
				out = append(out, template.Value{Field: by[position], Text: group[i]})
			}
		}
	}
	return out
}

// silentFor is how long a silence lasted: until the group was heard again, or
// until the signal was last seen.
func silentFor(sig schema.Signal) schema.Millis {
	if sig.Silence.Until != 0 {
		return sig.Silence.Until - sig.Silence.Since
	}
	return sig.LastSeen - sig.Silence.Since
}

// cameBack says that a silent group was heard again; empty: it was not.
func cameBack(sig schema.Signal) string {
	if sig.Silence == nil || sig.Silence.Until == 0 {
		return ""
	}
	return "came back after " + schema.SpokenDuration(silentFor(sig))
}

// silenceOf is what the signal says of the time without events; nil where there was none.
func silenceOf(sig schema.Signal) *schema.SignalSilence {
	q := sig.Silence
	if q == nil {
		return nil
	}
	out := &schema.SignalSilence{Since: q.Since, For: silentFor(sig), Group: notNil(q.Group), Kind: "silence"}
	if q.Absence {
		out.Kind = "absence"
	}
	if back := cameBack(sig); back != "" {
		out.Until, out.Note = q.Until, back
	}
	return out
}
