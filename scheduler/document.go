package scheduler

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// Render makes of a signal what is published of it. Whether a suppression
// withholds it is seen by what it looks like otherwise.
func Render(plan *compiler.BoundPlan, sig schema.Signal) (Published, error) {
	return newRenderer().render(plan, sig)
}

// renderer renders signals one after the other. What they show of events is made
// once for all that show the same.
type renderer struct{ shown map[string]*shownEvents }

func newRenderer() *renderer { return &renderer{map[string]*shownEvents{}} }

// shownEvents are the sample events of a signal, and their attributes in one.
type shownEvents struct {
	events     []schema.Event
	attributes []attribute
	cut        int // how many are not shown whole
}

func (r *renderer) of(samples string) *shownEvents {
	s := r.shown[samples]
	if s == nil {
		s = &shownEvents{}
		s.events, s.cut = sampleEvents(samples)
		s.attributes = merged(s.events)
		r.shown[samples] = s
	}
	return s
}

func (r *renderer) render(plan *compiler.BoundPlan, sig schema.Signal) (Published, error) {
	if sig.Reason == schema.ReasonSuppressed {
		sig.State, sig.Reason, sig.Suppression = schema.StateOpen, "", ""
	}
	shown := r.of(sig.Samples)
	p, err := document(plan, sig, shown)
	if err != nil || sig.Gone() || !plan.Withholds() {
		return p, err
	}
	if id := plan.Withheld(p.Event()); id != "" {
		sig.State, sig.Reason, sig.Suppression = schema.StateArchived, schema.ReasonSuppressed, id
		return document(plan, sig, shown)
	}
	return p, nil
}

// Event is the signal as a search of signals sees it.
func (p *Published) Event() *schema.Event {
	return &schema.Event{
		Seq: p.Opened, At: p.FirstSeen, Seen: p.FirstSeen, Source: p.Source, Service: p.Service, Host: p.Host,
		Status: p.Status, Message: p.Message, Tags: p.Tags, Attributes: p.Attributes,
	}
}

// document renders a signal: its title and message, its tags, and the
// attributes that the API shows and a search of signals sees.
func document(plan *compiler.BoundPlan, sig schema.Signal, shown *shownEvents) (Published, error) {
	severity := Severity(plan, sig)
	samples := json.RawMessage(sig.Samples)
	if len(samples) == 0 {
		samples = json.RawMessage("[]")
	}
	rule := &plan.Rule
	events := shown.events
	title, message := titleAndMessage(plan, sig, severity, events)
	doc := map[string]any{}
	for _, a := range shown.attributes {
		putPath(doc, a.path, a.value)
	}
	for path, value := range groupAttributes(plan, detect.Visible(plan, sig.Group)) {
		putPath(doc, path, value)
	}
	from := originsOf(&sig, events)
	own := schema.SignalDetails{
		ID: sig.ID, RuleID: sig.RuleID, Case: sig.Case, CaseName: CaseName(plan, sig.Case), Group: notNil(detect.Visible(plan, sig.Group)),
		GroupBy: signalGroupBy(plan), FirstSeen: sig.FirstSeen, LastSeen: sig.LastSeen, Severity: severity, Events: sig.Events,
		Window: plan.Window.Milliseconds(), SuppressionID: sig.Suppression, SamplesCut: shown.cut,
		Notifications: handlesOf(plan, sig, severity, events), Silence: silenceOf(sig), Anomaly: anomalyOf(plan, sig),
	}
	putOrigins(doc, &own, from)
	own.State, own.Reason = sig.Standing()
	own.Responses = sig.Triage.Responses
	about := detect.Describe(plan, sig.Values)
	own.NewValues, own.NewValuesTruncated = about.NewValues, about.NewValuesTruncated
	if about.Travel != nil {
		doc[travelAttribute] = about.Travel
	}
	(&schema.SignalDocument{
		Title: title, Status: severity, GroupByPaths: detect.GroupPaths(plan), Queries: queriesOf(plan), Samples: samples, Nightjar: own,
		TriggeringRuleCase: caseOf(plan, sig.Case, severity),
		Workflow: schema.SignalWorkflow{
			Rule: schema.SignalRule{
				ID: rule.ID, Name: rule.Name, Type: typeName(rule.Type.OrDefault()), Version: sig.RuleVersion,
				IsDefaultRule: rule.IsDefault, DetectionMethod: rule.Options.Method(),
			},
			FirstSeen: sig.FirstSeen.String(), LastSeen: sig.LastSeen.String(), EventsMatched: sig.Events, Triage: triageOf(&sig),
		},
	}).Into(doc)
	text, err := json.Marshal(doc)
	if err != nil {
		return Published{}, fmt.Errorf("encode attributes: %w", err)
	}
	attributes, err := schema.ParseAttributes(string(text))
	if err != nil {
		return Published{}, err
	}
	return Published{
		Signal: sig, Status: severity, Message: message, Tags: signalTags(rule, sig, from), Attributes: attributes,
		Source: only(from["source"]), Service: only(from["service"]), Host: only(from["host"]),
	}, nil
}

