package configuration

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"nightjar/objects"
	"nightjar/schema"
)

// Stores are the stores of all kinds.
type Stores struct {
	SecurityFilters            *objects.Store[SecurityFilter]
	CriticalAssets             *objects.Store[CriticalAsset]
	SignalNotifications        *objects.Store[NotificationRule]
	VulnerabilityNotifications *objects.Store[NotificationRule]
	AgentRules                 *objects.Store[AgentRule]
	AgentPolicies              *objects.Store[AgentPolicy]
	Indicators                 *objects.Store[IndicatorTriage]
	ThreatLists                *objects.Store[ThreatList]
	NotificationTargets        *objects.Store[NotificationTarget]
	Mutes                      *objects.Store[Mute]
	TriageJobs                 *objects.Store[TriageJob]
	SavedViews                 *objects.Store[SavedView]
	Demos                      *objects.Store[Demo]
	RuleTests                  *objects.Store[RuleTests]
	PipelineSamples            *objects.Store[PipelineSamples]
}

// ForAgents is what the stores of rules and policies of agents are made with.
type ForAgents struct {
	// Check says what is wrong with an expression; nil: nothing.
	Check    func(expression string) error
	Rules    []objects.Versioned[AgentRule]
	Policies []objects.Versioned[AgentPolicy]
}

// NewStores makes the stores. Load must return before anything else is asked.
func NewStores(table objects.Table, now func() time.Time, agents ForAgents) *Stores {
	return &Stores{
		SecurityFilters:            objects.New(SecurityFilters, table, now),
		CriticalAssets:             objects.New(CriticalAssets, table, now),
		SignalNotifications:        objects.New(SignalNotificationRules, table, now),
		VulnerabilityNotifications: objects.New(VulnerabilityNotificationRules, table, now),
		AgentRules:                 objects.New(AgentRules(agents.Check, agents.Rules...), table, now),
		AgentPolicies:              objects.New(AgentPolicies(agents.Policies...), table, now),
		Indicators:                 objects.New(IndicatorTriages, table, now),
		ThreatLists:                objects.New(ThreatLists, table, now),
		NotificationTargets:        objects.New(NotificationTargets, table, now),
		Mutes:                      objects.New(Mutes, table, now),
		TriageJobs:                 objects.New(TriageJobs, table, now),
		SavedViews:                 objects.New(SavedViews, table, now),
		Demos:                      objects.New(Demos, table, now),
		RuleTests:                  objects.New(RuleTestsKind, table, now),
		PipelineSamples:            objects.New(PipelineSamplesKind, table, now),
	}
}

// Load reads what is stored of every kind.
func (s *Stores) Load(ctx context.Context) error {
	return errors.Join(
		s.SecurityFilters.Load(ctx), s.CriticalAssets.Load(ctx), s.SignalNotifications.Load(ctx),
		s.VulnerabilityNotifications.Load(ctx), s.AgentRules.Load(ctx), s.AgentPolicies.Load(ctx), s.Indicators.Load(ctx), s.ThreatLists.Load(ctx),
		s.NotificationTargets.Load(ctx), s.Mutes.Load(ctx), s.TriageJobs.Load(ctx), s.SavedViews.Load(ctx), s.Demos.Load(ctx), s.RuleTests.Load(ctx),
		s.PipelineSamples.Load(ctx),
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
	s.SecurityFilters.LogTo(log)
	s.CriticalAssets.LogTo(log)
	s.SignalNotifications.LogTo(log)
	s.VulnerabilityNotifications.LogTo(log)
}
