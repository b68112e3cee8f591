package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
)

// Server serves the API over HTTP and gRPC.
type Server struct {
	deps          Deps
	keys          keys
	metrics       metrics
	rules         *rules
	signals       *signals
	backtests     *backtests
	logs          *logs
	searches      *searches
	sqls          *sqls
	statuses      *statuses
	coverages     *coverages
	agents        *agents
	explains      *explains
	anomalies     *anomalies
	threatIntel   *threatIntel
	reparses      *reparses
	notifications *notifications

	suppressions      *suppressions
	referenceTables   *referenceTables
	terraforms        *terraforms
	securityFilters   *securityFilters
	criticalAssets    *criticalAssets
	notificationRules *notificationRules
	agentRules        *agentRules
	agentPolicies     *agentPolicies
	indicators        *indicators
	pipelines         *pipelines

	gates  gates
	hosts  hosts
	memory Memory       // of requests that bring no events
	calls  atomic.Int64 // in progress over gRPC

	openAPIText []byte
	indexText   string

	http       *http.Server
	grpc       *grpc.Server
	httpListen net.Listener
	grpcListen net.Listener
}

type metrics struct{ requests *prometheus.CounterVec }

// New makes a Server and binds its addresses, so that a port in use is known at
// once and port 0 has a number. It serves nothing before Run.
func New(deps Deps) (*Server, error) {
	if deps.Key == "" {
		return nil, errors.New("api: no key; the API is never served without one")
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	deps.MessageTime = cmp.Or(deps.MessageTime, 30*time.Second)
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Metrics == nil {
		deps.Metrics = prometheus.NewRegistry()
	}
	gates := newGates(deps.Queries)
	deps = gates.gated(deps)
	s := &Server{
		gates: gates,
		hosts: newHosts(deps.HTTP, deps.AllowedHosts),
		deps:  deps, keys: newKeys(deps.Key), memory: newOwnMemory(),
		rules:   &rules{store: deps.Rules, check: deps.CheckRule, reach: deps.Reach, event: deps.ReadEvent},
		signals: &signals{store: deps.Signals, triage: deps.Triage, now: deps.Now},
		logs:    &logs{intake: deps.Intake},
		backtests: &backtests{
			runner: deps.Backtests, jobs: deps.Jobs, rules: deps.Rules, now: deps.Now, results: &signals{store: deps.JobSignals, now: deps.Now},
		},
		searches:  &searches{store: deps.Logs, now: deps.Now},
		sqls:      &sqls{db: deps.SQL, now: deps.Now},
		coverages: &coverages{ledger: deps.Ledger, rules: deps.Rules, agents: deps.Agents},
		agents:    &agents{store: deps.Agents, now: deps.Now},
		explains:  &explains{rules: deps.Explainer, now: deps.Now},
		anomalies: &anomalies{rules: deps.Explainer, now: deps.Now},
		statuses:  &statuses{engine: deps.Status, version: deps.Version, gates: gates, pipelines: &pipelines{registry: deps.Pipelines}},
		metrics: metrics{prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nightjar_api_requests_total", Help: "HTTP requests answered.",
		}, []string{"method", "code"})},
	}
	s.configured(deps)
	shown := []prometheus.Collector{s.metrics.requests, s.gates}
	if deps.Agents != nil {
		shown = append(shown, agentMetrics{deps.Agents, deps.Now})
	}
	for _, c := range shown {
		if err := deps.Metrics.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	if err := s.writeDocuments(); err != nil {
		return nil, err
	}
	handler, err := s.handler()
	if err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       5 * time.Minute,
		WriteTimeout:      10 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(deps.Log.Handler(), slog.LevelDebug),
	}
	s.grpc = s.grpcServer()
	return s, s.listen()
}

// configured makes the services of what is configured around rules.
func (s *Server) configured(deps Deps) {
	s.suppressions = &suppressions{store: deps.Suppressions, rules: deps.Rules, check: deps.CheckRule, previews: deps.Previews, now: deps.Now}
	s.referenceTables = &referenceTables{store: deps.Tables, uploads: &uploads{dir: deps.UploadDir, now: deps.Now}}
	c := deps.Configuration
	s.terraforms = &terraforms{rules: s.rules, suppressions: deps.Suppressions, configuration: c}
	s.securityFilters = &securityFilters{store: c.SecurityFilters}
	s.criticalAssets = &criticalAssets{store: c.CriticalAssets, rules: deps.Rules}
	s.notificationRules = &notificationRules{
		signals: notificationStore{c.SignalNotifications}, vulnerabilities: notificationStore{c.VulnerabilityNotifications},
	}
	s.notifications = &notifications{told: deps.Notifications, targets: c.NotificationTargets, mutes: c.Mutes, now: deps.Now}
	s.reparses = &reparses{jobs: deps.Reparses, now: deps.Now}
	s.threatIntel = &threatIntel{store: c.ThreatLists, lists: deps.ThreatLists}
	s.agentRules = &agentRules{store: c.AgentRules, policies: c.AgentPolicies}
	s.indicators = &indicators{rules: deps.Rules, signals: deps.Signals, tables: deps.Tables, triage: c.Indicators, now: deps.Now}
	s.pipelines = &pipelines{registry: deps.Pipelines, logs: deps.Logs, now: deps.Now}
	s.agentPolicies = &agentPolicies{store: c.AgentPolicies, rules: c.AgentRules}
}

func (s *Server) listen() (err error) {
	if s.httpListen, err = net.Listen("tcp", s.deps.HTTP); err != nil {
		return fmt.Errorf("listen for HTTP on %s: %w", s.deps.HTTP, err)
	}
	if s.grpcListen, err = net.Listen("tcp", s.deps.GRPC); err != nil {
		_ = s.httpListen.Close() // the other error is the one to tell
		return fmt.Errorf("listen for gRPC on %s: %w", s.deps.GRPC, err)
	}
	s.grpcListen = netutil.LimitListener(s.grpcListen, maxConnections)
	return nil
}

// HTTPAddr is where HTTP is served.
func (s *Server) HTTPAddr() net.Addr { return s.httpListen.Addr() }

// GRPCAddr is where gRPC is served.
func (s *Server) GRPCAddr() net.Addr { return s.grpcListen.Addr() }

// drain is how long requests in progress may take to end when the server stops.
const drain = 10 * time.Second

// Run serves until ctx ends, then lets what is in progress finish.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 3)
	overHTTP, overHTTP2 := splitHTTP2(s.httpListen)
	go func() { failed <- s.http.Serve(overHTTP) }()
	go func() { failed <- s.grpc.Serve(netutil.LimitListener(overHTTP2, maxConnections)) }()
	go func() { failed <- s.grpc.Serve(s.grpcListen) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	stopped := make(chan struct{})
	go func() { s.grpc.GracefulStop(); close(stopped) }()
	if shut := s.http.Shutdown(stop); shut != nil {
		_ = s.http.Close() // cut off what did not end in time
	}
	select {
	case <-stopped:
	case <-stop.Done():
		s.grpc.Stop()
	}
	return err
}

// Close frees the addresses of a Server that never ran.
func (s *Server) Close() error {
	return errors.Join(s.httpListen.Close(), s.grpcListen.Close())
}
