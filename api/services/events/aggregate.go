package events

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// Bounds of an aggregation.
const (
	maxComputes      = 20
	maxFacets        = 5
	defaultGroups    = 10
	maxGroups        = 10_000
	maxRanges        = 100 // of a histogram
	defaultPoints    = 150
	maxPoints        = 2_000 // of one series
	maxPointsAltoget = 200_000
)

// AggregateLogs counts and measures.
func (s *SearchService) AggregateLogs(ctx context.Context, in *pb.AggregateLogsRequest) (*pb.AggregateLogsResponse, error) {
	start := s.Now()
	a, err := s.aggregation(in)
	if err != nil {
		return nil, err
	}
	buckets, err := s.Store.AggregateLogs(ctx, a)
	if err != nil {
		return nil, err
	}
	data := &pb.LogBuckets{}
	for i := range buckets {
		data.Buckets = append(data.Buckets, bucketItem(in, &a, &buckets[i]))
	}
	return &pb.AggregateLogsResponse{Data: data, Meta: s.meta(ctx, start, in.GetFilter())}, nil
}

func (s *SearchService) aggregation(in *pb.AggregateLogsRequest) (LogAggregation, error) {
	r, err := s.Selected(in.GetFilter())
	if err != nil {
		return LogAggregation{}, err
	}
	a := LogAggregation{Query: r.Query, From: r.From, To: r.To}
	if len(in.GetCompute()) > maxComputes {
		return a, api.BadRequest("compute", "at most %d, got %d", maxComputes, len(in.GetCompute()))
	}
	for i, c := range in.GetCompute() {
		compute, err := logCompute(fmt.Sprintf("compute[%d]", i), c, r)
		if err != nil {
			return a, err
		}
		compute.Metric = r.Names.Rename(compute.Metric)
		a.Computes = append(a.Computes, compute)
	}
	if len(a.Computes) == 0 {
		a.Computes = []LogCompute{{Function: "count"}}
	}
	if a.Groups, err = logGroups(in.GetGroupBy(), a.Computes); err != nil {
		return a, err
	}
	for i := range a.Groups {
		a.Groups[i].Facet = r.Names.Rename(a.Groups[i].Facet)
		if by := a.Groups[i].By; by != nil {
			by.Metric = r.Names.Rename(by.Metric)
		}
	}
	return a, checkPoints(&a)
}

// checkPoints bounds the series of all groups together.
func checkPoints(a *LogAggregation) error {
	groups := 1
	for _, g := range a.Groups {
		groups *= g.Limit
	}
	for i, c := range a.Computes {
		if c.Interval == 0 {
			continue
		}
		points := float64(a.To-a.From) / float64(c.Interval.Milliseconds())
		if points > maxPoints || points*float64(groups) > maxPointsAltoget {
			return api.BadRequest(fmt.Sprintf("compute[%d].interval", i), "%s makes %.0f points in each of up to %d groups; at most %d in one and %d in all: widen it or narrow the time",
				c.Interval, math.Ceil(points), groups, maxPoints, maxPointsAltoget)
		}
	}
	return nil
}

func logCompute(target string, in *pb.LogCompute, r Selection) (LogCompute, error) {
	out, err := logMeasure(target, in.GetAggregation(), in.GetMetric())
	if err != nil {
		return out, err
	}
	switch in.GetType() {
	case "", "total":
		if in.Interval != nil {
			return out, api.BadRequest(target+".interval", "only a timeseries has one")
		}
	case "timeseries":
		if in.GetInterval() == "" {
			out.Interval = partOf(r)
			return out, nil
		}
		var ok bool
		if out.Interval, ok = parseInterval(in.GetInterval()); !ok {
			return out, api.BadRequest(target+".interval", "want a number and ms, s, m, h, d or w, such as 5m, got %q", in.GetInterval())
		}
	default:
		return out, api.BadRequest(target+".type", "want total or timeseries, got %q", in.GetType())
	}
	return out, nil
}

