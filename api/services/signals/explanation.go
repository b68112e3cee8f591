package signals

import (
	"context"
	"fmt"
	"time"

	"nightjar/api/services/rules"
	pb "nightjar/api/v1"
	"nightjar/compiler"
	"nightjar/scheduler/explain"
	"nightjar/schema"
)

// Explainer says why a rule made a signal. scheduler.Scheduler implements it.
type Explainer interface {
	rules.Explainer
	ExplainCourse(context.Context, explain.CourseQuestion) (explain.CourseAnswer, error)
}

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
	e := signalExplainer{SignalService: s, doc: &doc, out: &pb.SignalExplanation{Summary: summaryOf(&found, &doc), Processes: processTree(&doc)}}
	e.standing(ctx)
	e.course(ctx)
	if doc.Workflow.Rule.DetectionMethod == schema.MethodAnomalyDetection {
		e.band(ctx)
	}
	return e.out, ctx.Err()
}

// signalExplainer puts one explanation together.
type signalExplainer struct {
	*SignalService
	doc *signalDocument
	out *pb.SignalExplanation
}

func (e *signalExplainer) miss(what string, err error) {
	e.out.Missing = append(e.out.Missing, what+": "+err.Error())
}

// standing asks how the group stood at the signal's first event, and what the rule's queries
// make of a sample.
func (e *signalExplainer) standing(ctx context.Context) {
	n := &e.doc.Nightjar
	found, err := e.Explainer.Explain(ctx, explain.Question{RuleID: n.RuleID, Group: n.Group, At: &n.FirstSeen})
	if err != nil {
		e.miss("how the group stood", err)
		return
	}
	if version := e.doc.Workflow.Rule.Version; found.Version != version {
		e.out.Missing = append(e.out.Missing, fmt.Sprintf("the signal is of version %d of the rule; what follows is what version %d makes of it", version, found.Version))
	}
	if len(found.Groups) > 0 {
		e.out.Standing = rules.GroupToProto(&found.Groups[0])
	}
	samples := schema.ReadSamples(string(e.doc.Samples))
	if len(samples) == 0 {
		return
	}
	asked, err := e.Explainer.Explain(ctx, explain.Question{RuleID: n.RuleID, Event: samples[0].EventID})
	if err != nil {
		e.miss("what the queries make of the first sample", err)
		return
	}
	e.out.Queries = rules.QueriesToProto(asked.Queries)
}

// course asks for the values from two windows before the signal to one after it; of a journey,
// from a day before.
func (e *signalExplainer) course(ctx context.Context) {
	n := &e.doc.Nightjar
	around := schema.Millis(max(n.Window, 60_000))
	past := 2 * around
	if e.doc.Workflow.Rule.DetectionMethod == schema.MethodImpossibleTravel {
		past = schema.Millis(compiler.TravelWithin / time.Millisecond) // where they came from may be as old
	}
	q := explain.CourseQuestion{RuleID: n.RuleID, Group: n.Group, From: n.FirstSeen - past, To: n.LastSeen + around, Most: maxCourse}
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
		out.Thresholds = append(out.Thresholds, &pb.CourseThreshold{Query: t.Name, Operator: t.Op, Number: t.Number, Case: int32(t.Case), Severity: t.Severity})
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

func (e *signalExplainer) band(ctx context.Context) {
	n := &e.doc.Nightjar
	around := 20 * schema.Millis(max(n.Window, 3_600_000))
	from, to := n.FirstSeen-around, n.LastSeen+around/4
	found, err := e.Explainer.ExplainSeries(ctx, explain.SeriesQuestion{RuleID: n.RuleID, Group: n.Group, From: &from, To: &to})
	if err != nil {
		e.miss("what was learned of the group", err)
		return
	}
	e.out.Band = rules.SeriesToProto(found)
}
