package delivery

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent"
	"nightjar/agent/probe"
	"nightjar/schema"
)

// Sink is an agent.Sink whose matches go to a server, and its reports with them.
type Sink struct {
	*Sender
	about   schema.AgentReport // what does not change
	host    string
	every   time.Duration
	stop    func() error
	mu      sync.Mutex
	latest  agent.Report
	asked   time.Time // when a report was last asked for
	ready   bool
	closing bool
	reached said             // what the last report that was acknowledged said
	blind   *schema.AgentGap // before this run; nil: it has been said, or was not
}

// said is what was lost until a moment.
type said struct {
	at   time.Time
	lost map[string]uint64
}

// About says which agent reports.
type About struct {
	Host     string
	Version  string
	Policies []string
	Report   time.Duration // between two reports to the server; 0: a minute
}

// NewSink starts to send; Close ends it.
func NewSink(c Config, about About) (*Sink, error) {
	now := time.Now()
	s := &Sink{host: about.Host, every: about.Report, reached: said{at: now}, latest: agent.Report{Time: now, Started: now}}
	if s.every == 0 {
		s.every = time.Minute
	}
	c.Report, c.Through = s.event, s.through
	sender, err := New(c)
	if err != nil {
		return nil, err
	}
	s.Sender = sender
	s.about = schema.AgentReport{
		Instance: sender.id, Version: about.Version, Kernel: Kernel(), Started: schema.MillisOf(now),
		Policies: about.Policies, Hooks: []schema.AgentHook{}, Unsupported: []schema.AgentUnsupported{},
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sender.Run(ctx) }()
	s.stop = func() error { cancel(); return <-ended }
	return s, nil
}

// InForce takes the names of the policies that are in force from now on, and how events
// are seen.
func (s *Sink) InForce(policies []string, hooks []probe.Hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.about.Policies = policies
	s.seeThrough(hooks)
	s.ReportSoon()
}

// Instance names this run of the agent.
func (s *Sink) Instance() string { return s.Sender.id }

// Match implements agent.Sink.
func (s *Sink) Match(m agent.Match) { s.Send(m.JSON) }

// Dropped implements agent.Sink.
func (s *Sink) Dropped() uint64 {
	var n uint64
	for _, k := range s.Counts().Lost {
		n += k
	}
	return n
}

// Ready takes how events are seen, and has that reported at once.
func (s *Sink) Ready(hooks []probe.Hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seeThrough(hooks)
	if !s.ready {
		s.begin(time.Now())
	}
	s.ready = true
	s.ReportSoon()
}

// begin takes what was unseen before this run. The first run marks when it began: if it is
// killed before anything of it is in the spool, the one after it knows since when.
func (s *Sink) begin(now time.Time) {
	s.blind = s.unseen(now)
	if s.Sender.before.through == 0 {
		s.Sender.began(now)
	}
}

// seeThrough takes how events are seen.
func (s *Sink) seeThrough(hooks []probe.Hook) {
	s.about.Hooks, s.about.Unsupported = []schema.AgentHook{}, []schema.AgentUnsupported{}
	for _, of := range append(probe.SupportOf(hooks), probe.NotYet()...) {
		without := strings.Join(of.Without, "; ")
		switch {
		case of.Seen:
			s.about.Hooks = append(s.about.Hooks, schema.AgentHook{Event: of.Event, Provider: strings.Join(of.Hooks, ", "), Without: without})
		case without != "":
			s.about.Unsupported = append(s.about.Unsupported, schema.AgentUnsupported{Event: of.Event, Reason: without})
		}
	}
}

// unseen is the time from which this run's predecessor may have left something out until
// now; nil for the first run. An agent that ends without a goodbye was killed, or its host
// was.
func (s *Sink) unseen(now time.Time) *schema.AgentGap {
	before := s.Sender.before
	if before.through == 0 {
		return nil
	}
	why := "it ended without a goodbye: it was killed, or the host went down"
	if before.ended == 1 {
		why = "it was stopped"
	}
	return &schema.AgentGap{From: schema.Millis(before.through), To: schema.MillisOf(now), Reason: why}
}

