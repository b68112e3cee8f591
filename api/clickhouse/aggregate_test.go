package clickhouse_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	adapter "nightjar/api/clickhouse"
	"nightjar/api/services/events"
	"nightjar/schema"
)

// recount is the aggregation, done again in memory.
type recount struct{ a events.LogAggregation }

func (r recount) buckets(stored []schema.Event) []events.LogBucket {
	var found []schema.Event
	for _, e := range stored {
		if e.At >= r.a.From && e.At < r.a.To && r.a.Query.Match(&e) {
			found = append(found, e)
		}
	}
	return r.within(nil, found)
}

func (r recount) within(path []string, stored []schema.Event) []events.LogBucket {
	if len(stored) == 0 {
		return nil
	}
	if len(path) == len(r.a.Groups) {
		b := events.LogBucket{By: path}
		for _, c := range r.a.Computes {
			b.Values = append(b.Values, value(c, stored))
		}
		return []events.LogBucket{b}
	}
	g := r.a.Groups[len(path)]
	members := map[string][]schema.Event{}
	for _, e := range stored {
		for _, name := range groupsOf(g, &e) {
			members[name] = append(members[name], e)
		}
	}
	names := inOrder(g, members)
	names = names[:min(len(names), g.Limit)]
	if g.Total != nil {
		members[*g.Total] = stored
		names = append(names, *g.Total)
	}
	var out []events.LogBucket
	for _, name := range names {
		out = append(out, r.within(append(slices.Clone(path), name), members[name])...)
	}
	return out
}

func groupsOf(g events.LogGroup, e *schema.Event) []string {
	names := e.Values(g.Facet)
	if h := g.Histogram; h != nil {
		names = nil
		last := math.Ceil((h.Max-h.Min)/h.Interval) - 1
		for _, x := range numbers(e, g.Facet) {
			if x < h.Min || x > h.Max {
				continue
			}
			if low := schema.FormatFloat(h.Min + h.Interval*min(math.Floor((x-h.Min)/h.Interval), last)); !slices.Contains(names, low) {
				names = append(names, low)
			}
		}
	}
	if len(names) == 0 && g.Missing != nil {
		return []string{*g.Missing}
	}
	return names
}

func inOrder(g events.LogGroup, members map[string][]schema.Event) []string {
	var names []string
	for name := range members {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		var order int
		switch {
		case g.By != nil:
			x, hasX := value(*g.By, members[a]).(float64)
			y, hasY := value(*g.By, members[b]).(float64)
			if hasX != hasY {
				return map[bool]int{true: -1, false: 1}[hasX]
			}
			order = cmp.Compare(x, y)
		case g.Histogram != nil:
			order = cmp.Compare(number(a), number(b))
		default:
			order = strings.Compare(a, b)
		}
		if g.Descending {
			order = -order
		}
		return cmp.Or(order, strings.Compare(a, b))
	})
	return names
}

func number(text string) float64 {
	var f float64
	_, _ = fmt.Sscan(text, &f) // written by FormatFloat
	return f
}

func numbers(e *schema.Event, f schema.Field) []float64 {
	var out []float64
	for _, l := range e.Lookup(f.Name) {
		if n, ok := l.Number(); ok {
			out = append(out, n)
		}
	}
	return out
}

func value(c events.LogCompute, stored []schema.Event) any {
	if c.Interval > 0 {
		return series(c, stored)
	}
	var all []float64
	distinct := map[string]bool{}
	for _, e := range stored {
		all = append(all, numbers(&e, c.Metric)...)
		for _, v := range e.Values(c.Metric) {
			distinct[v] = true
		}
	}
	switch {
	case c.Function == "count":
		return float64(len(stored))
	case c.Function == "cardinality":
		return float64(len(distinct))
	case len(all) == 0:
		return nil
	}
	slices.Sort(all)
	sum := 0.0
	for _, x := range all {
		sum += x
	}
	switch c.Function {
	case "min":
		return all[0]
	case "max":
		return all[len(all)-1]
	case "sum":
		return sum
	case "avg":
		return sum / float64(len(all))
	}
	at := c.Level * float64(len(all)-1)
	low := int(at)
	high := min(low+1, len(all)-1)
	return all[low] + (at-float64(low))*(all[high]-all[low])
}

func series(c events.LogCompute, stored []schema.Event) any {
	width := schema.Millis(c.Interval.Milliseconds())
	parts := map[schema.Millis][]schema.Event{}
	for _, e := range stored {
		start := e.At - ((e.At%width)+width)%width
		parts[start] = append(parts[start], e)
	}
	var points []events.LogPoint
	c.Interval = 0
	for start, part := range parts {
		if v, ok := value(c, part).(float64); ok {
			points = append(points, events.LogPoint{At: start, Value: v})
		}
	}
	slices.SortFunc(points, func(a, b events.LogPoint) int { return cmp.Compare(a.At, b.At) })
	if points == nil {
		return nil
	}
	return points
}

