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
	"nightjar/compiler/rulecheck"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// RuleService serves RuleService.
type RuleService struct {
	pb.UnimplementedRuleServiceServer
	Store Store
	// Check says what is wrong with a rule that is not to be stored.
	Check func(schema.Rule) rulecheck.Checked
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
	if in.GetDryRun() {
		checked := s.Check(rule)
		return s.answerChecked(ctx, checked, checked.Err())
	}
	stored, err := s.Store.CreateRule(ctx, rule)
	return s.answerChecked(ctx, stored, err)
}

// answerChecked is a rule with all that is worth knowing of it: of what it asks for in
// vain, too.
func (s *RuleService) answerChecked(ctx context.Context, checked rulecheck.Checked, err error) (*pb.Rule, error) {
	if err != nil {
		return nil, ruledoc.Explain(err)
	}
	warnings := checked.Warnings
	if s.Reach != nil {
		warnings = append(warnings, s.Reach.Look(ctx, checked.Plan)...)
	}
	return ruledoc.Answer(ctx, checked.Plan.Rule, warnings, nil)
}

// ValidateRule checks a rule.
func (s *RuleService) ValidateRule(_ context.Context, in *pb.ValidateRuleRequest) (*emptypb.Empty, error) {
	rule, err := ruledoc.Requested(in.GetRule())
	if err != nil {
		return nil, err
	}
	checked := s.Check(rule)
	if err := checked.Err(); err != nil {
		return nil, ruledoc.Explain(err)
	}
	return &emptypb.Empty{}, nil
}

// GetRule reads a rule.
func (s *RuleService) GetRule(ctx context.Context, in *pb.GetRuleRequest) (*pb.Rule, error) {
	rule, err := s.Store.Rule(ctx, in.GetRuleId())
	return ruledoc.Answer(ctx, rule, s.shownWarnings(ctx, &rule), err)
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
	stored, err := s.Store.UpdateRule(ctx, in.GetRuleId(), update.GetVersion(), func(r *schema.Rule) error {
		if err := ruledoc.RefuseUnseen(ctx, r); err != nil {
			return err
		}
		if err := ruledoc.Overwrite(r, update, fields); err != nil {
			return err
		}
		ruledoc.Complete(r)
		return ruledoc.RefuseUnseen(ctx, r)
	})
	return s.answerChecked(ctx, stored, err)
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
		p, err := ruledoc.Answer(ctx, *r, s.shownWarnings(ctx, r), nil)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, p)
	}
	return out, nil
}

// shownWarnings are the warnings that go with a rule as it is kept: where the
// reference's clients look, a rule reads back as it was written.
func (s *RuleService) shownWarnings(ctx context.Context, r *schema.Rule) []string {
	if s.Reach == nil || !ruledoc.OwnSurface(ctx) {
		return nil
	}
	return s.Reach.Warnings(r)
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

// Store keeps the rules. scheduler.RuleStore implements it.
type Store interface {
	// CreateRule checks and stores a rule, and returns it as it is stored.
	CreateRule(context.Context, schema.Rule) (rulecheck.Checked, error)
	// UpdateRule changes a rule, likewise; ifVersion, unless 0, must be its version.
	UpdateRule(ctx context.Context, id string, ifVersion int64, edit func(*schema.Rule) error) (rulecheck.Checked, error)
	DeleteRule(ctx context.Context, id string) error
	Rule(ctx context.Context, id string) (schema.Rule, error)
	// RuleVersions are all versions of a rule, ascending.
	RuleVersions(ctx context.Context, id string) ([]schema.Rule, error)
	// Rules are all rules, by id.
	Rules(context.Context) ([]schema.Rule, error)
}

// Reach knows which rules have no effect, and which ask for what no stored event has.
type Reach interface {
	// Look says what a rule asks for in vain.
	Look(context.Context, *compiler.Plan) []string
	// Warnings are what has no effect of a stored rule, with what was found of its
	// reach lately.
	Warnings(*schema.Rule) []string
	// InVain is what a stored rule asks for that no event has, as it was found lately.
	InVain(*schema.Rule) []string
}
