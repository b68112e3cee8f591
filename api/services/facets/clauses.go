package facets

import (
	"context"
	"fmt"
	"strings"
	"time"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// Bounds of what is counted by clause.
const (
	maxClauses      = 32 // bits of a Held
	maxClauseFields = 20
)

// ClausesQuestion asks which parts of a search hold for the events of a time, whatever its
// query: at most 32 of them.
type ClausesQuestion struct {
	Selection
	Parts []*search.Query
}

// Held says of each part whether it holds: the bit of its number.
type Held uint32

// HeldCounts are how many events there are of each combination of parts that hold.
type HeldCounts struct {
	Events map[Held]uint64
	// Partial says that the time ran out: there are more.
	Partial bool
}

// of is how many events all of these parts hold for.
func (h HeldCounts) of(parts Held) (n uint64) {
	for held, events := range h.Events {
		if held&parts == parts {
			n += events
		}
	}
	return n
}

// ofAny is how many events one of these parts holds for, and all of those.
func (h HeldCounts) ofAny(these, all Held) (n uint64) {
	for held, events := range h.Events {
		if held&these != 0 && held&all == all {
			n += events
		}
	}
	return n
}

// CountClauses counts the events of each clause of a search, by itself and with the others.
func (s *FacetService) CountClauses(ctx context.Context, in *pb.CountClausesRequest) (*pb.ClausesResponse, error) {
	began := time.Now()
	if n := len(in.GetFields()); n > maxClauseFields {
		return nil, api.BadRequest("fields", "at most %d, got %d", maxClauseFields, n)
	}
	r, err := s.Events.Selected(in.GetFilter())
	if err != nil {
		return nil, err
	}
	c := clausesOf(r.Query)
	c.leftOut = max(0, len(c.parts)-(maxClauses-len(in.GetFields())))
	c.parts = c.parts[:len(c.parts)-c.leftOut]
	c.terms = len(c.parts)
	for i, name := range in.GetFields() {
		f := r.Names.Rename(schema.ParseField(name))
		if name == "" || name == "@" {
			return nil, api.BadRequest(fmt.Sprintf("fields[%d]", i), "an empty name; want a field, such as host or @usr.id")
		}
		c.parts = append(c.parts, search.Having(f))
	}
	everything := *r.Query
	everything.Root = search.MatchAll{}
	of := ofEvents(r)
	of.Query = &everything
	if c.held, err = s.Store.Clauses(ctx, ClausesQuestion{Selection: of, Parts: c.parts}); err != nil {
		return nil, err
	}
	out := c.answer(in.GetFilter().GetQuery(), in.GetFields())
	out.ElapsedMs = time.Since(began).Milliseconds()
	return out, nil
}

// countedClauses are clauses, and what of them holds for how many events.
type countedClauses struct {
	parts        []*search.Query // the query's own, and after them the fields
	terms        int             // how many are the query's own
	alternatives bool
	leftOut      int
	held         HeldCounts
}

func clausesOf(q *search.Query) *countedClauses {
	c := &countedClauses{}
	c.parts, c.alternatives = q.Clauses()
	return c
}

// answer puts the numbers beside the clauses.
func (c *countedClauses) answer(query string, fields []string) *pb.ClausesResponse {
	out := &pb.ClausesResponse{Events: int64(c.held.of(0)), Total: int64(c.total(0)), Alternatives: c.alternatives, Partial: c.held.Partial, LeftOut: int64(c.leftOut)}
	for i, part := range c.parts {
		clause := &pb.CountedClause{Alone: int64(c.held.of(bit(i))), SoFar: int64(c.soFar(i)), Without: int64(c.total(bit(i)))}
		clause.Decides = out.Total == 0 && clause.Without > 0
		if i < c.terms {
			place := schema.SyntaxErrorAt(query, part.Root.Pos(), "", "")
			clause.Text, clause.Line, clause.Column = part.String(), int64(place.Line), int64(place.Column)
		} else {
			clause.Text = fields[i-c.terms]
		}
		out.Clauses = append(out.Clauses, clause)
	}
	if out.Total == 0 && c.leftOut == 0 {
		out.Why = c.why(out)
	}
	return out
}

func bit(i int) Held { return 1 << i }

// below are the bits of all parts before one.
func below(i int) Held { return Held(uint64(1)<<i - 1) }

// total is how many events the search finds, without some of the parts.
func (c *countedClauses) total(without Held) uint64 {
	terms, fields := below(c.terms)&^without, (below(len(c.parts))&^below(c.terms))&^without
	if c.alternatives {
		return c.held.ofAny(terms, fields)
	}
	return c.held.of(terms | fields)
}

// soFar is how many events are left by a part and those before it.
func (c *countedClauses) soFar(i int) uint64 {
	switch own := below(c.terms); {
	case !c.alternatives:
		return c.held.of(below(i + 1))
	case i < c.terms:
		return c.held.ofAny(below(i+1), 0)
	default:
		return c.held.ofAny(own, below(i+1)&^own)
	}
}

// why says which part leaves nothing, where nothing is found.
func (c *countedClauses) why(out *pb.ClausesResponse) string {
	if out.Events == 0 {
		return "There is no event in this time."
	}
	var never, decides []string
	for i, clause := range out.Clauses {
		switch has := i >= c.terms; {
		case clause.Alone == 0 && !(c.alternatives && !has):
			never = append(never, api.Shorten(clause.Text))
		case clause.Decides:
			decides = append(decides, fmt.Sprintf("%s leaves nothing: without it %s.", api.Shorten(clause.Text), found(clause.Without)))
		}
	}
	switch {
	case c.alternatives && c.held.ofAny(below(c.terms), 0) == 0:
		return "No event of this time matches one of the alternatives."
	case len(never) > 0:
		return "No event of this time has " + listed(never, "or") + "."
	case len(decides) > 0:
		return strings.Join(decides[:min(3, len(decides))], " ")
	}
	if i, j, ok := c.exclusive(); ok {
		a, b := out.Clauses[i], out.Clauses[j]
		return fmt.Sprintf("No event has both %s (%d) and %s (%d).", api.Shorten(a.Text), a.Alone, api.Shorten(b.Text), b.Alone)
	}
	for i, clause := range out.Clauses {
		if clause.SoFar == 0 && i > 0 {
			return fmt.Sprintf("%s leaves nothing of the %d that the clauses before it leave.", api.Shorten(clause.Text), out.Clauses[i-1].SoFar)
		}
	}
	return ""
}

// exclusive are two parts that no event has both of.
func (c *countedClauses) exclusive() (i, j int, ok bool) {
	for i := range c.parts {
		for j := range i {
			if !c.alternatives && c.held.of(bit(i)|bit(j)) == 0 {
				return j, i, true
			}
		}
	}
	return 0, 0, false
}

func found(n int64) string {
	if n == 1 {
		return "1 event is found"
	}
	return fmt.Sprintf("%d events are found", n)
}

// listed are texts with commas, and a word before the last.
func listed(texts []string, word string) string {
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " " + word + " " + texts[len(texts)-1]
}
