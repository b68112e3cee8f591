package rules

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/api"
	"nightjar/api/codec"
	"nightjar/api/ruledoc"
	pb "nightjar/api/v1"
	"nightjar/compiler"
	"nightjar/compiler/rulecheck"
	"nightjar/compiler/search"
	"nightjar/scheduler"
	"nightjar/scheduler/backtest"
	"nightjar/schema"
)

// SuppressionService serves SuppressionService.
type SuppressionService struct {
	pb.UnimplementedSuppressionServiceServer
	Store Suppressions
	Rules Store
	// Check says what is wrong with a rule that is not to be stored.
	Check func(schema.Rule) rulecheck.Checked

	Previews Previews
	// Hidden counts what suppressions withhold.
	Hidden Hidden
	// Kept is for how long signals are kept after they were last seen; 0: for ever; nil: so too.
	Kept func() time.Duration
	Now  func() time.Time
}

// CreateSuppression stores a suppression.
func (s *SuppressionService) CreateSuppression(ctx context.Context, in *pb.CreateSuppressionRequest) (*pb.SuppressionResponse, error) {
	p, err := requestedSuppression(in)
	if err != nil {
		return nil, err
	}
	p.UpdatedBy = api.AuthorOf(ctx)
	return suppressionAnswer(s.Store.CreateSuppression(ctx, p))
}

// ValidateSuppression checks a suppression.
func (s *SuppressionService) ValidateSuppression(_ context.Context, in *pb.CreateSuppressionRequest) (*emptypb.Empty, error) {
	p, err := requestedSuppression(in)
	if err != nil {
		return nil, err
	}
	_, err = compiler.CompileSuppression(p)
	return &emptypb.Empty{}, suppressionProblem(err)
}

func requestedSuppression(in *pb.CreateSuppressionRequest) (p schema.Suppression, err error) {
	attributes := in.GetData().GetAttributes()
	if attributes == nil {
		return p, api.BadRequest(api.AttributesPath, "missing")
	}
	if err := codec.FromMessage(attributes, &p); err != nil {
		return p, err
	}
	slices.Sort(p.Tags)
	return p, nil
}

// ListSuppressions reads a page.
func (s *SuppressionService) ListSuppressions(ctx context.Context, in *pb.ListSuppressionsRequest) (*pb.SuppressionsPage, error) {
	all, err := s.Store.Suppressions(ctx)
	if err != nil {
		return nil, err
	}
	query, err := search.Parse(in.GetQuery())
	if err != nil {
		return nil, api.BadRequest("query", "%s", err)
	}
	matches := query.Matcher()
	all = slices.DeleteFunc(all, func(p schema.Suppression) bool { return !matches(suppressionEvent(&p)) })
	if err := sortSuppressions(all, in.GetSort()); err != nil {
		return nil, err
	}
	size, number := int64(-1), in.GetPage().GetNumber()
	if p := in.GetPage(); p != nil && p.Size != nil {
		size = p.GetSize()
	}
	if size < -1 || size == 0 || number < 0 {
		return nil, api.BadRequest("page", "want a size of 1 or more, or -1 for all, and a number from 0; got %d and %d", size, number)
	}
	total := int64(len(all))
	if size == -1 {
		size = max(total, 1)
	}
	out := &pb.SuppressionsPage{Meta: &pb.SuppressionsMeta{Page: &pb.SuppressionsPageMeta{TotalCount: total, PageSize: size, PageNumber: number}}}
	from := min(number, total/size+1) * size
	all = all[min(from, total):min(from+size, total)]
	shown, err := suppressionsAnswer(all, nil)
	out.Data = shown.GetData()
	return out, err
}

// suppressionEvent is a suppression as a search over them sees it.
func suppressionEvent(p *schema.Suppression) *schema.Event {
	return &schema.Event{Message: p.Name + "\n" + p.Description, At: p.CreatedAt, Tags: append(slices.Clone(p.Tags),
		"id:"+p.ID, "name:"+p.Name, "enabled:"+strconv.FormatBool(p.Enabled), "rule_query:"+p.RuleQuery,
		"suppression_query:"+p.SuppressionQuery, "data_exclusion_query:"+p.DataExclusionQuery)}
}

