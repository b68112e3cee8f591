package authoring

import (
	"cmp"
	"context"
	"slices"
	"strings"

	pb "nightjar/api/v1"
	"nightjar/content/attack"
	"nightjar/scheduler"
	"nightjar/schema"
)

// What a rule does for the techniques that its tags name.
const (
	proved   = "proved"
	tagged   = "tagged"
	failing  = "failing"
	dead     = "dead"
	disabled = "disabled"
)

// GetAttackCoverage says which techniques the rules are about.
func (s *RuleAuthoringService) GetAttackCoverage(ctx context.Context, _ *pb.GetAttackCoverageRequest) (*pb.AttackCoverage, error) {
	stored, err := s.Rules.Rules(ctx)
	if err != nil {
		return nil, err
	}
	ship, err := readBundled()
	if err != nil {
		return nil, err
	}
	out := matrix()
	costs := map[string]scheduler.RuleCost{}
	for _, c := range s.Costs() {
		costs[c.RuleID] = c
	}
	for i := range stored {
		r := &stored[i]
		one := covering(r)
		if one == nil {
			if r.IsEnabled {
				out.Untagged++
			}
			continue
		}
		one.Id, one.Version = r.ID, r.Version
		one.State, one.Reason = s.liveness(r, costs)
		out.Rules = append(out.Rules, one)
	}
	if out.Pending, err = s.addOutcomes(ctx, out.Rules, stored, ship); err != nil {
		return nil, err
	}
	slices.SortFunc(out.Rules, func(a, b *pb.CoveringRule) int {
		return cmp.Or(strings.Compare(a.GetName(), b.GetName()), strings.Compare(a.GetId(), b.GetId()))
	})
	addAbsent(out, ship, stored)
	return out, nil
}

// matrix is the matrix without a rule.
func matrix() *pb.AttackCoverage {
	out := &pb.AttackCoverage{AttackVersion: attack.Version}
	for _, t := range attack.Known().Tactics {
		out.Tactics = append(out.Tactics, &pb.AttackTactic{Id: t.ID, Slug: t.Slug, Name: t.Name})
	}
	for _, t := range attack.Known().Techniques {
		out.Techniques = append(out.Techniques, &pb.AttackTechnique{Id: t.ID, Name: t.Name, Tactics: t.Tactics})
	}
	return out
}

// covering is what the tags of a rule name; nil: nothing of ATT&CK.
func covering(r *schema.Rule) *pb.CoveringRule {
	claims := attack.ClaimsOf(r.Tags)
	if len(claims.Techniques) == 0 && len(claims.Tactics) == 0 {
		return nil
	}
	one := &pb.CoveringRule{Name: r.Name, Techniques: claims.Techniques, Tactics: claims.Tactics}
	for _, tag := range r.Tags {
		if source, ok := strings.CutPrefix(tag, "source:"); ok && source != "" && !slices.Contains(one.Sources, source) {
			one.Sources = append(one.Sources, source)
		}
	}
	return one
}

// liveness is whether a stored rule finds anything, whatever its tests say, and why not.
func (s *RuleAuthoringService) liveness(r *schema.Rule, costs map[string]scheduler.RuleCost) (state, reason string) {
	if !r.IsEnabled {
		return disabled, ""
	}
	if c := costs[r.ID]; c.Unsupported != "" || c.Failing != "" {
		return failing, cmp.Or(c.Unsupported, c.Failing)
	}
	if s.Reach != nil {
		if inVain := s.Reach.InVain(r); len(inVain) > 0 {
			return dead, strings.Join(inVain, "; ")
		}
	}
	return tagged, ""
}

// addAbsent adds the rules that ship and that no stored rule is named as.
func addAbsent(out *pb.AttackCoverage, ship []bundled, stored []schema.Rule) {
	for i := range ship {
		if slices.ContainsFunc(stored, func(r schema.Rule) bool { return r.Name == ship[i].rule.Name }) {
			continue
		}
		if one := covering(&ship[i].rule); one != nil {
			one.State, one.Bundled, one.Tests = absent, ship[i].name, "none"
			out.Rules = append(out.Rules, one)
		}
	}
}