// CaseName is the name of a case of the plan; a default has none.
func CaseName(plan *compiler.BoundPlan, caseAt int) string {
	if caseAt >= 0 && caseAt < len(plan.Cases) {
		return plan.Cases[caseAt].Name
	}
	return ""
}

// lowered is the severity one step down, for signals from tests and the like.
var lowered = map[schema.Severity]schema.Severity{
	schema.SeverityCritical: schema.SeverityHigh, schema.SeverityHigh: schema.SeverityMedium,
	schema.SeverityMedium: schema.SeverityInfo, schema.SeverityLow: schema.SeverityInfo, schema.SeverityInfo: schema.SeverityInfo,
}

// Severity is the case's status, lowered where the rule asks for that and the
// signal was opened by events of a staging, test or dev environment.
func Severity(plan *compiler.BoundPlan, sig schema.Signal) string {
	status := plan.DefaultStatus
	if sig.Case >= 0 && sig.Case < len(plan.Cases) {
		status = plan.Cases[sig.Case].Status
	}
	if d := plan.Rule.Options.DecreaseByEnv; d != nil && *d && sig.Lowered {
		return string(lowered[status])
	}
	return string(status)
}

// groupAttributes are the signal's group values under the paths they came
// from, so that a search of signals finds them there.
func groupAttributes(plan *compiler.BoundPlan, group []string) map[string]string {
	out := map[string]string{}
	for i, position := range plan.SignalGroup {
		for l := range plan.Labels {
			by := plan.Labels[l].GroupBy
			if i < len(group) && position < len(by) && by[position].Kind == schema.FieldAttribute {
				out[by[position].Name] = group[i]
			}
		}
	}
	return out
}

// putPath stores a value under a dotted path, nesting objects. Where the path
// runs into a value, it is stored under its dotted name.
func putPath(doc map[string]any, path string, value any) {
	at := doc
	parts := strings.Split(path, ".")
	for _, p := range parts[:len(parts)-1] {
		next, ok := at[p].(map[string]any)
		if !ok {
			if _, exists := at[p]; exists {
				doc[path] = value
				return
			}
			next = map[string]any{}
			at[p] = next
		}
		at = next
	}
	last := parts[len(parts)-1]
	if _, object := at[last].(map[string]any); object {
		doc[path] = value
		return
	}
	at[last] = value
}

// signalGroupBy names the fields that the signal's group values are of.
func signalGroupBy(plan *compiler.BoundPlan) []string {
	fields := []string{}
	for l := range plan.Labels {
		if by := plan.Labels[l].GroupBy; len(by) == plan.Arity {
			for _, position := range plan.SignalGroup {
				fields = append(fields, by[position].String())
			}
			break
		}
	}
	return fields
}

func caseOf(plan *compiler.BoundPlan, caseAt int, severity string) schema.SignalCase {
	out := schema.SignalCase{Name: CaseName(plan, caseAt), Status: severity}
	if caseAt >= 0 && caseAt < len(plan.Cases) {
		out.Condition = plan.Cases[caseAt].Condition.Text
	}
	return out
}

