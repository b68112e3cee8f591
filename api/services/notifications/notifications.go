package notifications

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/api"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/objects"
	"nightjar/schema"
)

// Store shows what was told of signals, and tells. engine joins it to
// package notify.
type Store interface {
	List(context.Context, NotificationQuery) ([]Notification, error)
	// Preview is what a target would be sent of a signal; of one that is made up, where
	// the id is empty.
	Preview(ctx context.Context, target configuration.NotificationTarget, signal string) ([]NotificationRequest, error)
	// Test sends it, and is what the target answered.
	Test(ctx context.Context, target configuration.NotificationTarget, signal string) (delivered bool, answer string, err error)
	// Again has something told at once that failed or waits, and returns how many news that
	// are; ok is false where there is none. What was told is refused.
	Again(ctx context.Context, target, id string) (n int, ok bool, err error)
	// KeepSecret keeps a secret under a name, and is what refers to it.
	KeepSecret(name, value string) (reference string, err error)
}

// NotificationQuery selects what was told; empty fields select all.
type NotificationQuery struct {
	Signal, Target, State string
	Key                   string // of what is told in one
	Limit                 int
}

// Notification is something that a target was told, or is to be.
type Notification struct {
	ID, Target, Signal, Title, Kind, State, Key, Answer string
	Digest                                              bool
	Created, Due, Tried                                 schema.Millis // Tried 0: never
	Attempts                                            int
}

// NotificationRequest is one that a target is sent.
type NotificationRequest struct {
	Method, URL, Body string
	Headers           map[string]string
}

// NotificationService serves NotificationService.
type NotificationService struct {
	pb.UnimplementedNotificationServiceServer
	Told    Store
	Targets *objects.Store[configuration.NotificationTarget]
	// Secrets are those that targets name.
	Secrets outbound.Secrets
	Mutes   *objects.Store[configuration.Mute]
	Now     func() time.Time
}

// CreateNotificationTarget adds a target.
func (s *NotificationService) CreateNotificationTarget(ctx context.Context, in *pb.CreateNotificationTargetRequest) (*pb.NotificationTarget, error) {
	body, err := s.target(ctx, in.GetTarget(), "")
	if err == nil {
		err = body.HideSecrets(s.Told.KeepSecret)
	}
	if err != nil {
		return nil, err
	}
	return targetAnswer(s.Targets.Create(ctx, *body))
}

// target is a target as a user wrote it; its secrets are still in it (HideSecrets). No two
// have one handle.
func (s *NotificationService) target(ctx context.Context, in *pb.NotificationTarget, id string) (*configuration.NotificationTarget, error) {
	if in == nil {
		return nil, api.BadRequest("", "the body is empty; want a target, a JSON object")
	}
	body := &configuration.NotificationTarget{Enabled: true}
	if err := codec.FromMessage(in, body); err != nil {
		return nil, err
	}
	all, err := s.Targets.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if v.Body.Handle() == body.Handle() && v.ID != id {
			return nil, api.BadRequest("name", "there is a target %s already (%s)", body.Handle(), v.ID)
		}
	}
	if err := checkBesideSecrets(body); err != nil {
		return nil, err
	}
	return body, s.checkSecrets(ctx, body, all)
}

// checkSecrets says why the caller may not have a target use the secrets that it names.
func (s *NotificationService) checkSecrets(ctx context.Context, t *configuration.NotificationTarget, all []objects.Versioned[configuration.NotificationTarget]) error {
	if err := checkKept(t, all); err != nil {
		return err
	}
	var before configuration.SecretUser
	for _, v := range all {
		if v.Body.Handle() == t.Handle() {
			before = &v.Body
		}
	}
	unsaid, err := configuration.CheckSecrets(s.Secrets, t, before)
	if err != nil {
		return err
	}
	return api.MayNameSecrets(ctx, unsaid)
}

// checkKept says why a target may not use the secret that is kept for it: it is to be told
// somewhere else, or is a new one under the name of one that was deleted. Who may change
// targets does not thereby learn what others wrote into them.
func checkKept(t *configuration.NotificationTarget, all []objects.Versioned[configuration.NotificationTarget]) error {
	if !outbound.IsKept(t.Secret) {
		return nil
	}
	for _, v := range all {
		if v.Body.Handle() == t.Handle() && v.Body.Goes(t) {
			return nil
		}
	}
	return api.BadRequest("secret", "what is kept is for %s as it is, and this goes elsewhere: write the secret anew", t.Handle())
}

