package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"nightjar/api/access/calls"
	"nightjar/api/limits"
	"nightjar/api/rest"
	"nightjar/api/services/operations"
	"nightjar/web"
)

// Server serves the API over HTTP and gRPC.
type Server struct {
	deps     Deps
	services *services
	memory   limits.Memory // of requests that bring no events
	calls    atomic.Int64  // in progress over gRPC

	http       *http.Server
	grpc       *grpc.Server
	httpListen net.Listener
	grpcListen net.Listener
}

// New makes a Server and binds its addresses, so that a port in use is known at
// once and port 0 has a number. It serves nothing before Run.
func New(deps Deps) (*Server, error) {
	if deps.Guard == nil {
		return nil, errors.New("api: no guard; the API is never served without one")
	}
	deps = deps.withDefaults()
	gates := limits.NewQueries(deps.Queries)
	s := &Server{deps: deps, services: newServices(deps, gates), memory: limits.NewMemory()}
	shown := []prometheus.Collector{gates}
	if deps.Agents != nil {
		shown = append(shown, operations.NewAgentMetrics(deps.Agents, deps.Now))
	}
	for _, c := range shown {
		if err := deps.Metrics.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	handler, err := s.restHandler()
	if err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler:           withTLS(handler),
		ConnContext:       keepTLS,
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

func (s *Server) restHandler() (http.Handler, error) {
	d := s.deps
	conn := calls.NewConn(s.guarded)
	s.services.registerGRPC(conn, conn)
	return rest.New(rest.Deps{
		Register: func(ctx context.Context, mux *runtime.ServeMux) error { return registerREST(ctx, mux, conn) },
		Guard:    d.Guard, Open: d.Open, Memory: s.memory, MessageTime: d.MessageTime,
		Address: d.HTTP, AllowedHosts: d.AllowedHosts, Version: d.Version, Uploads: s.services.referenceTables.Uploads,
		Ready: d.Ready, Raw: d.Raw, Fallback: d.Fallback, Page: web.New(), Metrics: d.Metrics, OpenMetrics: d.OpenMetrics, Log: d.Log,
	})
}

func (s *Server) listen() (err error) {
	if s.httpListen, err = net.Listen("tcp", s.deps.HTTP); err != nil {
		return fmt.Errorf("listen for HTTP on %s: %w", s.deps.HTTP, err)
	}
	if s.grpcListen, err = net.Listen("tcp", s.deps.GRPC); err != nil {
		_ = s.httpListen.Close() // the other error is the one to tell
		return fmt.Errorf("listen for gRPC on %s: %w", s.deps.GRPC, err)
	}
	s.httpListen, s.grpcListen = s.secured(s.httpListen), limited(s.secured(s.grpcListen))
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
	go func() { failed <- s.grpc.Serve(limited(overHTTP2)) }()
	go func() { failed <- s.grpc.Serve(s.grpcListen) }()
	jobs := make(chan struct{})
	jobsCtx, endJobs := context.WithCancel(ctx)
	go func() { defer close(jobs); _ = s.services.triageJobs.Run(jobsCtx) }()
	defer func() { endJobs(); <-jobs }()
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
