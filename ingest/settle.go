package ingest

import (
	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// Where an event's own timestamp is kept when another one counts.
const (
	ownAttribute      = "nightjar"
	originalTimestamp = "original_timestamp"
)

// settleTime gives the event its arrival time. An event that claims to be far
// ahead of the clock, or at a time that cannot be stored, happened when it
// arrived; what it claimed stays in @nightjar.original_timestamp.
func (in *Intake) settleTime(e *schema.Event, seen schema.Millis) (moved bool) {
	e.Seen = seen
	if e.At <= seen.Add(in.config.MaxAhead) && e.At >= schema.MinMillis && e.At <= schema.MaxMillis {
		return false
	}
	var arena fastjson.Arena
	e.Attributes = withOriginal(e.Attributes, arena.NewNumberString(schema.Leaf{Kind: schema.KindInt, Int: int64(e.At)}.Text()))
	e.At = seen
	return true
}

// withOriginal adds the attribute, beside what a sender may have put there.
func withOriginal(a schema.Attributes, value *fastjson.Value) schema.Attributes {
	var pairs []schema.Pair
	if v, err := fastjson.Parse(a.JSON); err == nil {
		if o, err := v.Object(); err == nil {
			pairs = schema.Pairs(o)
		}
	}
	out, _ := schema.NewAttributes(append(pairs, originalPair(pairs, value)))
	return out
}

// originalPair is the attribute as a pair to append to these: the last of
// several with one key counts, so it takes in the members of a former one.
func originalPair(pairs []schema.Pair, value *fastjson.Value) schema.Pair {
	var arena fastjson.Arena
	own := arena.NewObject()
	for _, p := range pairs {
		if p.Key == ownAttribute && p.Value.Type() == fastjson.TypeObject {
			own = p.Value
		}
	}
	own.Set(originalTimestamp, value)
	return schema.Pair{Key: ownAttribute, Value: own}
}