var percentile = regexp.MustCompile(`^pc([1-9]\d?)$`)

// logMeasure reads an aggregation and its metric.
func logMeasure(target, function, metric string) (LogCompute, error) {
	out := LogCompute{Function: function, Metric: schema.ParseField(metric)}
	switch m := percentile.FindStringSubmatch(function); {
	case m != nil:
		n, _ := strconv.Atoi(m[1]) // two digits
		out.Function, out.Level = "percentile", float64(n)/100
	case function == "median":
		out.Function, out.Level = "percentile", 0.5
	case function == "count":
		out.Metric = schema.Field{}
		return out, nil
	case function == "cardinality":
		if metric == "" {
			return out, api.BadRequest(target+".metric", "cardinality counts distinct values: name the field")
		}
		return out, nil
	case function != "sum" && function != "min" && function != "max" && function != "avg":
		return out, api.BadRequest(target+".aggregation", "want count, cardinality, sum, min, max, avg, median or pc1 to pc99, got %q", function)
	}
	if out.Metric.Kind != schema.FieldAttribute || metric == "@" {
		return out, api.BadRequest(target+".metric", "want a numeric attribute, such as @duration, got %q", metric)
	}
	return out, nil
}

// partOf is one of about 150 parts of the range, in whole seconds.
func partOf(r Selection) time.Duration {
	seconds := math.Ceil(float64(r.To-r.From) / 1000 / defaultPoints)
	return time.Duration(max(1, seconds)) * time.Second
}

var interval = regexp.MustCompile(`^(\d{1,9})(ms|s|m|h|d|w)$`)

func parseInterval(text string) (time.Duration, bool) {
	m := interval.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, _ := strconv.Atoi(m[1]) // nine digits
	if n == 0 || n > int(math.MaxInt64/schema.Units[m[2]]) {
		return 0, false
	}
	return time.Duration(n) * schema.Units[m[2]], true
}

func logGroups(in []*pb.LogGroupBy, computes []LogCompute) ([]LogGroup, error) {
	if len(in) > maxFacets {
		return nil, api.BadRequest("group_by", "at most %d facets, got %d", maxFacets, len(in))
	}
	var out []LogGroup
	product := 1
	for i, g := range in {
		target := fmt.Sprintf("group_by[%d]", i)
		group, err := logGroup(target, g, computes[0])
		if err != nil {
			return nil, err
		}
		for _, other := range out {
			if other.Facet == group.Facet {
				return nil, api.BadRequest(target+".facet", "%s is there twice", api.Shorten(g.GetFacet()))
			}
		}
		if product *= group.Limit; product > maxGroups {
			return nil, api.BadRequest(target+".limit", "the limits make more than %d groups", maxGroups)
		}
		out = append(out, group)
	}
	return out, nil
}

func logGroup(target string, in *pb.LogGroupBy, first LogCompute) (out LogGroup, err error) {
	if in.GetFacet() == "" || in.GetFacet() == "@" {
		return out, api.BadRequest(target+".facet", "missing: the field to group by, such as host or @http.method")
	}
	out = LogGroup{Facet: schema.ParseField(in.GetFacet()), Limit: defaultGroups}
	if in.Limit != nil {
		if in.GetLimit() < 1 || in.GetLimit() > maxGroups {
			return out, api.BadRequest(target+".limit", "want 1 to %d, got %d", maxGroups, in.GetLimit())
		}
		out.Limit = int(in.GetLimit())
	}
	if out.Missing, err = groupName(target+".missing", in.GetMissing(), ""); err != nil {
		return out, err
	}
	if out.Total, err = groupName(target+".total", in.GetTotal(), "$facet_total"); err != nil {
		return out, err
	}
	if err := out.sort(target+".sort", in.GetSort(), first); err != nil {
		return out, err
	}
	return out, out.ranges(target+".histogram", in.GetHistogram())
}

