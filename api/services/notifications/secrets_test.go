package notifications

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/objects/objectstest"
	"nightjar/schema"
)

// secrets are what was kept, by name.
type secrets struct {
	Store
	kept map[string]string
}

func (s secrets) KeepSecret(name, value string) (string, error) {
	s.kept[name] = value
	return "secret:" + name, nil
}

// TestARefusedChangeOfATargetChangesNoSecret which the target as it is is told by.
func TestARefusedChangeOfATargetChangesNoSecret(t *testing.T) {
	kept := secrets{kept: map[string]string{}}
	s := &NotificationService{Told: kept, Targets: objects.New(configuration.NotificationTargets, &objectstest.Table{}, time.Now), Now: time.Now}
	target := func(name, secret string, version int64) *pb.NotificationTarget {
		return &pb.NotificationTarget{Name: name, Type: "webhook", Url: "https://soc.example/", Secret: secret, Version: version}
	}
	made, err := s.CreateNotificationTarget(t.Context(), &pb.CreateNotificationTargetRequest{Target: target("soc", "old", 0)})
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]*pb.UpdateNotificationTargetRequest{
		"of another version": {TargetId: made.GetId(), Target: target("soc", "new", 99)},
		"of no target":       {TargetId: "none", Target: target("ghost", "new", 0)},
		"of its handle":      {TargetId: made.GetId(), Target: target("other", "new", 0)},
	} {
		if _, err := s.UpdateNotificationTarget(t.Context(), in); err == nil {
			t.Errorf("a change %s is taken", name)
		}
	}
	if len(kept.kept) != 1 || kept.kept["target-webhook-soc"] != "old" {
		t.Errorf("kept: %v", kept.kept)
	}
	if _, err := s.UpdateNotificationTarget(t.Context(), &pb.UpdateNotificationTargetRequest{TargetId: made.GetId(), Target: target("soc", "new", 1)}); err != nil || kept.kept["target-webhook-soc"] != "new" {
		t.Errorf("a change: %v, %v", err, kept.kept)
	}
}

// shows is a Store that remembers which targets it was asked to show, and to tell.
type shows struct {
	secrets
	shown, told *[]configuration.NotificationTarget
}

func (s shows) Preview(_ context.Context, t configuration.NotificationTarget, _ string) ([]NotificationRequest, error) {
	*s.shown = append(*s.shown, t)
	return nil, nil
}

func (s shows) Test(_ context.Context, t configuration.NotificationTarget, _ string) (bool, string, error) {
	*s.told = append(*s.told, t)
	return true, "thanks", nil
}

// TestATargetIsTriedBeforeItIsSaved with the secret that was typed, which nothing keeps and no
// preview shows; one that is stored is tried with what it has.
func TestATargetIsTriedBeforeItIsSaved(t *testing.T) {
	var shown, told []configuration.NotificationTarget
	store := shows{secrets{kept: map[string]string{}}, &shown, &told}
	s := &NotificationService{Told: store, Targets: objects.New(configuration.NotificationTargets, &objectstest.Table{}, time.Now), Now: time.Now}
	const secret = "https://hooks.slack.example/T0SECRET"
	for _, target := range []*pb.NotificationTarget{
		{Name: "soc", Type: "slack", Url: secret}, {Name: "soc", Type: "webhook", Url: "https://soc.example/", Secret: secret},
	} {
		in := &pb.PreviewNotificationRequest{Target: target}
		if out, err := s.TestNotificationTarget(t.Context(), in); err != nil || !out.GetDelivered() {
			t.Errorf("%s: %v %v", target.GetType(), out, err)
		}
		if _, err := s.PreviewNotification(t.Context(), in); err != nil {
			t.Errorf("%s: %v", target.GetType(), err)
		}
	}
	if len(told) != 2 || told[0].URL != secret || told[1].Secret != secret {
		t.Errorf("told with %+v", told)
	}
	if len(shown) != 2 || shown[0].URL != "secret:target-slack-soc.url" || shown[1].Secret != "secret:target-webhook-soc" {
		t.Errorf("shown with %+v", shown)
	}
	if all, _ := s.Targets.List(t.Context()); len(all) != 0 || len(store.kept) != 0 {
		t.Errorf("a trial keeps %+v, %v", all, store.kept)
	}
	var invalid *schema.InvalidError
	if _, err := s.TestNotificationTarget(t.Context(), &pb.PreviewNotificationRequest{Target: &pb.NotificationTarget{Name: "soc", Type: "webhook", Url: "nowhere", Secret: secret}}); !errors.As(err, &invalid) || strings.Contains(err.Error(), secret) {
		t.Errorf("a target that can't be: %v", err)
	}
}

