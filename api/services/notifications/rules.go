package notifications

import (
	"context"
	"errors"
	"net/http"

	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/api"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/schema"
)

// NotificationRuleService serves NotificationRuleService: two kinds of one form.
type NotificationRuleService struct {
	pb.UnimplementedNotificationRuleServiceServer
	signals, vulnerabilities notificationStore
}

// NewNotificationRules serves the notification rules of the stores.
func NewNotificationRules(c *configuration.Stores) *NotificationRuleService {
	return &NotificationRuleService{
		signals: notificationStore{c.SignalNotifications}, vulnerabilities: notificationStore{c.VulnerabilityNotifications},
	}
}

type notificationStore struct {
	*objects.Store[configuration.NotificationRule]
}

// CreateSignalNotificationRule stores a rule.
func (s *NotificationRuleService) CreateSignalNotificationRule(ctx context.Context, in *pb.CreateNotificationRuleRequest) (*pb.NotificationRuleResponse, error) {
	return s.signals.create(ctx, in)
}

// ListSignalNotificationRules reads all rules.
func (s *NotificationRuleService) ListSignalNotificationRules(ctx context.Context, _ *pb.ListNotificationRulesRequest) (*pb.NotificationRulesResponse, error) {
	return s.signals.list(ctx)
}

// GetSignalNotificationRule reads a rule.
func (s *NotificationRuleService) GetSignalNotificationRule(ctx context.Context, in *pb.GetNotificationRuleRequest) (*pb.NotificationRuleResponse, error) {
	return s.signals.answer(s.signals.Get(ctx, in.GetId()))
}

// UpdateSignalNotificationRule changes a rule.
func (s *NotificationRuleService) UpdateSignalNotificationRule(ctx context.Context, in *pb.UpdateNotificationRuleRequest) (*pb.NotificationRuleResponse, error) {
	return s.signals.update(ctx, in)
}

// DeleteSignalNotificationRule deletes a rule.
func (s *NotificationRuleService) DeleteSignalNotificationRule(ctx context.Context, in *pb.DeleteNotificationRuleRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.signals.Delete(ctx, in.GetId())
}

// CreateVulnerabilityNotificationRule stores a rule.
func (s *NotificationRuleService) CreateVulnerabilityNotificationRule(ctx context.Context, in *pb.CreateNotificationRuleRequest) (*pb.NotificationRuleResponse, error) {
	return s.vulnerabilities.create(ctx, in)
}

// ListVulnerabilityNotificationRules reads all rules.
func (s *NotificationRuleService) ListVulnerabilityNotificationRules(ctx context.Context, _ *pb.ListNotificationRulesRequest) (*pb.NotificationRulesResponse, error) {
	return s.vulnerabilities.list(ctx)
}

// GetVulnerabilityNotificationRule reads a rule.
func (s *NotificationRuleService) GetVulnerabilityNotificationRule(ctx context.Context, in *pb.GetNotificationRuleRequest) (*pb.NotificationRuleResponse, error) {
	return s.vulnerabilities.answer(s.vulnerabilities.Get(ctx, in.GetId()))
}

// UpdateVulnerabilityNotificationRule changes a rule.
func (s *NotificationRuleService) UpdateVulnerabilityNotificationRule(ctx context.Context, in *pb.UpdateNotificationRuleRequest) (*pb.NotificationRuleResponse, error) {
	return s.vulnerabilities.update(ctx, in)
}

// DeleteVulnerabilityNotificationRule deletes a rule.
func (s *NotificationRuleService) DeleteVulnerabilityNotificationRule(ctx context.Context, in *pb.DeleteNotificationRuleRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.vulnerabilities.Delete(ctx, in.GetId())
}

// PreviewNotificationRule checks a rule. What a target would be sent is shown by
// PreviewNotification; here every type has its default text.
func (s *NotificationRuleService) PreviewNotificationRule(_ context.Context, in *pb.CreateNotificationRuleRequest) (*pb.NotificationPreviewResponse, error) {
	body, err := requestedNotification(in)
	if err != nil {
		return nil, err
	}
	if err := body.Check(); err != nil {
		return nil, codec.Within(api.AttributesPath, err)
	}
	types := body.Selectors.RuleTypes
	if len(types) == 0 {
		types = []string{"log_detection"}
	}
	preview := &pb.NotificationPreviewAttributes{}
	for _, t := range types {
		preview.PreviewResults = append(preview.PreviewResults, &pb.NotificationPreviewResult{RuleType: t, NotificationStatus: "DEFAULT"})
	}
	return &pb.NotificationPreviewResponse{Data: &pb.NotificationPreview{
		Id: schema.NewID(), Type: "notification_preview_response", Attributes: preview,
	}}, nil
}

func requestedNotification(in *pb.CreateNotificationRuleRequest) (configuration.NotificationRule, error) {
	body := configuration.NotificationRule{Enabled: true}
	attributes := in.GetData().GetAttributes()
	if attributes == nil {
		return body, api.BadRequest(api.AttributesPath, "missing")
	}
	return body, codec.FromMessage(attributes, &body)
}

func (s notificationStore) create(ctx context.Context, in *pb.CreateNotificationRuleRequest) (*pb.NotificationRuleResponse, error) {
	body, err := requestedNotification(in)
	if err != nil {
		return nil, err
	}
	api.AnswerWith(ctx, http.StatusCreated)
	return s.answer(s.Create(ctx, body))
}

func (s notificationStore) list(ctx context.Context) (*pb.NotificationRulesResponse, error) {
	all, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.NotificationRulesResponse{}
	for _, v := range all {
		shown, err := s.answer(v, nil)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown.Data)
	}
	return out, nil
}

// update changes a rule; unlike everywhere else, the request must name the
// version.
func (s notificationStore) update(ctx context.Context, in *pb.UpdateNotificationRuleRequest) (*pb.NotificationRuleResponse, error) {
	attributes := in.GetData().GetAttributes()
	if attributes.GetVersion() == 0 {
		return nil, codec.Within(api.AttributesPath, &schema.InvalidError{Details: []schema.Detail{{
			Target: "version", Message: "Specify the notification rule version to update, it cannot be 0.",
		}}})
	}
	v, err := s.Update(ctx, in.GetId(), attributes.GetVersion(), func(body *configuration.NotificationRule) error {
		return codec.Patch(ctx, body, attributes, api.AttributesPath, in.GetUpdateMask().GetPaths())
	})
	var conflict *schema.ConflictError
	if errors.As(err, &conflict) {
		return nil, &api.Error{Status: http.StatusUnprocessableEntity, Message: conflict.Error(), Target: api.AttributesPath + ".version", Label: "unprocessable_entity"}
	}
	return s.answer(v, err)
}

func (s notificationStore) answer(v objects.Versioned[configuration.NotificationRule], err error) (*pb.NotificationRuleResponse, error) {
	if err != nil {
		return nil, codec.Within(api.AttributesPath, err)
	}
	a := &pb.NotificationRuleAttributes{}
	if err := codec.ToMessage(v.Body, a); err != nil {
		return nil, err
	}
	a.Version = v.Version
	a.CreatedAt, a.CreatedBy = int64(v.CreatedAt), api.TheAuthor()
	a.ModifiedAt, a.ModifiedBy = int64(v.UpdatedAt), api.TheAuthor()
	return &pb.NotificationRuleResponse{Warnings: schema.IdleWarnings(s.Idle(v)), Data: &pb.NotificationRule{Id: v.ID, Type: "notification_rules", Attributes: a}}, nil
}
