package facets

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"nightjar/api"
	"nightjar/api/services/events"
	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// Bounds of patterns.
const (
	defaultPatterns = 50
	maxPatterns     = 500
)

// PatternLength is how many characters of a message make its pattern.
const PatternLength = 512

// PatternsQuestion asks for the most frequent shapes of messages of events.
type PatternsQuestion struct {
	Selection
	Limit int
	// Within has only as much of the newest events counted as that takes; 0: all.
	Within time.Duration
}

// Patterns are the most frequent shapes, the most frequent first.
type Patterns struct {
	Patterns []PatternCount
	// Total is how many events were grouped, and Distinct how many shapes they have.
	Total, Distinct uint64
	// Partial says that the time ran out: there are more.
	Partial bool
	// From is since when it was counted, if not all could be Within the time.
	From *schema.Millis
}

// PatternCount is a shape of messages. A byte of Shape that is a key of PatternNames stands for
// what differs; Cut says that messages go on after it.
type PatternCount struct {
	Shape       string
	Cut         bool
	Count       uint64
	First, Last PatternExample
}

// PatternExample is an event of a shape, with the beginning of its message.
type PatternExample struct {
	At      schema.Millis
	Seq     uint64
	Message string
}

// PatternNames are what differs in messages, by the byte that stands for it in a shape. No
// message has these bytes there: they are control characters, which are one of the kinds.
var PatternNames = map[byte]string{1: "<quoted>", 2: "<uuid>", 3: "<ip>", 4: "<hex>", 5: "<number>", 6: "<control>"}

// CountEventPatterns groups events by the shape of their messages.
func (s *FacetService) CountEventPatterns(ctx context.Context, in *pb.EventPatternsRequest) (*pb.EventPatternsResponse, error) {
	began := time.Now()
	r, err := s.Events.Selected(in.GetFilter())
	if err != nil {
		return nil, err
	}
	q := PatternsQuestion{Selection: ofEvents(r), Limit: defaultPatterns}
	if q.Within, err = withinOf(in.WithinMs); err != nil {
		return nil, err
	}
	if in.Limit != nil {
		q.Limit = int(in.GetLimit())
	}
	if q.Limit < 1 || q.Limit > maxPatterns {
		return nil, api.BadRequest("limit", "want 1 to %d, got %d", maxPatterns, q.Limit)
	}
	found, err := s.Store.Patterns(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &pb.EventPatternsResponse{
		Total: int64(found.Total), Distinct: int64(found.Distinct), Others: int64(found.Total),
		Partial: found.Partial, CountedFrom: moment(found.From), ElapsedMs: time.Since(began).Milliseconds(),
	}
	for _, p := range found.Patterns {
		out.Others -= int64(p.Count)
		out.Patterns = append(out.Patterns, &pb.EventPattern{
			Pattern: p.named(), Count: int64(p.Count), Query: p.query(r), First: p.First.shown(), Last: p.Last.shown(),
		})
	}
	return out, nil
}

func (e PatternExample) shown() *pb.PatternExample {
	return &pb.PatternExample{EventId: schema.EventID(e.At, e.Seq), Timestamp: int64(e.At), Message: e.Message}
}

// named is the shape as people read it.
func (p PatternCount) named() string {
	var b strings.Builder
	for i := range len(p.Shape) {
		if name := PatternNames[p.Shape[i]]; name != "" {
			b.WriteString(name)
		} else {
			b.WriteByte(p.Shape[i])
		}
	}
	if p.Cut {
		b.WriteString("…")
	}
	return b.String()
}

// query is the selection's with this pattern; empty where none says it.
func (p PatternCount) query(of events.Selection) string {
	parts := []search.Node{of.Query.Root}
	if c, ok := of.Query.Root.(search.Conjunction); ok {
		parts = append([]search.Node{}, c.Nodes...)
	}
	if _, all := of.Query.Root.(search.MatchAll); all {
		parts = nil
	}
	parts = append(parts, p.node())
	root := parts[0]
	if len(parts) > 1 {
		root = search.Conjunction{Nodes: parts}
	}
	text := (&search.Query{Root: root}).String()
	if _, err := search.Parse(text); err != nil {
		return "" // more than a search may have
	}
	return text
}

// node is the condition that messages of the shape fulfil.
func (p PatternCount) node() search.Node {
	if p.Shape == "" {
		return search.Negation{Node: search.Exists{Field: schema.ParseField("message")}}
	}
	var b strings.Builder
	open := false // it ends with a wildcard
	for rest := p.Shape; rest != ""; {
		n := strings.IndexFunc(rest, func(r rune) bool { return r < utf8.RuneSelf && PatternNames[byte(r)] != "" })
		if n == 0 {
			if !open {
				b.WriteByte('*')
			}
			open, rest = true, rest[1:]
			continue
		}
		if n < 0 {
			n = len(rest)
		}
		b.WriteString(string(search.LiteralPattern(rest[:n])))
		open, rest = false, rest[n:]
	}
	if p.Cut && !open {
		b.WriteByte('*')
	}
	return search.Words{Pattern: search.Pattern(b.String())}
}
