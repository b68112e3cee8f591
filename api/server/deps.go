package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"nightjar/agent/control"
	bookOfResponses "nightjar/agent/responses"
	"nightjar/api"
	"nightjar/api/access"
	"nightjar/api/access/service"
	"nightjar/api/limits"
	"nightjar/api/rest"
	"nightjar/api/services/authoring"
	"nightjar/api/services/backtests"
	"nightjar/api/services/events"
	"nightjar/api/services/facets"
	"nightjar/api/services/notifications"
	"nightjar/api/services/operations"
	"nightjar/api/services/responses"
	"nightjar/api/services/rules"
	"nightjar/api/services/signals"
	"nightjar/api/services/tables"
	"nightjar/compiler/rulecheck"
	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/ingest/pipeline/registry"
	"nightjar/scheduler/ruletest"
	"nightjar/schema"
)

// Deps are what a Server is made of.
type Deps struct {
	// HTTP and GRPC are the addresses to listen on; port 0 chooses one.
	HTTP, GRPC string
	// TLS is how both are served (see OverTLS); nil: in plain text.
	TLS *tls.Config
	// Guard decides who may come in, and what each caller may do. It is required.
	Guard *access.Guard
	// Access are the services of keys, people, the audit log and deletions.
	Access service.Services
	// Open are handlers that need no key, by method and path.
	Open map[string]http.HandlerFunc
	// AllowedHosts are names that requests may be for, beside those of loopback and
	// the one of HTTP.
	AllowedHosts []string
	// Version is that of the program.
	Version string

	Rules   rules.Store
	Signals signals.Store
	Triage  signals.Triage
	// Intake takes in what LogService is sent.
	Intake events.Intake
	// Memory is shared by all requests that bring events, whatever their protocol;
	// nil: that of the other requests.
	Memory limits.Memory
	// MessageTime is how long a caller may take to send a message over gRPC, or be
	// silent in the middle of a body over REST; 30 s unless set.
	MessageTime time.Duration
	// Backtests and Jobs run rules over history; JobSignals is what jobs found.
	Backtests     backtests.Runner
	Jobs          backtests.Jobs
	JobSignals    signals.Store
	Logs          events.Store
	SQL           events.SQL
	Facets        facets.Store
	Places        facets.Places // nil: none
	Status        operations.Reporter
	EvaluationLog operations.EvaluationLog
	Agents        operations.Agents
	// Responses are what people had done to hosts; Enrolled are the agents that do it.
	Responses *bookOfResponses.Book
	Enrolled  responses.Agents
	// Fleet knows the enrolled agents, and tells them what to do; nil: there are none.
	Fleet *control.Registry
	// AgentDefaults are the built-in rules of agents.
	AgentDefaults *control.Defaults
	// Pipelines are those that change events on their way in, and Preview shows what they
	// would make of one.
	Pipelines *registry.Registry
	// Explainer tells why rules made signals.
	Explainer signals.Explainer

	Suppressions rules.Suppressions
	Previews     rules.Previews
	// Hidden counts what suppressions withhold; SignalsKept is for how long signals are kept
	// after they were last seen, 0: for ever.
	Hidden      rules.Hidden
	SignalsKept func() time.Duration
	Tables      tables.Store
	// Retention changes how long what is kept.
	Retention operations.Retainer
	// UploadDir is where uploads wait to be read by a table.
	UploadDir string
	// Configuration is what users configured beside rules.
	Configuration *configuration.Stores
	// CheckRule says what is wrong with a rule, or else what is worth knowing.
	CheckRule func(schema.Rule) rulecheck.Checked
	// Reach warns of rules that ask for what no stored event has; nil: no warnings.
	Reach rules.Reach
	// Counts counts signals by rule, and RuleTests says how the tests of rules are run.
	Counts    authoring.Counts
	RuleTests ruletest.Options
	// Notifications shows what was told of signals, and to whom.
	Notifications notifications.Store
	// Secrets are those that targets and threat lists name.
	Secrets outbound.Secrets
	// Reparses reads stored events again.
	Reparses operations.Reparses
	// ThreatLists reads lists of indicators; nil: none are read.
	ThreatLists operations.ThreatLists
	// ReadEvent reads one event as the intake does.
	ReadEvent func(json []byte) (schema.Event, error)
	// Queries bounds what people ask of the database.
	Queries limits.QueryConfig
	// Ready is nil when the engine is ready for what is asked; else the error says,
	// to anybody, why it is not.
	Ready func(context.Context, rest.Readiness) error
	// Raw are handlers that read their bodies themselves, by method and path
	// ("POST /api/v2/logs"). They are behind the key, like everything else; how
	// their senders say it may be their own (Door).
	Raw map[string]http.Handler
	// Fallback is served where nothing else is, in what it claims; nil: nothing.
	Fallback api.ClaimingDoor
	// Services are gRPC services of others' protocols, behind the key like our own.
	Services []func(grpc.ServiceRegistrar)
	// MaxMessage is the largest message that gRPC reads, in bytes, decompressed; 0:
	// that of a body in JSON.
	MaxMessage int

	// Now is the clock that `now-15m` is read against.
	Now func() time.Time
	Log *slog.Logger
	// Metrics is what /metrics shows. OpenMetrics shows it without a key.
	Metrics     *prometheus.Registry
	OpenMetrics bool
}

// withDefaults fills in what may be left out.
func (d Deps) withDefaults() Deps {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	d.MessageTime = cmp.Or(d.MessageTime, 30*time.Second)
	if d.AgentDefaults == nil {
		d.AgentDefaults = &control.Defaults{}
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Metrics == nil {
		d.Metrics = prometheus.NewRegistry()
	}
	return d
}
