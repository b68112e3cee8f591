package cli

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"nightjar/agent"
	"nightjar/agent/delivery"
	"nightjar/agent/probe"
	"nightjar/content"
	"nightjar/engine"
	"nightjar/secl/policy"
)

// bundledPolicy is what an agent looks for that is given no policy.
const bundledPolicy = "agent/default.policy"

// readAgentPolicies reads what the flags name, or the bundled policy where they name
// nothing and the matches go to a server.
func (o *agentRun) readAgentPolicies() ([]*policy.Policy, []*policy.DefinitionError, error) {
	policies, problems, err := o.readPolicyFiles()
	if o.block {
		for _, p := range policies {
			p.Mode = policy.Blocking
		}
	}
	return policies, problems, err
}

func (o *agentRun) readPolicyFiles() ([]*policy.Policy, []*policy.DefinitionError, error) {
	if len(o.policies)+len(o.defaults) > 0 || o.standalone {
		return readPolicies(o.policies, o.defaults)
	}
	text, err := content.Files.ReadFile(bundledPolicy)
	if err != nil {
		return nil, nil, err
	}
	p, problems := policy.Read(bundledPolicy, text)
	return []*policy.Policy{p}, problems, nil
}

// toServer is whether matches go to an engine: where one is named.
func toServer(c *cobra.Command) bool {
	_, named := os.LookupEnv(engine.EnvName("server"))
	return named || c.Flags().Changed("server")
}

// agentOutput is where matches go. Close waits until they are there.
type agentOutput interface {
	agent.Sink
	Close() error
}

// serverOutput sends matches to an engine, and says on standard error what is lost.
type serverOutput struct {
	*delivery.Sink
	told agent.Report
}

func newServerOutput(c *cobra.Command, o *agentRun, policies []*policy.Policy) (*serverOutput, error) {
	cl, err := newClient(c)
	if err != nil {
		return nil, err
	}
	about := delivery.About{Host: o.hostname, Version: c.Root().Version, Report: o.report}
	if about.Host == "" {
		about.Host, _ = os.Hostname()
	}
	for _, p := range policies {
		about.Policies = append(about.Policies, p.Name)
	}
	sink, err := delivery.NewSink(delivery.Config{
		Server: cl.base, Key: cl.key, Spool: cmp.Or(o.spool, filepath.Join(o.state, "spool")), SpoolBytes: int64(o.spoolSize) << 20, Client: &http.Client{Transport: cl.http.Transport, Timeout: time.Minute}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}, about)
	if err != nil {
		return nil, err
	}
	return &serverOutput{Sink: sink}, nil
}

// Report implements agent.Sink. It comes every second, so that little counts as unseen when
// the agent is killed; standard error is told less often.
func (s *serverOutput) Report(r agent.Report) {
	s.Sink.Report(r)
	if r.Time.Sub(s.told.Time) >= localReport {
		s.told = tellLosses(s.told, r)
	}
}

// Close says what was lost at the end.
func (s *serverOutput) Close() error {
	err := s.Sink.Close()
	last := s.Latest()
	last.Dropped = s.Dropped()
	s.told = tellLosses(s.told, last)
	return err
}

// agentSink also says when the agent watches, and what it can't see.
type agentSink struct {
	agentOutput
	rules []string
}

// Delivery is how it is with the way to a server; nil where matches are printed.
func (s *agentSink) Delivery() *agent.Delivery {
	if server, ok := s.agentOutput.(*serverOutput); ok {
		return server.Delivery()
	}
	return nil
}

// Ready says so.
func (s *agentSink) Ready(hooks []probe.Hook) {
	for _, line := range probe.Missing(hooks) {
		fmt.Fprintln(os.Stderr, "on this kernel:", line)
	}
	for _, line := range s.rules {
		fmt.Fprintln(os.Stderr, line)
	}
	fmt.Fprintln(os.Stderr, engine.AgentWatches)
	if server, ok := s.agentOutput.(*serverOutput); ok {
		server.Ready(hooks)
	}
}

// Times between two reports to a server, between two on standard error, and between two of
// the agent to what sends them.
const (
	agentReport = time.Minute
	localReport = 10 * time.Second
	soonReport  = time.Second
)