func queriesOf(plan *compiler.BoundPlan) []schema.SignalQuery {
	out := make([]schema.SignalQuery, len(plan.Rule.Queries))
	for i, q := range plan.Rule.Queries {
		name := q.Name
		if i < len(plan.Labels) {
			name = plan.Labels[i].Name
		}
		out[i] = schema.SignalQuery{
			Name: name, Query: q.Query, Aggregation: q.Aggregation,
			GroupByPaths: notNil(q.GroupByFields), DistinctFields: notNil(q.DistinctFields),
		}
	}
	return out
}

// typeName is a rule's type as signals show it: "Log Detection".
func typeName(t schema.RuleType) string {
	words := strings.Split(string(t), "_")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

// signalTags are those of the rule, those that all events have, and where the
// events came from.
func signalTags(rule *schema.Rule, sig schema.Signal, from map[string][]string) []string {
	tags := slices.Clone(notNil(rule.Tags))
	known := map[string]bool{}
	for _, t := range tags {
		known[t] = true
	}
	add := func(t string) {
		if !known[t] {
			known[t] = true
			tags = append(tags, t)
		}
	}
	for _, t := range sig.EventTags {
		add(t)
	}
	for _, key := range schema.OriginKeys {
		for _, value := range from[key] {
			add(key + ":" + value)
		}
	}
	return tags
}

// attribute is a value of a signal under the path that it has in events.
type attribute struct {
	path  string
	value json.RawMessage
}

// merged are the attributes of the sample events in one: a value where they
// agree, a list of the distinct ones where they do not.
func merged(events []schema.Event) []attribute {
	type valueAt struct{ path, text string }
	seen := map[valueAt]bool{}
	values := map[string][]json.RawMessage{}
	var paths []string
	for i := range events {
		for _, l := range events[i].Leaves {
			list, known := values[l.Path]
			if !known {
				paths = append(paths, l.Path)
				values[l.Path] = nil
			}
			text, err := json.Marshal(l.Value())
			if at := (valueAt{l.Path, string(text)}); err == nil && !seen[at] {
				seen[at] = true
				values[l.Path] = append(list, text)
			}
		}
	}
	out := make([]attribute, len(paths))
	for i, path := range paths {
		out[i] = attribute{path, joined(values[path])}
	}
	return out
}

// joined is the one value, or an array of several.
func joined(list []json.RawMessage) json.RawMessage {
	if len(list) == 1 {
		return list[0]
	}
	return json.RawMessage(joinJSON(list))
}

// travelAttribute is where signals say of a traveller where they were.
const travelAttribute = "impossible_travel"

// anomalyOf is what the signal says of how the rule goes on learning.
func anomalyOf(plan *compiler.BoundPlan, sig schema.Signal) *schema.SignalAnomaly {
	if plan.Anomaly == nil || sig.Case < 0 || sig.Case >= len(plan.Cases) {
		return nil
	}
	side, beyond, until := "high", "above 0.995", sig.FirstSeen.Add(plan.MaxDuration)
	if plan.Cases[sig.Case].Low {
		side, beyond = "low", "below 0.005"
	}
	return &schema.SignalAnomaly{
		Side: side, LearnedSlowlyUntil: until,
		Note: fmt.Sprintf("buckets %s are learned slowly: if what began with this signal lasts, it does not become the new normal before %s, unless the group is younger than that is long; what had begun before becomes so sooner", beyond, until),
	}
}

// ownAttributes are those attributes of a signal that none of its events has.
func ownAttributes(plan *compiler.BoundPlan, sig schema.Signal) schema.Attributes {
	doc := map[string]any{}
	about := detect.Describe(plan, sig.Values)
	if about.Travel != nil {
		doc[travelAttribute] = about.Travel
	}
	if len(about.NewValues) > 0 {
		doc["nightjar"] = map[string]any{"new_values": about.NewValues, "new_values_truncated": about.NewValuesTruncated}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return schema.Attributes{}
	}
	attributes, _ := schema.ParseAttributes(string(text)) // written just now
	return attributes
}

func notNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
