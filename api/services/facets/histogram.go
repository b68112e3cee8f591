package facets

import (
	"context"
	"slices"
	"strings"
	"time"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// CountSignalsOverTime counts signals in stretches of time.
func (s *FacetService) CountSignalsOverTime(ctx context.Context, in *pb.SignalHistogramRequest) (*pb.HistogramResponse, error) {
	selected, err := s.signals(in.GetFilter())
	if err != nil {
		return nil, err
	}
	groups, err := groupFields(in.GetGroupBy(), []string{"severity", "status", "state"}, search.SignalField)
	if err != nil {
		return nil, err
	}
	return s.histogram(ctx, HistogramQuestion{Selection: selected, Groups: groups}, in.GetBuckets())
}

// CountEventsOverTime counts events in stretches of time.
func (s *FacetService) CountEventsOverTime(ctx context.Context, in *pb.EventHistogramRequest) (*pb.HistogramResponse, error) {
	r, err := s.Events.Selected(in.GetFilter())
	if err != nil {
		return nil, err
	}
	groups, err := groupFields(in.GetGroupBy(), []string{"status", "source"}, schema.ParseField)
	if err != nil {
		return nil, err
	}
	within, err := withinOf(in.WithinMs)
	if err != nil {
		return nil, err
	}
	return s.histogram(ctx, HistogramQuestion{Selection: ofEvents(r), Groups: groups, Within: within}, in.GetBuckets())
}

// groupFields are fields of few values: each has a count in every stretch.
func groupFields(names, allowed []string, place func(string) schema.Field) (out []Field, err error) {
	for _, name := range names {
		f := Field{Name: name, Field: place(name)}
		if !slices.Contains(allowed, name) {
			return nil, api.BadRequest("group_by", "want %s, got %q; POST /api/v2/logs/analytics/aggregate groups events by any field", strings.Join(allowed, " or "), api.Shorten(name))
		}
		if slices.ContainsFunc(out, func(o Field) bool { return o.Field == f.Field }) {
			return nil, api.BadRequest("group_by", "%s is there twice", name)
		}
		out = append(out, f)
	}
	return out, nil
}

func (s *FacetService) histogram(ctx context.Context, q HistogramQuestion, in *pb.Buckets) (*pb.HistogramResponse, error) {
	began := time.Now()
	loc, err := zone(in.GetTimezone())
	if err != nil {
		return nil, err
	}
	from, to, err := s.span(ctx, q.Selection)
	if err != nil {
		return nil, err
	}
	w, err := bucketWidth(in, to.Time().Sub(from.Time()))
	if err != nil {
		return nil, err
	}
	out := &pb.HistogramResponse{Interval: w.String(), Timezone: loc.String(), From: int64(from), To: int64(to)}
	if to > from {
		q.From, q.To, q.Bounds = &from, &to, bounds(from, to, w, loc)
		found, err := s.Store.Histogram(ctx, q)
		if err != nil {
			return nil, err
		}
		out.Partial, out.CountedFrom = found.Partial, moment(found.From)
		fill(out, q, found)
	}
	out.ElapsedMs = time.Since(began).Milliseconds()
	return out, nil
}

// span is what the selection says, and where it says nothing, what there is. Events since
// 1970 or earlier are those since the first one: all time would else be one stretch.
func (s *FacetService) span(ctx context.Context, of Selection) (from, to schema.Millis, err error) {
	if of.Of == Events && of.From != nil && *of.From <= 0 {
		of.Query, of.From = everything, nil
	}
	if of.From == nil || of.To == nil {
		if from, to, err = s.Store.Span(ctx, of); err != nil {
			return 0, 0, err
		}
	}
	if of.From != nil {
		from = *of.From
	}
	if of.To != nil {
		to = *of.To
	}
	return from, max(from, to), nil
}

// everything finds all events.
var everything = &search.Query{Root: search.MatchAll{}}

// fill shows the counts.
func fill(out *pb.HistogramResponse, q HistogramQuestion, found Histogram) {
	last := len(q.Bounds) - 1
	for _, at := range q.Bounds[:last] {
		out.Starts = append(out.Starts, int64(at))
	}
	out.End = int64(q.Bounds[last])
	for _, g := range found.Series {
		series := &pb.HistogramSeries{By: map[string]string{}, Total: int64(g.Total)}
		for i, value := range g.By {
			series.By[q.Groups[i].Name] = value
		}
		for _, n := range g.Counts {
			series.Counts = append(series.Counts, int64(n))
		}
		out.Series = append(out.Series, series)
		out.Total += series.Total
	}
}
