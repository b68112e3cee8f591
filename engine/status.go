package engine

import (
	"context"
	"errors"
	"time"

	"nightjar/api/access/audit"
	"nightjar/api/rest"
	"nightjar/api/services/operations"
	"nightjar/configuration"
	"nightjar/ingest"
	"nightjar/ingest/geoip"
	"nightjar/ingest/syslog"
	"nightjar/scheduler"
	"nightjar/schema"
)

// reporter answers status and readiness from the parts that know.
type reporter struct {
	database   *database
	intake     *ingest.Intake
	syslog     *syslog.Receiver
	rules      *scheduler.RuleStore
	evaluation *scheduler.Status
	keeper     *keeping
	geoip      *geoip.Databases // nil: none
	settings   *configuration.Stores
	found      reached
	audit      *audit.Log
	engine     *engine
}

// Why the engine is not ready, in words for anybody.
var (
	errDatabaseSilent = errors.New("the database does not answer")
	errAllFail        = errors.New("every rule fails; nightjar status and the log say why")
)

// ready is nil when events can be taken, rules are evaluated, or searches answered.
func (r reporter) ready(ctx context.Context, what rest.Readiness) error {
	if what == rest.ReadyForEvents {
		return r.intake.Ready()
	}
	if err := r.database.health.Ping(ctx); err != nil {
		return errDatabaseSilent
	}
	if p := r.evaluation.Progress(); what == rest.ReadyForEvaluation && p.Rules > 0 && p.Failing == p.Rules {
		return errAllFail
	}
	return nil
}

// AcceptLoss implements api.Reporter.
func (r reporter) AcceptLoss(by, comment string) (n int, events uint64, err error) {
	for _, g := range r.intake.Gaps() {
		if !g.IsAccepted() {
			n++
			events += g.Events
		}
	}
	return n, events, r.intake.AcceptLoss(by, comment)
}

// healthTime is how long a server may take to answer, for the status.
const healthTime = time.Second

// RuleCosts implements api.Reporter.
func (r reporter) RuleCosts() []scheduler.RuleCost { return r.evaluation.Costs() }

// Status implements api.Reporter.
func (r reporter) Status(ctx context.Context) (operations.Status, error) {
	received := r.intake.Acknowledged()
	progress := r.evaluation.Progress()
	st := operations.Status{
		EventsReceived: received, EventsEvaluatedThrough: progress.Through,
		CaughtUp: progress.CaughtUp && progress.Through >= received,
		Lag:      progress.Lag, ClickHouseEmbedded: r.database.embedded != nil,
	}
	st.Aside = r.evaluation.Asides()
	for _, g := range r.intake.Gaps() {
		st.Gaps = append(st.Gaps, operations.ArrivalGap{
			First: g.First, Last: g.Last, Events: g.Events, Arrived: g.Seen, Since: g.Since,
			State: g.State, Reason: g.Reason, Attempts: g.Attempts, Accepted: g.Accepted.At, AcceptedBy: g.Accepted.By, Comment: g.Accepted.Comment,
		})
	}
	st.Lost, st.Intake = r.intake.Lost(), operations.Intake(r.intake.Counts())
	st.SignalLists = r.database.states.NotReady()
	st.AuditLost, st.AuditWaiting = r.audit.Lost(), r.audit.Waiting()
	st.Rules.Enabled = progress.Rules + progress.Unsupported
	st.Rules.Unsupported, st.Rules.Failing = progress.Unsupported, progress.Failing
	st.Storage, st.GeoIP = r.storage(), describeGeoIP(r.geoip)
	for _, c := range r.intake.ClockSkews() {
		st.Clocks = append(st.Clocks, operations.ClockSkew(c))
	}
	for _, h := range r.intake.Heard() {
		st.Sources = append(st.Sources, operations.Source(h))
	}
	for _, t := range r.intake.UnreadableTimes() {
		st.UnreadableTimes = append(st.UnreadableTimes, operations.UnreadableTimes(t))
	}
	for _, d := range r.syslog.Report() {
		st.Syslog = append(st.Syslog, operations.SyslogDoor(d))
	}
	rules, err := r.rules.Rules(ctx)
	if err != nil {
		return operations.Status{}, err
	}
	st.Rules.Total = len(rules)
	st.WithoutEffect = r.idles(ctx)
	asking, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	st.ClickHouseUp, st.ClickHouseVersion = r.database.health.Ping(asking) == nil, r.database.version
	return st, nil
}

func (r reporter) storage() operations.Storage {
	report := r.keeper.Report()
	events := report.Totals[schema.Events.Name]
	return operations.Storage{
		Used: uint64(report.Used), Quota: uint64(report.Quota), OverQuota: report.OverQuota, OldestDay: report.OldestDay,
		Dropped: uint64(events.Rows), DroppedUnevaluated: uint64(events.Unevaluated),
	}
}
