package ingest

import (
	"math"
	"strconv"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
	"nightjar/ingest/times"
	"nightjar/schema"
)

// What the intake says of an event stands in an attribute of its own, beside what
// a sender may have put there.
const (
	ownAttribute = "nightjar"
	// originalTimestamp keeps the time that does not count, and timestampProblem
	// says why it does not.
	originalTimestamp = "original_timestamp"
	timestampProblem  = "timestamp_problem"
)

// Why an event's own time does not count.
const (
	tooEarly = "before the year 2000"
	tooLate  = "ahead of the clock"
)

// NoTime is the time of an event that has none and was read offline, where there
// is no arrival to stand in for it.
const NoTime = schema.Millis(math.MinInt64)

// settleTime gives the event its arrival time. An event that claims to be far
// ahead of the clock, or of before the year 2000, happened when it arrived; what
// it claimed stays in @nightjar.original_timestamp.
func settleTime(e *schema.Event, seen schema.Millis, ahead time.Duration) (moved bool) {
	e.Seen = seen
	problem := ""
	switch {
	case e.At > seen.Add(ahead):
		problem = tooLate
	case e.At < times.Earliest:
		problem = tooEarly
	default:
		return false
	}
	e.Attributes = withOwn(e.Attributes, ownMembers{
		originalTimestamp: millisValue(e.At), timestampProblem: textValue(problem),
	})
	e.At = seen
	return true
}

func millisValue(at schema.Millis) *fastjson.Value {
	var arena fastjson.Arena
	return arena.NewNumberString(strconv.FormatInt(int64(at), 10))
}

func textValue(s string) *fastjson.Value {
	var arena fastjson.Arena
	return record.String(&arena, s)
}

// ownMembers are members of the intake's own attribute.
type ownMembers map[string]*fastjson.Value

// withOwn adds them to attributes that are made already.
func withOwn(a schema.Attributes, members ownMembers) schema.Attributes {
	var pairs []schema.Pair
	if v, err := fastjson.Parse(a.JSON); err == nil {
		if o, err := v.Object(); err == nil {
			pairs = schema.Pairs(o)
		}
	}
	out, _ := schema.NewAttributes(append(pairs, ownPair(new(fastjson.Arena), pairs, members)))
	return out
}

// ownPair is the attribute as a pair to append to these: the last of several with
// one key counts, so it takes in the members of a former one.
func ownPair(arena *fastjson.Arena, pairs []schema.Pair, members ownMembers) schema.Pair {
	own := arena.NewObject()
	for _, p := range pairs {
		if p.Key == ownAttribute && p.Value.Type() == fastjson.TypeObject {
			own = p.Value
		}
	}
	for _, key := range []string{originalTimestamp, timestampProblem, cutAttribute, sourceGuessed, pipelinesAttribute, pipelineErrors} {
		if v := members[key]; v != nil {
			own.Set(key, v)
		}
	}
	return schema.Pair{Key: ownAttribute, Value: own}
}
