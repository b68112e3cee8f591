package operations

import (
	"context"
	"time"

	"nightjar/api"
	"nightjar/api/access"
	"nightjar/api/limits"
	pb "nightjar/api/v1"
	"nightjar/scheduler"
	"nightjar/schema"
)

// StatusService serves StatusService.
type StatusService struct {
	pb.UnimplementedStatusServiceServer
	Engine    Reporter
	Retention Retainer
	Version   string
	Gates     limits.Queries
	Pipelines pipelineStatus
	Now       func() time.Time
}

// pipelineStatus tells how pipelines are doing.
type pipelineStatus interface {
	Status(context.Context) *pb.PipelinesStatus
}

// mostAside is how many events that are set aside a status names.
const mostAside = 100

// GetStatus says how far evaluation has come.
func (s *StatusService) GetStatus(ctx context.Context, _ *pb.GetStatusRequest) (*pb.Status, error) {
	now, err := s.Engine.Status(ctx)
	if err != nil {
		return nil, err
	}
	state := "down"
	if now.ClickHouseUp {
		state = "up"
	}
	var idle []*pb.WithoutEffect
	for _, i := range now.WithoutEffect {
		idle = append(idle, &pb.WithoutEffect{Kind: i.Kind, Id: i.ID, Name: i.Name, Field: i.Field, Reason: i.Reason})
	}
	var geoip []*pb.GeoIPDatabase
	for _, g := range now.GeoIP {
		geoip = append(geoip, &pb.GeoIPDatabase{File: g.File, Type: g.Type, Built: g.Built.UTC().Format(time.RFC3339), Attribution: g.Attribution})
	}
	var aside []*pb.AsideEvent
	for _, a := range now.Aside[:min(len(now.Aside), mostAside)] {
		aside = append(aside, &pb.AsideEvent{RuleId: a.RuleID, Event: a.Event, Since: a.Since.String(), Work: int64(a.Work), Done: int64(a.Done), Waits: a.Waits})
	}
	return &pb.Status{
		Aside:                  aside,
		AsideEvents:            int64(len(now.Aside)),
		Version:                s.Version,
		EventsReceived:         now.EventsReceived,
		EventsEvaluatedThrough: now.EventsEvaluatedThrough,
		CaughtUp:               now.CaughtUp,
		LagSeconds:             now.Lag.Seconds(),
		Clickhouse:             &pb.ClickHouseStatus{State: state, Version: now.ClickHouseVersion, Embedded: now.ClickHouseEmbedded},
		Rules: &pb.RulesStatus{
			Total: int64(now.Rules.Total), Enabled: int64(now.Rules.Enabled), Unsupported: int64(now.Rules.Unsupported), Failing: int64(now.Rules.Failing),
		},
		Storage: &pb.StorageStatus{
			UsedBytes: now.Storage.Used, QuotaBytes: now.Storage.Quota, OverQuota: now.Storage.OverQuota, OldestDay: now.Storage.OldestDay,
			DroppedEvents: now.Storage.Dropped, DroppedUnevaluated: now.Storage.DroppedUnevaluated,
		},
		Geoip: geoip, Clocks: clocksOf(now.Clocks), UnreadableTimes: unreadableOf(now.UnreadableTimes), Syslog: doorsOf(now.Syslog),
		WithoutEffect: idle, Queries: s.queries(), RulesAlone: s.alone(), Gaps: gapsOf(now.Gaps), EventsLost: now.Lost, AuditLost: now.AuditLost, AuditWaiting: now.AuditWaiting, SignalLists: now.SignalLists,
		Pipelines: s.Pipelines.Status(ctx), Intake: intakeOf(now.Intake), Sources: s.sourcesOf(now.Sources),
	}, nil
}

// alone are the rules that are evaluated by themselves.
func (s *StatusService) alone() (out []*pb.RuleCost) {
	for _, c := range s.Engine.RuleCosts() {
		if !c.Alone || len(out) == maxListed {
			break
		}
		out = append(out, costOf(c))
	}
	return out
}

// ListRuleCosts says what rules cost.
func (s *StatusService) ListRuleCosts(context.Context, *pb.ListRuleCostsRequest) (*pb.ListRuleCostsResponse, error) {
	out := &pb.ListRuleCostsResponse{}
	for _, c := range s.Engine.RuleCosts() {
		out.Data = append(out.Data, costOf(c))
	}
	return out, nil
}

