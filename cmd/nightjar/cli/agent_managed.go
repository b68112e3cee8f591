package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"nightjar/agent"
	agentclient "nightjar/agent/client"
	"nightjar/agent/command"
	"nightjar/agent/delivery"
	"nightjar/agent/deny"
	"nightjar/agent/orders"
	"nightjar/agent/respond"
	"nightjar/secl/policy"
)

// managed is an agent that has enrolled at a server, which holds its policies and
// switches. It implements agentclient.Agent.
type managed struct {
	identity *agentclient.Identity
	client   *agentclient.Client
	fixed    orders.Sync // what does not change
	local    bool        // policies are those of the flags
	log      *slog.Logger
	from     string // whose policies it began with: server, flags or program

	agent  *agent.Agent
	runner *command.Runner
	output *serverOutput

	mu    sync.Mutex
	waker chan struct{} // closed when the server is to be told at once
}

// join makes this host an agent of the server, unless it is one; nil where nobody gave a
// token and a key of the user's own is used.
func (o *agentRun) join(c *cobra.Command) (*managed, error) {
	base, transport, err := reach(c)
	if err != nil {
		return nil, err
	}
	about := orders.Enrolment{Host: o.host(), AgentVersion: c.Root().Version, Kernel: delivery.Kernel(), Tags: o.tags}
	to := agentclient.Server{Base: base, HTTP: &http.Client{Transport: transport}}
	identity, err := agentclient.Load(o.state)
	if errors.Is(err, agentclient.ErrNotEnrolled) {
		var token string
		if token, err = secretSetting(c, "enroll"); err != nil || token == "" {
			return nil, err
		}
		const patience = time.Minute
		ctx, stop := context.WithTimeout(c.Context(), patience)
		defer stop()
		if identity, err = agentclient.Enroll(ctx, to, token, about, o.state); err == nil {
			fmt.Fprintf(os.Stderr, "enrolled at %s as agent %s\n", base, identity.ID)
		}
	}
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	return &managed{
		identity: identity, waker: make(chan struct{}), local: len(o.policies)+len(o.defaults) > 0, log: log,
		client: agentclient.New(agentclient.Config{Server: to, Identity: identity, Dir: o.state, Log: log}),
		fixed:  orders.Sync{Host: about.Host, AgentVersion: about.AgentVersion, Kernel: about.Kernel, Tags: o.tags, Abilities: o.abilities()},
	}, nil
}

// abilities are how this host kills and denies, as the server shows it.
func (o *agentRun) abilities() map[string]string {
	out := deny.Abilities()
	if o.noDeny {
		for _, what := range []deny.Operation{deny.Exec, deny.Open, deny.Connect} {
			out[string(what)] = "no: the agent was told to deny nothing (--no-deny)"
		}
	}
	out["kill"] = string(respond.SendSignal + ", " + respond.PidFD)
	return out
}

// host is the name of this host in events.
func (o *agentRun) host() string {
	if o.hostname != "" {
		return o.hostname
	}
	name, _ := os.Hostname()
	return name
}

// checkTags says which of the flags is no tag.
func (o *agentRun) checkTags() error {
	for _, tag := range o.tags {
		if key, value, ok := strings.Cut(tag, ":"); !ok || key == "" || value == "" {
			return fmt.Errorf("--tag: want key:value, got %q", tag)
		}
	}
	return nil
}

// begin makes the agent with the policies to begin with: those of the server's last
// orders, where they do not check the last good ones, and where there are none those that
// ship.
func (m *managed) begin(ctx context.Context, c agent.Config, o *agentRun) (*agent.Agent, []*policy.DefinitionError, error) {
	const patience = 5 * time.Second
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if err := m.client.First(ctx, m.About()); err != nil {
		m.log.Warn("no orders come from the server; the agent begins with the last ones", "reason", err)
	}
	if m.local {
		m.from = "flags"
		m.client.Refuse(onlyLocal)
		return o.makeAgent(c)
	}
	var sets []orders.Policies
	if last := m.client.Orders(); last.Sequence > 0 {
		sets = append(sets, last.Policies)
	}
	if good, ok := m.client.Good(); ok {
		sets = append(sets, good)
	}
	for i, set := range sets {
		policies, problems := readOrdered(set)
		c.Policies = policies
		a, err := agent.New(c)
		if err != nil {
			return nil, nil, err
		}
		wrong := wrongOf(append(problems, a.Problems()...))
		if len(wrong) == 0 {
			m.from = "server"
			refused := m.client.State().Refused
			m.client.InForce(set.Version)
			if i > 0 && refused != nil {
				m.client.Refuse(refused.Errors...)
			}
			return a, append(problems, a.Problems()...), nil
		}
		if i == 0 {
			m.client.Refuse(wrong...)
		}
	}
	m.from = "program"
	return o.makeAgent(c)
}

// onlyLocal is why an agent that was given policies follows none of its server.
const onlyLocal = "the agent was started with --policy or --default, and follows only these files"

// makeAgent makes an agent with the policies of the flags, or those that ship.
func (o *agentRun) makeAgent(c agent.Config) (*agent.Agent, []*policy.DefinitionError, error) {
	policies, problems, err := o.readAgentPolicies()
	if err != nil {
		return nil, nil, err
	}
	c.Policies = policies
	a, err := agent.New(c)
	if err != nil {
		return nil, nil, err
	}
	return a, append(problems, a.Problems()...), nil
}