// shown is what is compared: sums of doubles depend on their order.
func shown(buckets []events.LogBucket) string {
	var b strings.Builder
	for _, bucket := range buckets {
		fmt.Fprintf(&b, "%q", bucket.By)
		for _, v := range bucket.Values {
			switch v := v.(type) {
			case float64:
				fmt.Fprintf(&b, " %.6g", v)
			case []events.LogPoint:
				for _, p := range v {
					fmt.Fprintf(&b, " %d=%.6g", p.At, p.Value)
				}
			case nil:
				b.WriteString(" -")
			}
			b.WriteByte(';')
		}
		b.WriteByte('\n')
	}
	return b.String()
}

var aggregated = []string{"@n", "@usr.id", "@list", "@mixed", "source", "team", "tags", "@absent", "host", "timestamp", "@http.method", "@on", "@f"}

func randomCompute(random *rand.Rand, total bool) events.LogCompute {
	functions := []string{"count", "cardinality", "sum", "min", "max", "avg", "percentile"}
	c := events.LogCompute{Function: functions[random.IntN(len(functions))]}
	switch c.Function {
	case "count":
	case "cardinality":
		c.Metric = schema.ParseField(aggregated[random.IntN(len(aggregated))])
	default:
		c.Metric = schema.ParseField([]string{"@n", "@mixed", "@list", "@absent", "@f", "@usr.id"}[random.IntN(6)])
	}
	if c.Function == "percentile" {
		c.Level = float64(1+random.IntN(99)) / 100
	}
	if !total && random.IntN(3) == 0 {
		c.Interval = []time.Duration{time.Minute, 7 * time.Millisecond, 24 * time.Hour}[random.IntN(3)]
	}
	return c
}

func randomAggregation(t testing.TB, random *rand.Rand) events.LogAggregation {
	queries := []string{"", "source:s1", "@n:>20", "nothing"}
	a := events.LogAggregation{Query: parse(t, queries[random.IntN(10)%4]), From: schema.MinMillis, To: schema.MaxMillis}
	if random.IntN(2) == 0 {
		a.From, a.To = begin-1000, begin+3_600_000
	}
	for range 1 + random.IntN(4) {
		a.Computes = append(a.Computes, randomCompute(random, false))
	}
	fields := random.Perm(len(aggregated))
	for i := range random.IntN(4) {
		g := events.LogGroup{Facet: schema.ParseField(aggregated[fields[i]]), Limit: 1 + random.IntN(5), Descending: random.IntN(2) == 0}
		if random.IntN(2) == 0 {
			g.By = new(randomCompute(random, true))
		}
		if random.IntN(3) == 0 {
			g.Missing = new("none '\\")
		}
		if random.IntN(3) == 0 {
			g.Total = new("all")
		}
		if g.Facet.Kind == schema.FieldAttribute && random.IntN(3) == 0 {
			g.Histogram = &events.LogHistogram{Min: float64(random.IntN(20)), Max: 20 + float64(random.IntN(20)), Interval: 1 + random.Float64()*5}
		}
		a.Groups = append(a.Groups, g)
	}
	return a
}

func TestAggregationsAreThoseOfMemory(t *testing.T) {
	random := rand.New(rand.NewPCG(21, 22))
	s := newShelf(t)
	stored := randomEvents(t, random, 300)
	for i := range stored {
		mixed := []string{`"x"`, `5`, `[1,"1",2.5,true]`, `[1.5,2]`, `null`, `true`, `{"a":1}`, `["u","u"]`}[random.IntN(8)]
		a, err := schema.ParseAttributes(strings.TrimSuffix(stored[i].JSON, "}") + fmt.Sprintf(`,"mixed":%s,"on":%t,"f":%d.25}`, mixed, i%2 == 0, random.IntN(40)))
		if err != nil {
			t.Fatal(err)
		}
		stored[i].Attributes = a
		if i%3 == 0 {
			stored[i].Host = fmt.Sprintf("h%d", i%4)
		}
	}
	s.add(stored...)
	known, unknown := s.logs(), adapter.NewLogs(s.conn, adapter.LogsConfig{})
	buckets := 0
	for i := range 80 {
		a := randomAggregation(t, random)
		got, err := []*adapter.Logs{known, unknown}[i%2].AggregateLogs(t.Context(), a)
		if err != nil {
			t.Fatalf("%d: %+v: %v", i, a, err)
		}
		want := recount{a}.buckets(s.events)
		if shown(got) != shown(want) {
			t.Fatalf("%d: %+v\ngroups %+v\ngot\n%swant\n%s", i, a, a.Groups, shown(got), shown(want))
		}
		buckets += len(got)
	}
	if buckets < 200 {
		t.Errorf("only %d buckets were compared", buckets)
	}
}
