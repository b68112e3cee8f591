package signals

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"nightjar/api/services/rules"
	pb "nightjar/api/v1"
	"nightjar/compiler"
	"nightjar/scheduler/explain"
	"nightjar/schema"
)

// Explainer says why a rule made a signal. scheduler.Explainer implements it.
type Explainer interface {
	rules.Explainer
	ExplainCourse(context.Context, explain.CourseQuestion) (explain.CourseAnswer, error)
}

// overSignals is the type of rules over the signals of others, as signals show it.
const overSignals = "Signal Correlation"

// maxCourse is how many points of a course are shown.
const maxCourse = 1000

// GetSignalExplanation is why a signal is there. What cannot be said of it is told in
// Missing, and the rest is said: a rule may be gone, or changed since.
func (s *SignalService) GetSignalExplanation(ctx context.Context, in *pb.GetSignalRequest) (*pb.SignalExplanation, error) {
	found, err := s.Store.Signal(ctx, in.GetSignalId())
	if err != nil {
		return nil, err
	}
	doc, err := readDocument(&found)
	if err != nil {
		return nil, err
	}
	e := signalExplainer{SignalService: s, doc: &doc, group: doc.Nightjar.Group, out: &pb.SignalExplanation{Summary: summaryOf(&found, &doc), Processes: processTree(&doc)}}
	e.standing(ctx)
	e.course(ctx)
	if doc.Workflow.Rule.DetectionMethod == schema.MethodAnomalyDetection {
		e.band(ctx)
	}
	if e.out.AgentRules, err = s.AgentRules.explain(ctx, &doc); err != nil {
		e.miss("what agents were given to watch for", err)
	}
	return e.out, ctx.Err()
}

// signalExplainer puts one explanation together.
type signalExplainer struct {
	*SignalService
	doc *signalDocument
	// group is the full group that is asked about: that of the signal, unless the rule
	// groups its signals by less.
	group []string
	out   *pb.SignalExplanation
}

func (e *signalExplainer) miss(what string, err error) {
	e.out.Missing = append(e.out.Missing, what+": "+err.Error())
}

// standing asks how the group stood at the signal's first event, and what the rule's queries
// make of a sample.
func (e *signalExplainer) standing(ctx context.Context) {
	n := &e.doc.Nightjar
	sample := e.sample(ctx)
	found, err := e.Explainer.Explain(ctx, explain.Question{RuleID: n.RuleID, Group: e.group, At: &n.FirstSeen})
	var invalid *schema.InvalidError
	if errors.As(err, &invalid) && len(sample) > 0 {
		e.group = sample[0].Group
		found, err = e.Explainer.Explain(ctx, explain.Question{RuleID: n.RuleID, Group: e.group, At: &n.FirstSeen})
		e.out.Missing = append(e.out.Missing, "the signal is about several groups of the rule; what follows is of that of its first sample: "+strings.Join(e.group, ", "))
	}
	if err != nil {
		e.miss("how the group stood", err)
		return
	}
	if version := e.doc.Workflow.Rule.Version; found.Version != version {
		e.out.Missing = append(e.out.Missing, fmt.Sprintf("the signal is of version %d of the rule; what follows is what version %d makes of it", version, found.Version))
	}
	e.out.ValueFields = found.ValueFields
	of := found.Groups
	if len(e.group) == 0 && e.doc.Workflow.Rule.DetectionMethod == schema.MethodThirdParty {
		of = sample // every alert is a group of its own
	}
	if len(of) > 0 {
		e.out.Standing = rules.GroupToProto(&of[0])
		if found.Version == e.doc.Workflow.Rule.Version {
			tellSteps(e.out.Summary, e.out.Standing, n)
		}
		e.others(ctx, of[0].Newest)
	}
}

// others asks, for the queries that the first sample does not match, what they make of the
// newest event that they match: of a sequence each step has its own.
func (e *signalExplainer) others(ctx context.Context, newest []string) {
	for i, q := range e.out.Queries {
		if q.Matches || i >= len(newest) || newest[i] == "" {
			continue
		}
		asked, err := e.Explainer.Explain(ctx, explain.Question{RuleID: e.doc.Nightjar.RuleID, Event: newest[i]})
		if err != nil {
			e.miss("what the query "+q.Name+" makes of its newest event", err)
		} else if i < len(asked.Queries) && asked.Queries[i].Matches {
			e.out.Queries[i] = rules.QueriesToProto(asked.Queries[i : i+1])[0]
		}
	}
}