// TestNobodyIsToldByTheSecretOfAnother target: neither another target, nor the same one at
// another address, nor one that has the name of a deleted one. Else who may change targets
// could have every key of theirs sent to himself.
func TestNobodyIsToldByTheSecretOfAnother(t *testing.T) {
	var shown, told []configuration.NotificationTarget
	store := shows{secrets{kept: map[string]string{}}, &shown, &told}
	s := &NotificationService{Told: store, Targets: objects.New(configuration.NotificationTargets, &objectstest.Table{}, time.Now), Now: time.Now}
	target := func(name, url, secret string) *pb.NotificationTarget {
		return &pb.NotificationTarget{Name: name, Type: "jira", Url: url, Secret: secret, Project: "SOC"}
	}
	const home, away, own = "https://soc.example/", "https://mallory.example/", "secret:target-jira-soc"
	made, err := s.CreateNotificationTarget(t.Context(), &pb.CreateNotificationTargetRequest{Target: target("soc", home, "jane:token")})
	if err != nil || made.GetSecret() != own {
		t.Fatal(made, err)
	}
	stolen := []*pb.NotificationTarget{
		target("mine", away, own), target("soc", away, own),
		{Name: "mine", Type: "webhook", Url: away, Headers: map[string]string{"X-Token": own}},
		{Name: "mine", Type: "slack", Url: "secret:target-slack-soc.url"}, {Name: "mine", Type: "teams", Url: "secret:target-slack-soc-url"},
	}
	for _, in := range stolen {
		if _, err := s.CreateNotificationTarget(t.Context(), &pb.CreateNotificationTargetRequest{Target: in}); err == nil {
			t.Errorf("%v is made", in)
		}
		if _, err := s.UpdateNotificationTarget(t.Context(), &pb.UpdateNotificationTargetRequest{TargetId: made.GetId(), Target: in}); err == nil {
			t.Errorf("%v is a change that is taken", in)
		}
		if _, err := s.TestNotificationTarget(t.Context(), &pb.PreviewNotificationRequest{Target: in}); err == nil {
			t.Errorf("%v is told", in)
		}
	}
	kept := target("soc", home, own)
	kept.On = []string{"changed"}
	if _, err := s.UpdateNotificationTarget(t.Context(), &pb.UpdateNotificationTargetRequest{TargetId: made.GetId(), Target: kept}); err != nil {
		t.Errorf("a change that keeps the address: %v", err)
	}
	if _, err := s.UpdateNotificationTarget(t.Context(), &pb.UpdateNotificationTargetRequest{TargetId: made.GetId(), Target: target("soc", away, "jane:other")}); err != nil {
		t.Errorf("a change with a new secret: %v", err)
	}
	if _, err := s.DeleteNotificationTarget(t.Context(), &pb.DeleteNotificationTargetRequest{TargetId: made.GetId()}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateNotificationTarget(t.Context(), &pb.CreateNotificationTargetRequest{Target: target("soc", away, own)}); err == nil {
		t.Error("a new target has the secret of a deleted one")
	}
	mail := func(tls, secret string) *pb.NotificationTarget {
		return &pb.NotificationTarget{Name: "soc", Type: "email", To: []string{"soc@soc.example"}, From: "n@soc.example", Server: "mail.soc.example:25", User: "n", Tls: tls, Secret: secret}
	}
	sent, err := s.CreateNotificationTarget(t.Context(), &pb.CreateNotificationTargetRequest{Target: mail("starttls", "password")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpdateNotificationTarget(t.Context(), &pb.UpdateNotificationTargetRequest{TargetId: sent.GetId(), Target: mail("none", sent.GetSecret())}); err == nil {
		t.Error("a kept password is sent without TLS")
	}
	if len(told) != 0 {
		t.Errorf("told: %+v", told)
	}
}
