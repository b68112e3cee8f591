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
	losses lossTeller
	acts   uint64 // kills and denials so far
	acted  func() // is told of further ones; nil: nobody is
}

// newServerOutput sends with the agent's own key, or, where it has not enrolled, with that
// of the flags.
func newServerOutput(c *cobra.Command, o *agentRun, m *managed) (*serverOutput, error) {
	base, transport, err := reach(c)
	if err != nil {
		return nil, err
	}
	key := ""
	if m != nil {
		key = m.identity.Key
	} else {
		cl, err := newClient(c)
		if err != nil {
			return nil, err
		}
		key = cl.key
	}
	sink, err := delivery.NewSink(delivery.Config{
		Server: base, Key: key, Spool: cmp.Or(o.spool, filepath.Join(o.state, "spool")), SpoolBytes: int64(o.spoolSize) << 20,
		Client: &http.Client{Transport: transport, Timeout: time.Minute}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}, delivery.About{Host: o.host(), Version: c.Root().Version, Report: o.report})
	if err != nil {
		return nil, err
	}
	return &serverOutput{Sink: sink, losses: lossTeller{to: os.Stderr}}, nil
}

// Report implements agent.Sink. It comes every second, so that little counts as unseen when
// the agent is killed; standard error is told less often.
func (s *serverOutput) Report(r agent.Report) {
	s.Sink.Report(r)
	if now := r.Kills + r.Denials; now != s.acts {
		s.acts = now
		if s.acted != nil {
			s.acted()
		}
	}
	s.losses.report(r)
}

// Close says what was lost at the end.
func (s *serverOutput) Close() error {
	err := s.Sink.Close()
	last := s.Latest()
	last.Dropped = s.Dropped()
	s.losses.last = last
	s.losses.end()
	return err
}

// agentSink also says when the agent watches, and what it can't see.
type agentSink struct {
	agentOutput
	agent   *agent.Agent
	managed *managed // nil: no server holds its policies
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
	for _, line := range s.agent.Never() {
		fmt.Fprintln(os.Stderr, line)
	}
	fmt.Fprintln(os.Stderr, engine.AgentWatches)
	if server, ok := s.agentOutput.(*serverOutput); ok {
		server.InForce(s.agent.PolicyNames(), hooks)
		server.Ready(hooks)
	}
}

// InForce takes that other policies are in force.
func (s *agentSink) InForce(policies []*policy.Policy, hooks []probe.Hook) {
	server, ok := s.agentOutput.(*serverOutput)
	if !ok {
		return
	}
	var names []string
	for _, p := range policies {
		names = append(names, p.Name)
	}
	server.InForce(names, hooks)
}

// Orders is how it is with the server's orders; nil where no server holds its policies.
func (s *agentSink) Orders() *agent.OrdersStatus {
	if s.managed == nil {
		return nil
	}
	return s.managed.status()
}

// Times between two reports to a server, between two to what prints matches, and between two
// of the agent to what sends them.
const (
	agentReport = time.Minute
	localReport = 10 * time.Second
	soonReport  = time.Second
)