// sample asks what the rule's queries make of the first sample, and returns the groups that it
// counts in. Of signals there are no events.
func (e *signalExplainer) sample(ctx context.Context) []explain.Group {
	samples := schema.ReadSamples(string(e.doc.Samples))
	if len(samples) == 0 || samples[0].EventID == "" || e.doc.Workflow.Rule.Type == overSignals {
		return nil
	}
	asked, err := e.Explainer.Explain(ctx, explain.Question{RuleID: e.doc.Nightjar.RuleID, Event: samples[0].EventID})
	if err != nil {
		e.miss("what the queries make of the first sample", err)
		return nil
	}
	e.out.Queries = rules.QueriesToProto(asked.Queries)
	return asked.Groups
}

// around is how long before and after a signal its course is shown: two windows and one; of
// a sequence from before its first step; of a journey from a day before, for where they came
// from may be as old.
func (e *signalExplainer) around() (before, after schema.Millis) {
	n := &e.doc.Nightjar
	if e.doc.Workflow.Rule.DetectionMethod == schema.MethodImpossibleTravel {
		return schema.Millis(compiler.TravelWithin / time.Millisecond), 60_000
	}
	window := schema.Millis(max(n.Window, 60_000))
	before, after = 2*window, window
	for _, st := range e.out.Standing.GetSteps() {
		after = max(after, schema.Millis(st.WindowMs))
		if reached, err := schema.ParseMoment(st.GetReached(), time.Time{}); err == nil {
			before = max(before, n.FirstSeen-reached+schema.Millis(st.WindowMs))
		}
	}
	return before, after
}

// course asks for the values around the signal.
func (e *signalExplainer) course(ctx context.Context) {
	n := &e.doc.Nightjar
	before, after := e.around()
	q := explain.CourseQuestion{RuleID: n.RuleID, Group: e.group, From: n.FirstSeen - before, To: n.LastSeen + after, Most: maxCourse}
	found, err := e.Explainer.ExplainCourse(ctx, q)
	if err != nil {
		e.miss("how the values went over time", err)
		return
	}
	out := &pb.SignalCourse{From: int64(q.From), To: int64(q.To), Queries: found.Labels, Thinned: found.Thinned}
	for _, p := range found.Points {
		out.Points = append(out.Points, &pb.CoursePoint{At: int64(p.At), Values: p.Values, Case: int32(p.Case)})
	}
	for _, t := range found.Thresholds {
		out.Thresholds = append(out.Thresholds, &pb.CourseThreshold{Query: t.Name, Operator: t.Op, Number: t.Number, Case: int32(t.Case), Severity: t.Severity, Column: int32(t.Column)})
	}
	for i, c := range found.Columns {
		out.Columns = append(out.Columns, &pb.CourseColumn{Query: found.Labels[i], Step: c.Step, WindowMs: int64(c.Window)})
	}
	e.out.Course = out
	for _, s := range found.Stops {
		names := compiler.SplitTuple(s.Place.Name, 2)
		for len(names) < 2 {
			names = append(names, "")
		}
		e.out.Journey = append(e.out.Journey, &pb.JourneyStop{
			At: int64(s.At), City: names[0], Country: names[1], Latitude: s.Place.Latitude, Longitude: s.Place.Longitude,
			Km: s.Km, Kmh: finite(s.Kmh), Since: int64(s.Since), Impossible: s.Impossible, Assumed: s.Assumed,
		})
	}
}

// finite is a speed that JSON can hold: nobody is in two places at one moment at any speed.
func finite(kmh float64) float64 { return min(kmh, 1e9) }

// Buckets of an anomaly that are shown before it and after it; of an hour they are four days.
const (
	bandBefore = 96
	bandAfter  = 12
)

func (e *signalExplainer) band(ctx context.Context) {
	n := &e.doc.Nightjar
	from, to := n.FirstSeen-bandBefore*86_400_000, n.LastSeen+bandAfter*86_400_000 // no bucket is longer than a day
	found, err := e.Explainer.ExplainSeries(ctx, explain.SeriesQuestion{RuleID: n.RuleID, Group: e.group, From: &from, To: &to})
	if err != nil {
		e.miss("what was learned of the group", err)
		return
	}
	found.KeepAround(n.FirstSeen, n.LastSeen, bandBefore, bandAfter)
	e.out.Band = rules.SeriesToProto(found)
}