// sortSuppressions orders by a key, descending after a minus, then by creation.
func sortSuppressions(all []schema.Suppression, key string) error {
	key, descending := strings.CutPrefix(key, "-")
	moment := func(m *schema.Millis) schema.Millis {
		if m == nil {
			return 0
		}
		return *m
	}
	by := map[string]func(a, b *schema.Suppression) int{
		"":              func(*schema.Suppression, *schema.Suppression) int { return 0 },
		"name":          func(a, b *schema.Suppression) int { return cmp.Compare(a.Name, b.Name) },
		"creation_date": func(a, b *schema.Suppression) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) },
		"update_date":   func(a, b *schema.Suppression) int { return cmp.Compare(a.UpdatedAt, b.UpdatedAt) },
		"start_date":    func(a, b *schema.Suppression) int { return cmp.Compare(moment(a.StartDate), moment(b.StartDate)) },
		"expiration_date": func(a, b *schema.Suppression) int {
			return cmp.Compare(moment(a.ExpirationDate), moment(b.ExpirationDate))
		},
		"enabled": func(a, b *schema.Suppression) int { return compareBools(a.Enabled, b.Enabled) },
	}[key]
	if by == nil {
		return api.BadRequest("sort", "want name, start_date, expiration_date, update_date, creation_date or enabled, got %q", key)
	}
	slices.SortStableFunc(all, func(a, b schema.Suppression) int {
		order := by(&a, &b)
		if descending {
			order = -order
		}
		return cmp.Or(order, cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return nil
}

// GetSuppression reads a suppression.
func (s *SuppressionService) GetSuppression(ctx context.Context, in *pb.GetSuppressionRequest) (*pb.SuppressionResponse, error) {
	if !schema.IsID(in.GetSuppressionId()) { // it cannot be one
		return nil, &api.Error{Code: api.CodeNotFound, Message: "Not found"}
	}
	return suppressionAnswer(s.Store.Suppression(ctx, in.GetSuppressionId()))
}

// UpdateSuppression changes a suppression.
func (s *SuppressionService) UpdateSuppression(ctx context.Context, in *pb.UpdateSuppressionRequest) (*pb.SuppressionResponse, error) {
	attributes := in.GetData().GetAttributes()
	if attributes == nil {
		return nil, api.BadRequest(api.AttributesPath, "missing")
	}
	return suppressionAnswer(s.Store.UpdateSuppression(ctx, in.GetSuppressionId(), attributes.GetVersion(), func(p *schema.Suppression) error {
		if err := codec.Patch(ctx, p, attributes, api.AttributesPath, in.GetUpdateMask().GetPaths()); err != nil {
			return err
		}
		slices.Sort(p.Tags)
		p.UpdatedBy = api.AuthorOf(ctx)
		return nil
	}))
}

// DeleteSuppression ends a suppression.
func (s *SuppressionService) DeleteSuppression(ctx context.Context, in *pb.DeleteSuppressionRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.Store.DeleteSuppression(ctx, in.GetSuppressionId())
}

// GetSuppressionHistory reads the versions of a suppression.
func (s *SuppressionService) GetSuppressionHistory(ctx context.Context, in *pb.GetSuppressionHistoryRequest) (*pb.SuppressionHistoryResponse, error) {
	versions, err := s.Store.SuppressionVersions(ctx, in.GetSuppressionId())
	if err != nil {
		return nil, err
	}
	shown, err := historyPage(in.GetPage(), len(versions))
	if err != nil {
		return nil, err
	}
	attributes := &pb.SuppressionHistoryAttributes{Count: int32(len(versions)), Data: map[string]*pb.SuppressionVersion{}}
	var before map[string]json.RawMessage
	for i, p := range versions {
		a, err := suppressionAttributes(p)
		if err != nil {
			return nil, err
		}
		p.ID, p.Version, p.CreatedAt, p.UpdatedAt = "", 0, 0, 0
		text, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("compare versions of suppression %s: %w", in.GetSuppressionId(), err)
		}
		changes, now, err := changesSince(before, text)
		if err != nil {
			return nil, err
		}
		before = now
		if shown(i) {
			attributes.Data[strconv.FormatInt(a.Version, 10)] = &pb.SuppressionVersion{Suppression: a, Changes: changes}
		}
	}
	return &pb.SuppressionHistoryResponse{Data: &pb.SuppressionHistory{
		Id: in.GetSuppressionId(), Type: "suppression_version_history", Attributes: attributes,
	}}, nil
}

// ListSuppressionsOfRule reads those that select a stored rule.
func (s *SuppressionService) ListSuppressionsOfRule(ctx context.Context, in *pb.ListSuppressionsOfRuleRequest) (*pb.SuppressionsResponse, error) {
	rule, err := s.Rules.Rule(ctx, in.GetRuleId())
	var missing *schema.NotFoundError
	if errors.As(err, &missing) {
		return nil, &api.Error{Code: api.CodeNotFound, Message: "Threat detection rule not found: " + in.GetRuleId(), Label: "not_found"}
	}
	if err != nil {
		return nil, err
	}
	return suppressionsAnswer(s.Store.SuppressionsAffecting(ctx, rule))
}

// ListSuppressionsOfNewRule reads those that would select a rule.
func (s *SuppressionService) ListSuppressionsOfNewRule(ctx context.Context, in *pb.ListSuppressionsOfNewRuleRequest) (*pb.SuppressionsResponse, error) {
	rule, err := ruledoc.Requested(in.GetRule())
	if err == nil {
		checked := s.Check(rule)
		err = checked.Unrunnable()
	}
	if err != nil {
		return nil, api.NewRuleError(api.NewRuleSuppressions, err)
	}
	return suppressionsAnswer(s.Store.SuppressionsAffecting(ctx, rule))
}

func suppressionsAnswer(all []schema.Suppression, err error) (*pb.SuppressionsResponse, error) {
	if err != nil {
		return nil, err
	}
	out := &pb.SuppressionsResponse{}
	for _, p := range all {
		shown, err := suppressionAnswer(p, nil)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown.Data)
	}
	return out, nil
}