// sort reads the order. Without one, the greatest come first, and of a
// histogram the lowest.
func (g *LogGroup) sort(target string, in *pb.LogSort, first LogCompute) error {
	kind := in.GetType()
	switch {
	case kind == "" && (in.GetAggregation() != "" || in.GetMetric() != ""):
		kind = "measure"
	case kind == "" && in != nil:
		kind = "alphabetical"
	}
	switch order := in.GetOrder(); order {
	case "", "asc", "desc":
		g.Descending = order == "desc" || order == "" && kind == "measure"
	default:
		return api.BadRequest(target+".order", "want asc or desc, got %q", order)
	}
	switch kind {
	case "":
		first.Interval = 0
		g.By, g.Descending = &first, true
	case "alphabetical":
	case "measure":
		by, err := logMeasure(target, cmp.Or(in.GetAggregation(), "count"), in.GetMetric())
		if err != nil {
			return err
		}
		g.By = &by
	default:
		return api.BadRequest(target+".type", "want alphabetical or measure, got %q", kind)
	}
	return nil
}

func (g *LogGroup) ranges(target string, in *pb.LogHistogram) error {
	if in == nil {
		return nil
	}
	n := (in.GetMax() - in.GetMin()) / in.GetInterval()
	if !(in.GetInterval() > 0) || !(n > 0) || math.IsInf(n, 0) {
		return api.BadRequest(target, "want an interval above 0 and a max above min")
	}
	if math.Ceil(n) > maxRanges {
		return api.BadRequest(target, "this makes %.0f ranges, at most %d are allowed", math.Ceil(n), maxRanges)
	}
	if g.Facet.Kind != schema.FieldAttribute {
		return api.BadRequest(target, "%s has no numbers; want an attribute, such as @duration", g.Facet)
	}
	g.Histogram = &LogHistogram{Min: in.GetMin(), Max: in.GetMax(), Interval: in.GetInterval()}
	return nil
}

// groupName reads the name of a group: a text, a number, or true for the usual
// one, where there is one.
func groupName(target string, v *structpb.Value, usual string) (*string, error) {
	switch v := v.GetKind().(type) {
	case nil, *structpb.Value_NullValue:
		return nil, nil
	case *structpb.Value_StringValue:
		return &v.StringValue, nil
	case *structpb.Value_NumberValue:
		return new(schema.FormatFloat(v.NumberValue)), nil
	case *structpb.Value_BoolValue:
		if !v.BoolValue {
			return nil, nil
		}
		if usual != "" {
			return &usual, nil
		}
	}
	return nil, api.BadRequest(target, "want a string or a number")
}

func bucketItem(in *pb.AggregateLogsRequest, a *LogAggregation, b *LogBucket) *pb.LogBucket {
	out := &pb.LogBucket{By: map[string]*structpb.Value{}, Computes: map[string]*structpb.Value{}}
	for i, name := range b.By {
		out.By[in.GetGroupBy()[i].GetFacet()] = groupValue(&a.Groups[i], name)
	}
	for i, v := range b.Values {
		switch v := v.(type) {
		case float64:
			out.Computes[fmt.Sprintf("c%d", i)] = structpb.NewNumberValue(v)
		case []LogPoint:
			out.Computes[fmt.Sprintf("c%d", i)] = pointList(v)
		}
	}
	return out
}

// groupValue is the group's name; that of a range is a number.
func groupValue(g *LogGroup, name string) *structpb.Value {
	if f, err := strconv.ParseFloat(name, 64); err == nil && g.Histogram != nil {
		return structpb.NewNumberValue(f)
	}
	return structpb.NewStringValue(name)
}

func pointList(points []LogPoint) *structpb.Value {
	list := &structpb.ListValue{}
	for _, p := range points {
		list.Values = append(list.Values, structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
			"time": structpb.NewStringValue(p.At.String()), "value": structpb.NewNumberValue(p.Value),
		}}))
	}
	return structpb.NewListValue(list)
}
