package facets

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// defaultRulePast is of which events a rule's clauses are counted, where nobody says.
const defaultRulePast = "now-24h"

// CountRuleClauses counts the events of each clause of each query of a rule, with what else an
// event must be and have to count.
func (s *FacetService) CountRuleClauses(ctx context.Context, in *pb.CountRuleClausesRequest) (*pb.RuleClausesResponse, error) {
	all, err := s.Rules.Rules(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(r schema.Rule) bool { return r.ID == in.GetRuleId() })
	if at < 0 {
		return nil, &schema.NotFoundError{Kind: "rule", ID: in.GetRuleId()}
	}
	rule := &all[at]
	if rule.Type == schema.RuleSignalCorrelation {
		return nil, api.BadRequest("rule_id", "%s asks for signals; the clauses of rules of events are counted", rule.Name)
	}
	from, to := cmp.Or(in.GetFrom(), defaultRulePast), cmp.Or(in.GetTo(), "now")
	out := &pb.RuleClausesResponse{}
	for i := range rule.Queries {
		q := &rule.Queries[i]
		one := &pb.RuleQueryClauses{Name: cmp.Or(q.Name, string(rune('a'+i))), Query: wholeQuery(rule, q)}
		asked := &pb.CountClausesRequest{Filter: &pb.LogFilter{Query: one.Query, From: &from, To: &to}}
		if !q.OptionalGroupBys {
			asked.Fields = q.GroupByFields
		}
		if one.Counted, err = s.CountClauses(ctx, asked); err != nil {
			return nil, fmt.Errorf("count the clauses of query %s: %w", one.Name, err)
		}
		out.Queries = append(out.Queries, one)
	}
	return out, nil
}

// wholeQuery is a query with its extension and the filters of its rule.
func wholeQuery(rule *schema.Rule, q *schema.RuleQuery) string {
	texts := []string{q.Query}
	if strings.TrimSpace(q.CustomExtension) != "" {
		texts = append(texts, q.CustomExtension)
	}
	for i := range texts {
		texts[i] = "(" + cmp.Or(strings.TrimSpace(texts[i]), "*") + ")"
	}
	for _, f := range rule.Filters {
		sign := map[string]string{"require": "", "suppress": "-"}[f.Action]
		texts = append(texts, sign+"("+f.Query+")")
	}
	if len(texts) == 1 {
		return q.Query
	}
	return strings.Join(texts, " ")
}