func suppressionAnswer(p schema.Suppression, err error) (*pb.SuppressionResponse, error) {
	if err != nil {
		return nil, suppressionProblem(err)
	}
	a, err := suppressionAttributes(p)
	if err != nil {
		return nil, err
	}
	return &pb.SuppressionResponse{Data: &pb.Suppression{Id: p.ID, Type: "suppressions", Attributes: a}}, nil
}

func suppressionAttributes(p schema.Suppression) (*pb.SuppressionAttributes, error) {
	a := &pb.SuppressionAttributes{}
	if err := codec.ToMessage(p, a); err != nil {
		return nil, err
	}
	a.Creator, a.Updater, a.Editable = authorNamed(p.CreatedBy), authorNamed(p.UpdatedBy), true
	return a, nil
}

// authorNamed is who has the handle; where none was kept, everybody.
func authorNamed(handle string) *pb.User {
	if handle == "" {
		return api.TheAuthor()
	}
	return &pb.User{Handle: handle, Name: handle}
}

// suppressionProblem words a refusal as the reference does: of a query it says
// only that it is invalid; our `error` says why.
func suppressionProblem(err error) error {
	var invalid *schema.InvalidError
	if !errors.As(err, &invalid) {
		return err
	}
	p := &api.Error{Message: "Invalid suppression"}
	var entries []string
	for _, d := range invalid.Details {
		text := d.Message
		if strings.HasSuffix(d.Target, "query") && !strings.Contains(text, "?") {
			text = strings.ReplaceAll(d.Target, "_", " ") + " is invalid"
		}
		target := api.AttributesPath + "." + d.Target
		entries = append(entries, schema.QuoteJSON(fmt.Sprintf("input_validation_error(Field '%s' is invalid: %s)", target, text)))
		p.Details = append(p.Details, schema.Detail{Target: target, Message: d.Message})
	}
	p.Entry = strings.Join(entries, ",")
	return p
}

// Suppressions keeps the suppressions. scheduler.SuppressionStore implements it.
type Suppressions interface {
	CreateSuppression(context.Context, schema.Suppression) (schema.Suppression, error)
	// UpdateSuppression changes one; ifVersion, unless 0, must be its version.
	UpdateSuppression(ctx context.Context, id string, ifVersion int64, edit func(*schema.Suppression) error) (schema.Suppression, error)
	DeleteSuppression(ctx context.Context, id string) error
	Suppression(ctx context.Context, id string) (schema.Suppression, error)
	Suppressions(context.Context) ([]schema.Suppression, error)
	// SuppressionVersions are all versions of one, ascending.
	SuppressionVersions(ctx context.Context, id string) ([]schema.Suppression, error)
	// SuppressionsAffecting are those whose rule query selects the rule.
	SuppressionsAffecting(context.Context, schema.Rule) ([]schema.Suppression, error)
}

// Previews says what suppressions would have hidden. backtest.Previewer
// implements it.
type Previews interface {
	Preview(context.Context, schema.Suppression, scheduler.TimeSpan) (*backtest.Preview, error)
}