func costOf(c scheduler.RuleCost) *pb.RuleCost {
	out := &pb.RuleCost{
		RuleId: c.RuleID, Name: c.Name, Matches: c.Matches, SignalsPerDay: c.Signals, Groups: uint64(c.Groups), Behind: c.Behind, Through: c.Through,
		State: "running",
	}
	switch {
	case c.Unsupported != "":
		out.State, out.Reason = "unsupported", c.Unsupported
	case c.Failing != "":
		out.State, out.Reason = "failing", c.Failing
	}
	if c.CPUKnown {
		each := float64(c.CPU.Nanoseconds()) / 1000
		out.MicrosecondsPerEvent = &each
	}
	out.Alone = c.WhyAlone()
	return out
}

// queries are what people ask just now.
func (s *StatusService) queries() (out []*pb.QueryLoad) {
	for _, g := range s.Gates.All() {
		l := g.Load()
		out = append(out, &pb.QueryLoad{Kind: l.Kind, Running: int64(l.Running), Waiting: int64(l.Waiting), Limit: int64(l.Limit), Refused: int64(l.Refused)})
	}
	return out
}

// AcceptLoss notes that an operator has seen what is lost or set aside.
func (s *StatusService) AcceptLoss(ctx context.Context, in *pb.AcceptLossRequest) (*pb.AcceptLossResponse, error) {
	if len(in.Comment) > maxLossComment {
		return nil, api.BadRequest("comment", "want at most %d bytes, got %d", maxLossComment, len(in.Comment))
	}
	gaps, events, err := s.Engine.AcceptLoss(access.Of(ctx).Name, in.Comment)
	return &pb.AcceptLossResponse{Gaps: int64(gaps), Events: events}, err
}

// maxLossComment bounds what is said with an acknowledgement.
const maxLossComment = 1000

func gapsOf(gaps []ArrivalGap) []*pb.ArrivalGap {
	moment := func(at schema.Millis) string {
		if at == 0 {
			return ""
		}
		return at.String()
	}
	var out []*pb.ArrivalGap
	for _, g := range gaps[:min(len(gaps), maxListed)] {
		out = append(out, &pb.ArrivalGap{
			First: g.First, Last: g.Last, Events: g.Events, Arrived: moment(g.Arrived), Since: moment(g.Since),
			State: g.State, Reason: g.Reason, Attempts: int64(g.Attempts),
			Accepted: g.Accepted != 0, AcceptedBy: g.AcceptedBy, AcceptedAt: moment(g.Accepted), Comment: g.Comment,
		})
	}
	return out
}

// maxListed bounds what the status lists of a kind.
const maxListed = 100

func clocksOf(skews []ClockSkew) []*pb.ClockSkew {
	var out []*pb.ClockSkew
	for _, c := range skews[:min(len(skews), maxListed)] {
		out = append(out, &pb.ClockSkew{
			Source: c.Source, Host: c.Host, BehindSeconds: c.Behind.Seconds(), Events: c.Events, NotEvaluated: c.NotEvaluated,
			Since: c.Since.UTC().Format(time.RFC3339), Last: c.Last.UTC().Format(time.RFC3339),
		})
	}
	return out
}

// currentPast is how lately something must have arrived of a source for it to be current.
const currentPast = time.Hour

// sourcesOf counts those that are current, and names those that are silent.
func (s *StatusService) sourcesOf(heard []Source) *pb.SourcesStatus {
	out := &pb.SourcesStatus{}
	since := schema.MillisOf(s.Now().Add(-currentPast))
	for _, h := range heard {
		if h.Last >= since {
			out.Current++
			continue
		}
		if out.Silent++; len(out.Silences) < maxListed {
			out.Silences = append(out.Silences, &pb.SilentSource{Source: h.Source, Last: int64(h.Last)})
		}
	}
	return out
}

func unreadableOf(times []UnreadableTimes) []*pb.UnreadableTimes {
	var out []*pb.UnreadableTimes
	for _, t := range times[:min(len(times), maxListed)] {
		out = append(out, &pb.UnreadableTimes{Source: t.Source, Events: t.Events, Last: t.Last.UTC().Format(time.RFC3339)})
	}
	return out
}

func doorsOf(doors []SyslogDoor) []*pb.SyslogDoor {
	var out []*pb.SyslogDoor
	for _, d := range doors {
		out = append(out, &pb.SyslogDoor{
			Protocol: d.Protocol, Address: d.Address, Connections: int64(d.Connections), Messages: d.Messages, Bytes: d.Bytes,
			Refused: d.Refused, Closed: d.Closed, Lost: d.Lost, Damaged: d.Damaged,
		})
	}
	return out
}

// ValidateKey is reached by whoever has the key.
func (s *StatusService) ValidateKey(context.Context, *pb.ValidateKeyRequest) (*pb.ValidateKeyResponse, error) {
	return &pb.ValidateKeyResponse{Valid: true}, nil
}