// readOrdered reads policies of a server.
func readOrdered(set orders.Policies) ([]*policy.Policy, []*policy.DefinitionError) {
	var out []*policy.Policy
	var problems []*policy.DefinitionError
	for _, one := range set.Set {
		p, more := policy.Read(one.Name, []byte(one.Text))
		problems = append(problems, more...)
		if p == nil {
			continue
		}
		p.Default = one.Default
		if one.Mode == orders.Blocking {
			p.Mode = policy.Blocking
		}
		out = append(out, p)
	}
	return out, problems
}

func wrongOf(problems []*policy.DefinitionError) (wrong []string) {
	for _, p := range problems {
		if !p.Warning {
			wrong = append(wrong, p.Error())
		}
	}
	return wrong
}

// run follows orders until the context ends, beside the agent.
func (m *managed) run(ctx context.Context, o *agentRun) (stop func(), err error) {
	isolator := deny.NewIsolator(deny.IsolatorOptions{CGroup: o.cgroup})
	engine := &engineAddresses{url: m.output.Server()}
	m.runner, err = command.Open(command.Deps{
		Dir: o.state, Isolator: isolator, Killer: m.agent.Responder().Killer, Switch: m.agent.Responder().Switch, Do: m.agent.Do, Engine: engine.addresses,
		Boot: agent.BootID(), Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	if last := m.client.Orders(); last.Sequence > 0 {
		if err := m.runner.Obey(last); err != nil {
			m.log.Error("the last orders can't be followed", "error", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { m.runner.Run(ctx) })
	all.Go(func() { m.wakeForResults(ctx) })
	all.Go(func() { m.client.Run(ctx, m) })
	return func() { cancel(); all.Wait(); _ = isolator.Close() }, nil
}

// About implements agentclient.Agent.
func (m *managed) About() orders.Sync {
	s := m.fixed
	s.Counts = orders.Counts{CPUSeconds: cpuSeconds(), RSS: residentBytes()}
	if m.output == nil || m.agent == nil { // before it runs
		return s
	}
	r := m.output.Latest()
	s.Instance = m.output.Instance()
	s.Counts.Generated, s.Counts.Delivered, s.Counts.Lost = r.Generated, r.Delivered, m.output.Losses()
	s.Counts.Kills, s.Counts.Denials = r.Kills, r.Denials
	s.Disarmed = m.agent.Responder().Switch.Disarmed()
	if m.runner != nil {
		s.Isolated = m.runner.Isolated()
	}
	return s
}

// Obey implements agentclient.Agent.
func (m *managed) Obey(o orders.Orders) error { return m.runner.Obey(o) }

// Results implements agentclient.Agent.
func (m *managed) Results() []orders.Result { return m.runner.Results() }

// Sent implements agentclient.Agent.
func (m *managed) Sent(taken []orders.Result) { m.runner.Sent(taken) }

// Changed implements agentclient.Agent: there are results, or something was killed or
// denied.
func (m *managed) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.waker
}

// wake has the server told at once.
func (m *managed) wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.waker)
	m.waker = make(chan struct{})
}

// wakeForResults does so whenever there are results, until the context ends.
func (m *managed) wakeForResults(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.runner.Changed():
			m.wake()
		}
	}
}

// Follow implements agentclient.Agent.
func (m *managed) Follow(ctx context.Context, p orders.Policies) error {
	if m.local {
		return &agentclient.PoliciesError{Errors: []string{onlyLocal}}
	}
	policies, problems := readOrdered(p)
	err := m.agent.Replace(ctx, policies, problems)
	var wrong *agent.PoliciesError
	if errors.As(err, &wrong) {
		return &agentclient.PoliciesError{Errors: wrongOf(wrong.Problems)}
	}
	return err
}

// status is what `nightjar agent status` tells of orders.
func (m *managed) status() *agent.OrdersStatus {
	s := m.client.State()
	out := &agent.OrdersStatus{Agent: m.identity.ID, Sequence: s.Sequence, InForce: s.InForce, From: m.from, Away: s.Away}
	if s.InForce > 0 {
		out.From = "server"
	}
	if s.Refused != nil {
		out.Refused = s.Refused.Errors
	}
	return out
}

// ordersText says how it is with the server's orders.
func ordersText(o *agent.OrdersStatus) string {
	text := fmt.Sprintf("agent %s of the server; policies are ", o.Agent)
	switch o.From {
	case "server":
		text += fmt.Sprintf("the server's, version %d\n", o.InForce)
	case "flags":
		text += "those of --policy only\n"
	default:
		text += "those that ship: none came from the server yet\n"
	}
	for _, why := range o.Refused {
		text += "the server's last policies are not in force: " + why + "\n"
	}
	if o.Away != "" {
		text += "no orders come: " + o.Away + "\n"
	}
	return text
}

// engineAddresses are those of a server's name, also while names can't be looked up.
type engineAddresses struct {
	url  string
	mu   sync.Mutex
	last []netip.AddrPort
}

func (e *engineAddresses) addresses() []netip.AddrPort {
	u, err := url.Parse(e.url)
	if err != nil {
		return nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		port = map[string]uint64{"http": 80, "https": 443}[u.Scheme]
	}
	const patience = 2 * time.Second
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		return e.last
	}
	e.last = nil
	for _, at := range found {
		e.last = append(e.last, netip.AddrPortFrom(at.Unmap(), uint16(port)))
	}
	return e.last
}

// cpuSeconds is what this process has used of the processors.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return (time.Duration(u.Utime.Nano()) + time.Duration(u.Stime.Nano())).Seconds()
}

// residentBytes is how much memory this process has.
func residentBytes() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident uint64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0
	}
	return resident * uint64(os.Getpagesize())
}