// through is the time up to which everything is handed over or said. Before the gap ahead
// of this run was said, it is that of the run before.
func (s *Sink) through() (at time.Time, ended bool) {
	counts := s.Counts()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blind != nil || !s.ready || s.latest.Through.IsZero() {
		return time.Time{}, false
	}
	if len(less(sum(s.latest.Lost, counts.Lost), s.reached.lost)) > 0 {
		return s.reached.at, false
	}
	return s.latest.Through, s.closing
}

// Report implements agent.Sink.
func (s *Sink) Report(r agent.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = r
	if r.Time.Sub(s.asked) >= s.every {
		s.asked = r.Time
		s.ReportSoon()
	}
}

// Latest is the report that it got last.
func (s *Sink) Latest() agent.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest
}

// Losses are events and matches that were lost, by cause.
func (s *Sink) Losses() map[string]uint64 {
	counts := s.Counts()
	return sum(s.Latest().Lost, counts.Lost)
}

// Server is where it sends to.
func (s *Sink) Server() string { return s.Sender.config.Server }

// Close sends what waits, and a last report.
func (s *Sink) Close() error {
	s.mu.Lock()
	s.about.Stopping, s.closing = true, true
	if s.ready { // an agent that never ran has nothing to report
		s.ReportSoon()
	}
	s.mu.Unlock()
	return s.stop()
}

// event is the event that carries the report of now.
func (s *Sink) event() (text []byte, acknowledged func()) {
	counts := s.Counts()
	s.mu.Lock()
	defer s.mu.Unlock()
	r, l := s.about, s.latest
	r.Generated, r.Filtered, r.Delivered, r.Waiting, r.Lost, r.Incomplete = l.Generated, l.Filtered, l.Delivered, l.Waiting, l.Lost, l.Incomplete
	r.Matches, r.HeldBack = l.Matches, l.HeldBack
	r.Sent, r.Unsent, r.Undelivered = counts.Delivered, counts.Waiting, counts.Lost
	now := said{at: l.Time, lost: sum(l.Lost, counts.Lost)}
	// The counts of the kernel are a little older than those of the way to the server.
	r.From, r.To, r.LostSince = schema.MillisOf(s.reached.at), schema.MillisOf(time.Now()), less(now.lost, s.reached.lost)
	r.Blind = s.blind
	late := s.lostAfter() // of what was in the spool, and lost there
	if late > 0 {
		r.From = min(r.From, schema.Millis(late))
	}
	id := r.RuleID()
	text, err := json.Marshal(map[string]any{
		"timestamp": r.To, "source": schema.AgentSource, "hostname": s.host, "message": message(&r),
		"agent": map[string]any{"rule_id": id, "report": r}, "evt": map[string]any{"name": id},
	})
	if err != nil {
		panic(err) // texts and numbers always have a JSON
	}
	return text, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reached = now
		if r.Blind == s.blind {
			s.blind = nil
		}
		s.toldLosses(late)
	}
}

// message is what a person reads of a report.
func message(r *schema.AgentReport) string {
	switch {
	case r.Blind != nil:
		return "the agent watches again"
	case r.RuleID() == schema.AgentLost:
		return "the agent lost events"
	}
	if r.Stopping {
		return "the agent stops"
	}
	return "the agent watches"
}

// sum adds numbers by cause.
func sum(a, b map[string]uint64) map[string]uint64 {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]uint64{}
	}
	for cause, n := range b {
		out[cause] += n
	}
	return out
}

// less is what is in a and not in b, by cause.
func less(a, b map[string]uint64) map[string]uint64 {
	out := map[string]uint64{}
	for cause, n := range a {
		if n > b[cause] {
			out[cause] = n - b[cause]
		}
	}
	return out
}

// Kernel is that of this host: its release and architecture.
func Kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
}
