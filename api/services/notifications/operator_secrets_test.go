package notifications

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"nightjar/api"
	"nightjar/api/access"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/objects"
	"nightjar/objects/objectstest"
	"nightjar/schema"
)

// as is a call by somebody with a role.
func as(t *testing.T, role access.Role) context.Context {
	return access.With(t.Context(), access.Caller{ID: "k", Name: "k", Role: role, Kind: access.WithKey})
}

// TestWhoNamesASecretOfTheOperator may have it sent there: to where the operator said by who
// may change targets, elsewhere by nobody; of which he said nothing, by administrators only.
func TestWhoNamesASecretOfTheOperator(t *testing.T) {
	var shown, told []configuration.NotificationTarget
	name, place, err := outbound.ParsePlace("soc=https://soc.example/hooks")
	if err != nil {
		t.Fatal(err)
	}
	s := &NotificationService{
		Told: shows{secrets{kept: map[string]string{}}, &shown, &told}, Targets: objects.New(configuration.NotificationTargets, &objectstest.Table{}, time.Now), Now: time.Now,
		Secrets: outbound.Secrets{Dir: t.TempDir(), Places: map[string][]outbound.Place{name: {place}}},
	}
	const home, away = "https://soc.example/hooks/a", "https://mallory.example/hooks"
	const denied, elsewhere, fine = "denied", "elsewhere", ""
	outcome := func(err error) string {
		var refused *api.Error
		var invalid *schema.InvalidError
		switch {
		case err == nil:
			return fine
		case errors.As(err, &refused) && refused.Code == api.CodePermissionDenied && strings.Contains(err.Error(), "--outbound-secret"):
			return denied
		case errors.As(err, &invalid) && strings.Contains(err.Error(), "--outbound-secret soc=ADDRESS"):
			return elsewhere
		}
		return err.Error()
	}
	target := func(handle, url, secret string) *pb.NotificationTarget {
		return &pb.NotificationTarget{Name: handle, Type: "webhook", Url: url, Secret: secret}
	}
	n := 0
	for _, c := range []struct {
		about                   string
		in                      *pb.NotificationTarget
		engineer, administrator string
	}{
		{"said, there", target("", home, "secret:soc"), fine, fine},
		{"said, elsewhere", target("", away, "secret:soc"), elsewhere, elsewhere},
		{"said, elsewhere, in a header", &pb.NotificationTarget{Type: "webhook", Url: away, Headers: map[string]string{"X-Key": "secret:soc"}}, elsewhere, elsewhere},
		{"said, elsewhere of its type's", &pb.NotificationTarget{Type: "pagerduty", Secret: "secret:soc"}, elsewhere, elsewhere},
		{"unsaid", target("", home, "secret:other"), denied, fine},
		{"unsaid, in a header", &pb.NotificationTarget{Type: "webhook", Url: home, Headers: map[string]string{"Authorization": "secret:other"}}, denied, fine},
		{"unsaid, as an address", &pb.NotificationTarget{Type: "slack", Url: "secret:other"}, denied, fine},
		{"unsaid, by mail", &pb.NotificationTarget{Type: "email", To: []string{"a@a.example"}, From: "b@a.example", Server: "a.example:25", User: "u", Secret: "secret:other"}, denied, fine},
		{"none", target("", away, ""), fine, fine},
	} {
		for role, want := range map[access.Role]string{access.Engineer: c.engineer, access.Admin: c.administrator} {
			n++
			c.in.Name = "t" + strings.Repeat("x", n)
			ctx, trial := as(t, role), &pb.PreviewNotificationRequest{Target: c.in}
			if _, err := s.PreviewNotification(ctx, trial); outcome(err) != want {
				t.Errorf("%s, %s, a preview: %v", c.about, role, err)
			}
			before := len(told)
			if _, err := s.TestNotificationTarget(ctx, trial); outcome(err) != want || (len(told) > before) != (want == fine) {
				t.Errorf("%s, %s, a test: %v", c.about, role, err)
			}
			if _, err := s.CreateNotificationTarget(ctx, &pb.CreateNotificationTargetRequest{Target: c.in}); outcome(err) != want {
				t.Errorf("%s, %s: %v", c.about, role, err)
			}
		}
	}

	// What is kept of an address is written over before the target that has it is.
	slack := func(url string, headers map[string]string) *pb.NotificationTarget {
		return &pb.NotificationTarget{Name: "chat", Type: "slack", Url: url, Headers: headers}
	}
	chat, err := s.CreateNotificationTarget(as(t, access.Admin), &pb.CreateNotificationTargetRequest{Target: slack("https://hooks.slack.example/T0", map[string]string{"X-Key": "secret:other"})})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		about, url, want string
	}{{"of the address, without the secret", away, denied}, {"without the secret", chat.GetUrl(), fine}, {"of the address, after it", away, fine}} {
		if _, err := s.UpdateNotificationTarget(as(t, access.Engineer), &pb.UpdateNotificationTargetRequest{TargetId: chat.GetId(), Target: slack(c.url, nil)}); outcome(err) != c.want {
			t.Errorf("a change %s: %v", c.about, err)
		}
	}

	for secret, want := range map[string]string{"secret:soc": elsewhere, "secret:other": denied} {
		handle := "made-" + strings.TrimPrefix(secret, "secret:")
		made, err := s.CreateNotificationTarget(as(t, access.Admin), &pb.CreateNotificationTargetRequest{Target: target(handle, home, secret)})
		if err != nil {
			t.Fatal(err)
		}
		change := func(in *pb.NotificationTarget) error {
			_, err := s.UpdateNotificationTarget(as(t, access.Engineer), &pb.UpdateNotificationTargetRequest{TargetId: made.GetId(), Target: in})
			return err
		}
		kept := target(handle, home, secret)
		kept.On = []string{"changed"}
		if err := change(kept); err != nil {
			t.Errorf("%s: a change that keeps the address: %v", secret, err)
		}
		if err := change(target(handle, away, secret)); outcome(err) != want {
			t.Errorf("%s: a change of the address: %v", secret, err)
		}
		if _, err := s.TestNotificationTarget(as(t, access.Engineer), &pb.PreviewNotificationRequest{Target: target(handle, away, secret)}); outcome(err) != want {
			t.Errorf("%s: a test at another address: %v", secret, err)
		}
		if _, err := s.TestNotificationTarget(as(t, access.Engineer), &pb.PreviewNotificationRequest{TargetId: made.GetId()}); err != nil {
			t.Errorf("%s: a test as it is: %v", secret, err)
		}
		inHeader := target(handle, home, secret)
		inHeader.Headers = map[string]string{"X-Key": "secret:third"}
		if err := change(inHeader); outcome(err) != denied {
			t.Errorf("%s: another secret: %v", secret, err)
		}
		// The operator says later that it goes elsewhere.
		name, place, err := outbound.ParsePlace(strings.TrimPrefix(secret, "secret:") + "=https://new.example")
		if err != nil {
			t.Fatal(err)
		}
		said := s.Secrets.Places
		s.Secrets.Places = map[string][]outbound.Place{name: {place}}
		if _, err := s.PreviewNotification(as(t, access.Admin), &pb.PreviewNotificationRequest{TargetId: made.GetId()}); err == nil {
			t.Errorf("%s: a preview of a target that the operator lets it go to no more", secret)
		}
		s.Secrets.Places = said
	}
}
