package signals

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"nightjar/api/services/rules"
	pb "nightjar/api/v1"
	"nightjar/compiler"
	"nightjar/scheduler/explain"
	"nightjar/schema"
)

// stepsTime bounds how long the sentence about a sequence waits for its steps.
const stepsTime = 2 * time.Second

// GetSignalSummary is a signal in one sentence. It is made of what is stored of the signal,
// and of a sequence of its steps; nothing in that is a template.
func (s *SignalService) GetSignalSummary(ctx context.Context, in *pb.GetSignalRequest) (*pb.SignalSummary, error) {
	found, err := s.Store.Signal(ctx, in.GetSignalId())
	if err != nil {
		return nil, err
	}
	doc, err := readDocument(&found)
	if err != nil {
		return nil, err
	}
	out := summaryOf(&found, &doc)
	if out.Method == string(schema.MethodSequenceDetection) {
		asking, cancel := context.WithTimeout(ctx, stepsTime)
		defer cancel()
		n := &doc.Nightjar
		asked, err := s.Explainer.Explain(asking, explain.Question{RuleID: n.RuleID, Group: n.Group, At: &n.FirstSeen})
		if err == nil && asked.Version == doc.Workflow.Rule.Version && len(asked.Groups) > 0 { // else the sentence does without
			tellSteps(out, rules.GroupToProto(&asked.Groups[0]), n)
		}
	}
	return out, ctx.Err()
}

// tellSteps has the sentence say what each step came to, and how soon the next one followed.
func tellSteps(out *pb.SignalSummary, standing *pb.GroupExplanation, n *schema.SignalDetails) {
	if n.Silence != nil {
		return // it is about what did not follow
	}
	var parts []string
	var steps []*pb.ReachedStep
	for i, st := range standing.GetSteps() {
		reached, err := schema.ParseMoment(st.GetReached(), time.Time{})
		if err != nil {
			return // not a way that ended in this signal
		}
		step := &pb.ReachedStep{Name: st.Name, Reached: int64(reached)}
		var counts []string
		for _, c := range st.Comparisons {
			step.Counts = append(step.Counts, &pb.StepCount{Query: c.Query, Value: c.Most})
			counts = append(counts, strings.TrimSpace(schema.FormatFloat(c.Most)+" "+c.Query))
		}
		part := st.Name
		if len(counts) > 0 {
			part += " (" + strings.Join(counts, ", ") + ")"
		}
		if i > 0 {
			part = "then " + part + " " + span(max(0, int64(reached)-steps[i-1].Reached)) + " later"
		}
		steps, parts = append(steps, step), append(parts, part)
	}
	if len(parts) > 0 {
		out.Steps = steps
		out.What = strings.Join(parts, ", ") + aboutWhom(out.Group)
		out.Sentence = out.What + when(n)
	}
}

func summaryOf(sig *Signal, doc *signalDocument) *pb.SignalSummary {
	n := &doc.Nightjar
	out := &pb.SignalSummary{
		RuleId: n.RuleID, RuleName: doc.Workflow.Rule.Name, Method: string(cmp.Or(doc.Workflow.Rule.DetectionMethod, schema.MethodThreshold)),
		Severity: sig.Status, CaseName: n.CaseName, Condition: doc.TriggeringRuleCase.Condition, Events: int64(n.Events),
		WindowMs: n.Window, FirstSeen: int64(n.FirstSeen), LastSeen: int64(n.LastSeen),
	}
	for i, value := range n.Group {
		field := ""
		if i < len(n.GroupBy) {
			field = n.GroupBy[i]
		}
		out.Group = append(out.Group, &pb.SignalGroupValue{Field: field, Value: value})
	}
	for _, v := range n.NewValues {
		out.NewValues = append(out.NewValues, newValueText(v))
	}
	out.What = sentence(doc, out)
	out.Sentence = out.What + when(n)
	return out
}

// newValueText is a value, or several of one event with commas.
func newValueText(v any) string {
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprint(v)
	}
	var texts []string
	for _, one := range list {
		texts = append(texts, fmt.Sprint(one))
	}
	return strings.Join(texts, ", ")
}

