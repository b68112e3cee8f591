package events

import (
	"context"
	"fmt"
	"strings"

	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// ExplainSearch shows how a query is understood and run.
func (s *SearchService) ExplainSearch(ctx context.Context, in *pb.ExplainSearchRequest) (*pb.ExplainSearchResponse, error) {
	r, err := s.Selected(in.GetFilter())
	if err != nil {
		return nil, err
	}
	var tree strings.Builder
	if err := writeTree(&tree, r.Query.Root, 0); err != nil {
		return nil, err
	}
	e, err := s.Store.ExplainLogs(ctx, LogSearch{Query: r.Query, From: r.From, To: r.To, Limit: defaultLogPage})
	if err != nil {
		return nil, err
	}
	out := &pb.ExplainSearchResponse{Canonical: r.Query.String(), Tree: tree.String(), Sql: e.SQL, Params: e.Params}
	for _, i := range e.Indexes {
		out.Indexes = append(out.Indexes, &pb.IndexUse{
			Kind: i.Kind, Name: i.Name, Keys: i.Keys, Condition: i.Condition,
			PartsBefore: i.PartsBefore, PartsAfter: i.PartsAfter, GranulesBefore: i.GranulesBefore, GranulesAfter: i.GranulesAfter,
		})
	}
	return out, nil
}

// writeTree writes a node and those below it, one a line.
func writeTree(b *strings.Builder, n search.Node, depth int) error {
	line := func(format string, args ...any) {
		fmt.Fprintf(b, "%s%s\n", strings.Repeat("  ", depth), fmt.Sprintf(format, args...))
	}
	switch n := n.(type) {
	case search.MatchAll:
		line("every event")
	case search.Conjunction:
		line("all of")
		return writeTrees(b, n.Nodes, depth+1)
	case search.Disjunction:
		line("any of")
		return writeTrees(b, n.Nodes, depth+1)
	case search.Negation:
		line("not")
		return writeTree(b, n.Node, depth+1)
	case search.Words:
		place := "message"
		if n.Everywhere {
			place = "message or any attribute"
		}
		line("%s contains %s", place, patternText(n.Pattern))
	case search.Equals:
		line("%s is %q", fieldText(n.Field), n.Value)
	case search.Like:
		line("%s is like %s", fieldText(n.Field), patternText(n.Pattern))
	case search.Range:
		line("%s is %s", fieldText(n.Field), rangeText(n))
	case search.Exists:
		line("%s exists", fieldText(n.Field))
	case search.Network:
		line("%s is an address in %s", fieldText(n.Field), strings.Trim(fmt.Sprint(n.Blocks), "[]"))
	case search.Folded:
		texts := make([]string, len(n.Patterns))
		for i, p := range n.Patterns {
			texts[i] = patternText(p)
		}
		line("%s is, in any letter case, %s", fieldText(n.Field), strings.Join(texts, " or "))
	case search.Regexp:
		line("%s has what the expression %q finds", fieldText(n.Field), n.Expr)
	case search.Same:
		line("%s and %s have a value in common", fieldText(n.Field), fieldText(n.Other))
	case search.Measured:
		size := map[search.Measure]string{search.MeasureLength: "the length of a value of", search.MeasureCount: "the number of elements of"}[n.Measure]
		line("%s %s is %s %d", size, fieldText(n.Field), n.Op, n.Number)
	case search.Any:
		line("for some element of %s", fieldText(n.Field))
		return writeTree(b, n.Node, depth+1)
	default:
		return fmt.Errorf("explain: no text for %T", n)
	}
	return nil
}

func writeTrees(b *strings.Builder, nodes []search.Node, depth int) error {
	for _, n := range nodes {
		if err := writeTree(b, n, depth); err != nil {
			return err
		}
	}
	return nil
}

func patternText(p search.Pattern) string {
	if text, literal := p.Literal(); literal {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("the pattern %q", string(p))
}

func fieldText(f schema.Field) string {
	switch f.Kind {
	case schema.FieldAttribute:
		return "attribute " + f.Name
	case schema.FieldTag:
		return "tag " + f.Name
	}
	return f.Name
}

func rangeText(r search.Range) string {
	var parts []string
	for _, end := range []struct {
		bound  search.Bound
		strict string
	}{{r.Low, "above"}, {r.High, "below"}} {
		if end.bound.Open {
			continue
		}
		text := fmt.Sprintf("%s %q", end.strict, end.bound.Value)
		if end.bound.Inclusive {
			text = fmt.Sprintf("%s or equal to %q", end.strict, end.bound.Value)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " and ")
}
