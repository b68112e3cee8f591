package notify

import (
	"context"
	"slices"
	"testing"

	"nightjar/configuration"
	"nightjar/scheduler"
	"nightjar/schema"
)

// asked keeps the targets that are told.
type asked struct {
	targets []configuration.NotificationTarget
}

func (a *asked) Tell(_ context.Context, t configuration.NotificationTarget, _ string, _ []News) Outcome {
	a.targets = append(a.targets, t)
	return Outcome{Done: true}
}

// TestAnAddressOfEMailStandsForItself has a rule name one: it is told by the server of the
// target of e-mail, of openings and of what ends them, and by nobody where there is none.
func TestAnAddressOfEMailStandsForItself(t *testing.T) {
	const jane = "@jane@example.org"
	s := settings(t)
	decide := func(p *scheduler.Published, told ...News) []News {
		d := &decision{targets: Targets(t.Context(), s), rules: []notificationRule{{NotificationRule: configuration.NotificationRule{Targets: []string{"jane@example.org", "@pagerduty-x", "@not an address@"}}}}}
		return d.of(p, told)
	}
	p := &scheduler.Published{Status: "high"}
	p.ID, p.Version, p.State = "s", 1, schema.StateOpen
	if made := decide(p); len(made) != 0 {
		t.Errorf("without a server: %+v", made)
	}
	body := configuration.NotificationTarget{Name: "post", Type: "email", To: []string{"soc@example.org"}, From: "nightjar@example.org", Server: "mail.example.org:25", Enabled: true}
	if _, err := s.NotificationTargets.Create(t.Context(), body); err != nil {
		t.Fatal(err)
	}
	made := decide(p)
	if len(made) != 1 || made[0].Target != jane || made[0].Kind != Opened {
		t.Fatalf("of an opening: %+v", made)
	}
	p.Version, p.State, p.Reason = 2, schema.StateArchived, schema.ReasonRetracted
	if ended := decide(p, made[0]); len(ended) != 1 || ended[0].Target != jane || ended[0].Kind != Resolved {
		t.Errorf("of its end: %+v", ended)
	}
	a := &asked{}
	_, deps := newWorld(t)
	deps.Settings, deps.Teller = s, a
	if o, ended := NewSender(deps).attempt(t.Context(), jane, made); !o.Done || ended != "" {
		t.Errorf("%+v, %s", o, ended)
	}
	if len(a.targets) != 1 || !slices.Equal(a.targets[0].To, []string{"jane@example.org"}) || a.targets[0].Server != body.Server || a.targets[0].From != body.From {
		t.Errorf("told: %+v", a.targets)
	}
	if got := typeOf("@pagerduty-duty@example.org"); got != email {
		t.Errorf("an address is told as %s", got)
	}
}
