package configuration

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"nightjar/schema"
)

// Stores are the stores of all kinds.
type Stores struct {
	SecurityFilters            *Store[SecurityFilter]
	CriticalAssets             *Store[CriticalAsset]
	SignalNotifications        *Store[NotificationRule]
	VulnerabilityNotifications *Store[NotificationRule]
	AgentRules                 *Store[AgentRule]
	AgentPolicies              *Store[AgentPolicy]
	Indicators                 *Store[IndicatorTriage]
	ThreatLists                *Store[ThreatList]
	NotificationTargets        *Store[NotificationTarget]
	Mutes                      *Store[Mute]
}

// NewStores makes the stores; checkExpression says what is wrong with an agent's
// expression, and may be nil. Load must return before anything else is asked.
func NewStores(objects Objects, now func() time.Time, checkExpression func(string) error) *Stores {
	return &Stores{
		SecurityFilters:            New(SecurityFilters, objects, now),
		CriticalAssets:             New(CriticalAssets, objects, now),
		SignalNotifications:        New(SignalNotificationRules, objects, now),
		VulnerabilityNotifications: New(VulnerabilityNotificationRules, objects, now),
		AgentRules:                 New(AgentRules(checkExpression), objects, now),
		AgentPolicies:              New(AgentPolicies, objects, now),
		Indicators:                 New(IndicatorTriages, objects, now),
		ThreatLists:                New(ThreatLists, objects, now),
		NotificationTargets:        New(NotificationTargets, objects, now),
		Mutes:                      New(Mutes, objects, now),
	}
}

// Load reads what is stored of every kind.
func (s *Stores) Load(ctx context.Context) error {
	return errors.Join(
		s.SecurityFilters.Load(ctx), s.CriticalAssets.Load(ctx), s.SignalNotifications.Load(ctx),
		s.VulnerabilityNotifications.Load(ctx), s.AgentRules.Load(ctx), s.AgentPolicies.Load(ctx), s.Indicators.Load(ctx), s.ThreatLists.Load(ctx),
		s.NotificationTargets.Load(ctx), s.Mutes.Load(ctx),
	)
}

// Idles are the objects that are kept and do nothing yet.
func (s *Stores) Idles(ctx context.Context) []schema.Idle {
	return slices.Concat(
		s.SecurityFilters.Idles(ctx), s.CriticalAssets.Idles(ctx), s.SignalNotifications.Idles(ctx), s.VulnerabilityNotifications.Idles(ctx),
	)
}

// LogTo lets the stores tell of objects that do nothing as they are written.
func (s *Stores) LogTo(log *slog.Logger) {
	s.SecurityFilters.teller, s.CriticalAssets.teller = log, log
	s.SignalNotifications.teller, s.VulnerabilityNotifications.teller = log, log
}