// checkBesideSecrets says what is wrong with a target whose secrets are still in it.
func checkBesideSecrets(t *configuration.NotificationTarget) error {
	probe := *t
	if probe.Secret != "" && !outbound.IsSecret(probe.Secret) {
		probe.Secret = "secret:x"
	}
	err := probe.Check()
	if t.TLS == "" {
		t.TLS = probe.TLS // as the check completes it
	}
	return err
}

// ListNotificationTargets reads all targets.
func (s *NotificationService) ListNotificationTargets(ctx context.Context, _ *pb.ListNotificationTargetsRequest) (*pb.ListNotificationTargetsResponse, error) {
	all, err := s.Targets.List(ctx)
	out := &pb.ListNotificationTargetsResponse{}
	for _, v := range all {
		shown, err := targetAnswer(v, nil)
		if err != nil {
			return nil, err
		}
		out.Targets = append(out.Targets, shown)
	}
	return out, err
}

// GetNotificationTarget reads a target.
func (s *NotificationService) GetNotificationTarget(ctx context.Context, in *pb.GetNotificationTargetRequest) (*pb.NotificationTarget, error) {
	return targetAnswer(s.Targets.Get(ctx, in.GetTargetId()))
}

// UpdateNotificationTarget replaces a target.
func (s *NotificationService) UpdateNotificationTarget(ctx context.Context, in *pb.UpdateNotificationTargetRequest) (*pb.NotificationTarget, error) {
	body, err := s.target(ctx, in.GetTarget(), in.GetTargetId())
	if err != nil {
		return nil, err
	}
	return targetAnswer(s.Targets.Update(ctx, in.GetTargetId(), in.GetTarget().GetVersion(), func(old *configuration.NotificationTarget) error {
		if body.Handle() != old.Handle() {
			return api.BadRequest("name", "a target keeps its handle (%s), which rules name; make another target", old.Handle())
		}
		if err := body.HideSecrets(s.Told.KeepSecret); err != nil { // now: a change that is refused changes no secret
			return err
		}
		*old = *body
		return nil
	}))
}

// DeleteNotificationTarget deletes a target. What it was to be told fails.
func (s *NotificationService) DeleteNotificationTarget(ctx context.Context, in *pb.DeleteNotificationTargetRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.Targets.Delete(ctx, in.GetTargetId())
}

func targetAnswer(v objects.Versioned[configuration.NotificationTarget], err error) (*pb.NotificationTarget, error) {
	if err != nil {
		return nil, err
	}
	out := &pb.NotificationTarget{}
	if err := codec.ToMessage(v.Body, out); err != nil {
		return nil, err
	}
	out.Id, out.Version, out.Handle = v.ID, v.Version, v.Body.Handle()
	return out, nil
}

// asked is the target that a preview or a test is about.
func (s *NotificationService) asked(ctx context.Context, in *pb.PreviewNotificationRequest) (configuration.NotificationTarget, error) {
	if in.GetTargetId() != "" {
		v, err := s.Targets.Get(ctx, in.GetTargetId())
		if err == nil {
			_, err = configuration.CheckSecrets(s.Secrets, &v.Body, nil) // who named them, might
		}
		return v.Body, err
	}
	if in.GetTarget() == nil {
		return configuration.NotificationTarget{}, api.BadRequest("target", "want target_id, or a target")
	}
	body := configuration.NotificationTarget{Enabled: true}
	if err := codec.FromMessage(in.GetTarget(), &body); err != nil {
		return body, err
	}
	if err := checkBesideSecrets(&body); err != nil {
		return body, err
	}
	all, err := s.Targets.List(ctx)
	if err != nil {
		return body, err
	}
	return body, s.checkSecrets(ctx, &body, all)
}

// unsaid is a target with names in place of its secrets, as they would be kept.
func unsaid(t configuration.NotificationTarget) (configuration.NotificationTarget, error) {
	err := t.HideSecrets(func(name, _ string) (string, error) { return "secret:" + name, nil })
	return t, err
}

// PreviewNotification shows what would be sent.
func (s *NotificationService) PreviewNotification(ctx context.Context, in *pb.PreviewNotificationRequest) (*pb.PreviewNotificationResponse, error) {
	target, err := s.asked(ctx, in)
	if err != nil {
		return nil, err
	}
	if target, err = unsaid(target); err != nil {
		return nil, err
	}
	requests, err := s.Told.Preview(ctx, target, in.GetSignalId())
	if err != nil {
		return nil, err
	}
	out := &pb.PreviewNotificationResponse{}
	for _, r := range requests {
		out.Requests = append(out.Requests, &pb.NotificationRequest{Method: r.Method, Url: r.URL, Headers: r.Headers, Body: r.Body})
	}
	return out, nil
}