// sentence says what happened to whom.
func sentence(doc *signalDocument, s *pb.SignalSummary) string {
	whom := aboutWhom(s.Group)
	n := &doc.Nightjar
	switch {
	case n.Silence != nil && n.Silence.Kind == "absence":
		return fmt.Sprintf("What was to follow did not%s, within %s", whom, span(int64(n.Silence.For)))
	case n.Silence != nil:
		return fmt.Sprintf("Nothing was heard%s for %s", whom, span(int64(n.Silence.For)))
	case len(s.NewValues) > 0:
		more := ""
		if len(s.NewValues) > 3 {
			more = fmt.Sprintf(" and %d more", len(s.NewValues)-3)
		}
		return fmt.Sprintf("Never seen before%s: %s%s", whom, strings.Join(s.NewValues[:min(3, len(s.NewValues))], "; "), more)
	case s.Method == string(schema.MethodImpossibleTravel):
		if t := travelOf(doc); t != nil {
			from, to := t.TriggeringLocations.First, t.TriggeringLocations.Second
			return fmt.Sprintf("In %s and, sooner than anybody travels, %.0f km away in %s%s", placeName(from), t.DistanceKm, placeName(to), whom)
		}
	case n.Anomaly != nil:
		much := cmp.Or(map[string]string{"low": "Unusually few", "high": "Unusually many"}[n.Anomaly.Side], "An unusual number of")
		return fmt.Sprintf("%s events%s%s, by what was learned of the past", much, ofQueries(doc), whom)
	case s.Method == string(schema.MethodSequenceDetection):
		return fmt.Sprintf("All steps%s, one after the other%s", ofQueries(doc), whom)
	case s.Method == string(schema.MethodThirdParty):
		return counted(s.Events, "alert") + whom + graded(s)
	}
	held := ""
	if s.Condition != "" {
		held = ", so that " + s.Condition + " held"
	}
	within := ""
	if s.WindowMs > 0 {
		within = " within " + span(s.WindowMs)
	}
	return counted(s.Events, "event") + ofQueries(doc) + whom + within + held
}

// graded says which case an alert is of.
func graded(s *pb.SignalSummary) string {
	if s.CaseName == "" {
		return ", " + s.Severity
	}
	return fmt.Sprintf(", graded %s (%s)", s.CaseName, s.Severity)
}

func counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// ofQueries names the rule's queries, where they have names.
func ofQueries(doc *signalDocument) string {
	var names []string
	for _, q := range doc.Queries {
		if q.Name != "" {
			names = append(names, q.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " of " + strings.Join(names, ", ")
}

func aboutWhom(group []*pb.SignalGroupValue) string {
	var parts []string
	for _, g := range group {
		if g.Value != "" && g.Value != compiler.MissingGroup {
			parts = append(parts, strings.TrimSpace(g.Field+" "+g.Value))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " for " + strings.Join(parts, " and ")
}

// when says from when to when, in UTC.
func when(n *schema.SignalDetails) string {
	const layout = "2006-01-02 15:04:05"
	first, last := n.FirstSeen.Time().UTC(), n.LastSeen.Time().UTC()
	if first.Truncate(time.Second).Equal(last.Truncate(time.Second)) {
		return " at " + first.Format(layout) + " UTC."
	}
	end := last.Format(layout)
	if first.Format(time.DateOnly) == last.Format(time.DateOnly) {
		end = last.Format(time.TimeOnly)
	}
	return fmt.Sprintf(" from %s to %s UTC.", first.Format(layout), end)
}

// span is a duration in its two greatest units.
func span(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	type unit struct {
		of   time.Duration
		name string
	}
	var parts []string
	for _, u := range []unit{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / u.of; n > 0 && len(parts) < 2 {
			parts = append(parts, fmt.Sprintf("%d%s", n, u.name))
			d -= n * u.of
		}
	}
	if len(parts) == 0 {
		return fmt.Sprintf("%d ms", ms)
	}
	return strings.Join(parts, " ")
}

func placeName(l schema.TravelLocation) string {
	switch {
	case l.City != "" && l.Country != "":
		return l.City + " (" + l.Country + ")"
	case l.City != "" || l.Country != "":
		return cmp.Or(l.City, l.Country)
	}
	return fmt.Sprintf("%.2f, %.2f", l.Latitude, l.Longitude)
}

// travelOf is the journey that the signal is about; nil where there is none.
func travelOf(doc *signalDocument) *schema.SignalTravel {
	var out struct {
		Travel *schema.SignalTravel `json:"impossible_travel"`
	}
	if json.Unmarshal([]byte(doc.text), &out) != nil {
		return nil
	}
	return out.Travel
}
