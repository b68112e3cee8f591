package rules

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/api"
	"nightjar/api/ruledoc"
	pb "nightjar/api/v1"
	"nightjar/compiler"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// RuleService serves RuleService.
type RuleService struct {
	pb.UnimplementedRuleServiceServer
	Store Store
	Check func(schema.Rule) ([]string, error)
	Reach Reach
	Event func(json []byte) (schema.Event, error)
}

// CreateRule stores a rule.
func (s *RuleService) CreateRule(ctx context.Context, in *pb.CreateRuleRequest) (*pb.Rule, error) {
	rule, err := ruledoc.Requested(in.GetRule())
	if err != nil {
		return nil, err
	}
	if err := ruledoc.RefuseUnseen(ctx, &rule); err != nil {
		return nil, err
	}
	warnings, err := s.examine(rule)
	if err != nil || in.GetDryRun() {
		return ruledoc.Answer(ctx, rule, s.andReach(ctx, rule, warnings), err)
	}
	stored, warnings, err := s.Store.CreateRule(ctx, rule)
	return ruledoc.Answer(ctx, stored, s.andReach(ctx, rule, warnings), err)
}

// ValidateRule checks a rule.
func (s *RuleService) ValidateRule(_ context.Context, in *pb.ValidateRuleRequest) (*emptypb.Empty, error) {
	rule, err := ruledoc.Requested(in.GetRule())
	if err != nil {
		return nil, err
	}
	if _, err := s.examine(rule); err != nil {
		return nil, ruledoc.Explain(err)
	}
	return &emptypb.Empty{}, nil
}

// examine says all that is wrong with a rule, or else what is worth knowing.
func (s *RuleService) examine(rule schema.Rule) ([]string, error) {
	warnings, err := s.Check(rule)
	return warnings, ruledoc.Joined(err, ruledoc.CheckValues(&rule))
}

// andReach adds what the rule asks for in vain.
func (s *RuleService) andReach(ctx context.Context, rule schema.Rule, warnings []string) []string {
	if s.Reach == nil {
		return warnings
	}
	return append(warnings, s.Reach.Look(ctx, rule)...)
}

// GetRule reads a rule.
func (s *RuleService) GetRule(ctx context.Context, in *pb.GetRuleRequest) (*pb.Rule, error) {
	rule, err := s.Store.Rule(ctx, in.GetRuleId())
	return ruledoc.Answer(ctx, rule, s.shownIdle(ctx, &rule), err)
}

// UpdateRule replaces fields of a rule.
func (s *RuleService) UpdateRule(ctx context.Context, in *pb.UpdateRuleRequest) (*pb.Rule, error) {
	update := in.GetRule()
	if update == nil {
		return nil, api.BadRequest("rule", "missing")
	}
	fields := in.GetUpdateMask().GetPaths()
	if x := api.ExchangeOf(ctx); x != nil {
		if fields = x.Present; len(fields) == 0 {
			fields = []string{"version"} // an empty object changes nothing
		}
	}
	stored, warnings, err := s.Store.UpdateRule(ctx, in.GetRuleId(), update.GetVersion(), func(r *schema.Rule) error {
		if err := ruledoc.RefuseUnseen(ctx, r); err != nil {
			return err
		}
		if err := ruledoc.Overwrite(r, update, fields); err != nil {
			return err
		}
		ruledoc.Complete(r)
		if err := ruledoc.RefuseUnseen(ctx, r); err != nil {
			return err
		}
		_, err := s.examine(*r)
		return err
	})
	if err == nil {
		warnings = s.andReach(ctx, stored, warnings)
	}
	return ruledoc.Answer(ctx, stored, warnings, err)
}

// DeleteRule deletes a rule.
func (s *RuleService) DeleteRule(ctx context.Context, in *pb.DeleteRuleRequest) (*emptypb.Empty, error) {
	if err := s.Store.DeleteRule(ctx, in.GetRuleId()); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// Sizes of a page of rules.
const (
	defaultRulePage = 10
	maxRulePage     = 100
)

// ListRules reads a page.
func (s *RuleService) ListRules(ctx context.Context, in *pb.ListRulesRequest) (*pb.ListRulesResponse, error) {
	var asked *int64
	if in.GetPage() != nil {
		asked = in.GetPage().Size
	}
	size, warnings := api.PageSize(asked, defaultRulePage, maxRulePage)
	number := in.GetPage().GetNumber()
	if number < 0 {
		return nil, api.BadRequest("page[number]", "want 0 or more, got %d", number)
	}
	stored, err := s.Store.Rules(ctx)
	if err != nil {
		return nil, err
	}
	total := len(stored)
	out := &pb.ListRulesResponse{Warnings: warnings}
	all, err := filterRules(stored, in.GetQuery())
	if err != nil {
		return nil, err
	}
	if err := sortRules(all, in.GetSort()); err != nil {
		return nil, err
	}
	out.Meta = &pb.ListRulesMeta{Page: &pb.RulePageMeta{TotalCount: int64(total), TotalFilteredCount: int64(len(all))}}
	from := min(number, int64(len(all))/size+1) * size
	for _, r := range all[min(from, int64(len(all))):min(from+size, int64(len(all)))] {
		p, err := ruledoc.Answer(ctx, *r, s.shownIdle(ctx, r), nil)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, p)
	}
	return out, nil
}