// TestNotificationTarget sends it.
func (s *NotificationService) TestNotificationTarget(ctx context.Context, in *pb.PreviewNotificationRequest) (*pb.TestNotificationTargetResponse, error) {
	target, err := s.asked(ctx, in)
	if err != nil {
		return nil, err
	}
	delivered, answer, err := s.Told.Test(ctx, target, in.GetSignalId())
	return &pb.TestNotificationTargetResponse{Delivered: delivered, Answer: answer}, err
}

// Bounds of a list of notifications.
const usualNotifications, mostNotifications = 100, 10_000

// ListNotifications reads what was told.
func (s *NotificationService) ListNotifications(ctx context.Context, in *pb.ListNotificationsRequest) (*pb.ListNotificationsResponse, error) {
	limit := cmp.Or(in.GetLimit(), usualNotifications)
	if limit < 0 || limit > mostNotifications {
		return nil, api.BadRequest("limit", "want 1 to %d, got %d", mostNotifications, limit)
	}
	all, err := s.Told.List(ctx, NotificationQuery{Signal: in.GetSignalId(), Target: in.GetTarget(), State: in.GetState(), Key: in.GetIdempotencyKey(), Limit: int(limit)})
	out := &pb.ListNotificationsResponse{}
	for _, n := range all {
		shown := &pb.Notification{
			Id: n.ID, Target: n.Target, SignalId: n.Signal, Title: n.Title, Kind: n.Kind, State: n.State, IdempotencyKey: n.Key, Digest: n.Digest,
			Created: n.Created.String(), Due: n.Due.String(), Attempts: int64(n.Attempts), Answer: n.Answer,
		}
		if n.Tried != 0 {
			shown.Tried = n.Tried.String()
		}
		out.Notifications = append(out.Notifications, shown)
	}
	return out, err
}

// RetryNotification has something told at once.
func (s *NotificationService) RetryNotification(ctx context.Context, in *pb.RetryNotificationRequest) (*pb.RetryNotificationResponse, error) {
	if in.GetTarget() == "" {
		return nil, api.BadRequest("target", "want the handle that it is for")
	}
	n, ok, err := s.Told.Again(ctx, in.GetTarget(), in.GetNotificationId())
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, &schema.NotFoundError{Kind: "notification", ID: in.GetNotificationId()}
	}
	return &pb.RetryNotificationResponse{Notifications: int64(n)}, nil
}

// CreateMute begins a mute.
func (s *NotificationService) CreateMute(ctx context.Context, in *pb.CreateMuteRequest) (*pb.Mute, error) {
	m := in.GetMute()
	if m == nil {
		return nil, api.BadRequest("", "the body is empty; want a mute, a JSON object")
	}
	body := configuration.Mute{Query: m.GetQuery(), Reason: m.GetReason(), From: schema.MillisOf(s.Now())}
	for name, text := range map[string]string{"from": m.GetFrom(), "until": m.GetUntil()} {
		at, err := api.OptionalMoment(name, text, s.Now())
		if err != nil {
			return nil, err
		}
		switch {
		case at == nil:
		case name == "from":
			body.From = *at
		default:
			body.Until = *at
		}
	}
	return muteAnswer(s.Mutes.Create(ctx, body))
}

// ListMutes reads all mutes, those that are over too.
func (s *NotificationService) ListMutes(ctx context.Context, _ *pb.ListMutesRequest) (*pb.ListMutesResponse, error) {
	all, err := s.Mutes.List(ctx)
	out := &pb.ListMutesResponse{}
	for _, v := range all {
		shown, _ := muteAnswer(v, nil)
		out.Mutes = append(out.Mutes, shown)
	}
	return out, err
}

// DeleteMute ends a mute.
func (s *NotificationService) DeleteMute(ctx context.Context, in *pb.DeleteMuteRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.Mutes.Delete(ctx, in.GetMuteId())
}

func muteAnswer(v objects.Versioned[configuration.Mute], err error) (*pb.Mute, error) {
	if err != nil {
		return nil, err
	}
	return &pb.Mute{Id: v.ID, Query: v.Body.Query, From: v.Body.From.String(), Until: v.Body.Until.String(), Reason: v.Body.Reason}, nil
}