// shownIdle are the warnings that go with a rule as it is kept: where the
// reference's clients look, a rule reads back as it was written.
func (s *RuleService) shownIdle(ctx context.Context, r *schema.Rule) []string {
	if !ruledoc.OwnSurface(ctx) {
		return nil
	}
	out := schema.IdleWarnings(compiler.IdleOfRule(r))
	if s.Reach != nil {
		out = append(out, s.Reach.Warnings(r)...)
	}
	return out
}

// filterRules keeps the rules that a search over rules finds: by type, tag, id
// and the like (compiler.RuleEvent says by what).
func filterRules(all []schema.Rule, text string) (kept []*schema.Rule, err error) {
	query, err := search.ParseForRules(text)
	if err != nil {
		return nil, api.BadRequest("query", "%s", err)
	}
	matches := query.Matcher()
	_, everything := query.Root.(search.MatchAll)
	for i := range all {
		if everything || matches(compiler.RuleEvent(&all[i])) {
			kept = append(kept, &all[i])
		}
	}
	return kept, nil
}

// sortRules orders by a key, descending after a minus, then by id.
func sortRules(all []*schema.Rule, key string) error {
	key, descending := strings.CutPrefix(key, "-")
	var by func(a, b *schema.Rule) int
	switch key {
	case "":
		return nil
	case "name":
		by = func(a, b *schema.Rule) int { return cmp.Compare(a.Name, b.Name) }
	case "creation_date":
		by = func(a, b *schema.Rule) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) }
	case "update_date":
		by = func(a, b *schema.Rule) int {
			return cmp.Compare(max(a.UpdatedAt, a.CreatedAt), max(b.UpdatedAt, b.CreatedAt))
		}
	case "enabled":
		by = func(a, b *schema.Rule) int { return compareBools(a.IsEnabled, b.IsEnabled) }
	case "type":
		by = func(a, b *schema.Rule) int { return cmp.Compare(a.Type, b.Type) }
	case "highest_severity":
		by = func(a, b *schema.Rule) int { return cmp.Compare(highestSeverity(a), highestSeverity(b)) }
	case "source":
		by = func(a, b *schema.Rule) int { return cmp.Compare(firstSource(a), firstSource(b)) }
	default:
		return api.BadRequest("sort", "want name, creation_date, update_date, enabled, type, highest_severity or source, got %q", key)
	}
	slices.SortStableFunc(all, func(a, b *schema.Rule) int {
		if descending {
			return by(b, a)
		}
		return by(a, b)
	})
	return nil
}

// compareBools orders no before yes.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func highestSeverity(r *schema.Rule) int {
	highest := -1
	for _, c := range r.Cases {
		highest = max(highest, slices.Index(schema.Severities, c.Severity()))
	}
	return highest
}

// firstSource is the source that a rule is sorted by.
func firstSource(r *schema.Rule) string {
	if all := compiler.RuleSources(r); len(all) > 0 {
		return all[0]
	}
	return ""
}

// Store keeps the rules. scheduler.Scheduler implements it.
type Store interface {
	CreateRule(context.Context, schema.Rule) (stored schema.Rule, warnings []string, err error)
	// UpdateRule changes a rule; ifVersion, unless 0, must be its version.
	UpdateRule(ctx context.Context, id string, ifVersion int64, edit func(*schema.Rule) error) (stored schema.Rule, warnings []string, err error)
	DeleteRule(ctx context.Context, id string) error
	Rule(ctx context.Context, id string) (schema.Rule, error)
	// RuleVersions are all versions of a rule, ascending.
	RuleVersions(ctx context.Context, id string) ([]schema.Rule, error)
	// Rules are all rules, by id.
	Rules(context.Context) ([]schema.Rule, error)
}

// Reach knows which rules ask for what no stored event has.
type Reach interface {
	// Look says what a rule asks for in vain.
	Look(context.Context, schema.Rule) []string
	// Warnings are what was found of a stored rule lately.
	Warnings(*schema.Rule) []string
}
