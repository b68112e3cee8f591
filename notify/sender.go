package notify

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/schema"
)

// Outcome is what came of one attempt to tell something.
type Outcome struct {
	Answer string // what the target said, for people
	// Done says that the target has it; Refused, that it never will. Else it is tried
	// again, after RetryAfter where the target said so.
	Done, Refused bool
	RetryAfter    time.Duration
}

// Teller tells a target: of one piece of news, or of several under one key.
type Teller interface {
	Tell(ctx context.Context, target configuration.NotificationTarget, key string, news []News) Outcome
}

// SenderDeps are what a Sender needs.
type SenderDeps struct {
	Store    Store
	Teller   Teller
	Settings *configuration.Stores
	// IsTriaged reports whether an analyst took care of a signal, or there is no such any
	// more.
	IsTriaged func(ctx context.Context, signal string) (bool, error)
	Now       func() time.Time
	Log       *slog.Logger
}

// Sender tells what is waiting. Each target is told in the order of its news, by itself,
// so that one that is slow or away holds up no other.
type Sender struct {
	deps  SenderDeps
	ready chan struct{}
	again objects.Turns // of those who want something told again, by target

	mu     sync.Mutex
	life   context.Context   // of Run; nil: it has not begun
	early  []News            // added before Run has read what was waiting
	queues map[string]*queue // by target
	wait   sync.WaitGroup
}

// queue is what a target is still to be told. What is told of one signal is told in
// order; what the target does not take holds up no other signal.
type queue struct {
	target string
	wake   chan struct{}
	// hurried ends the pause after a failure.
	hurried chan struct{}

	mu    sync.Mutex
	news  []News // by when they are due
	known map[string]bool
	// retry is, by id of what failed, when it is tried again: by the engine's clock, which a
	// test moves, and in many rows at a time. backoff waits for one, by the machine's.
	retry    map[string]schema.Millis
	failures int // since the target last took something
}

// NewSender makes a Sender.
func NewSender(d SenderDeps) *Sender {
	return &Sender{deps: d, ready: make(chan struct{}), queues: map[string]*queue{}}
}

// How long an attempt may take, how long pauses after failures grow, and how long news is
// tried.
const (
	tellTime   = 30 * time.Second
	firstPause = time.Second
	longest    = 5 * time.Minute
	givesUp    = 7 * 24 * time.Hour
	comesBack  = time.Hour // until then a target that was deleted may be made anew, or enabled
	perDigest  = 1000
)

// perDigestOf are the types of targets whose messages hold fewer lines.
var perDigestOf = map[string]int{"slack": 250, "teams": 50, "opsgenie": 60}

// PerDigest is how many news a target is told in one at most.
func PerDigest(handle string) int {
	return cmp.Or(perDigestOf[typeOf(handle)], perDigest)
}

// typeOf is the type of a target.
func typeOf(handle string) string {
	if IsAddress(handle) {
		return email
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(handle, "@"), "-")
	return kind
}

// Run tells until the context ends; what was waiting before this start first.
func (s *Sender) Run(ctx context.Context) error {
	s.mu.Lock()
	s.life = ctx
	s.mu.Unlock()
	var waiting []News
	for {
		var err error
		if waiting, err = s.deps.Store.Waiting(ctx); err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		s.deps.Log.Error("cannot read what is to be told; it is tried again", "error", err)
		if !sleep(ctx, 5*time.Second) {
			return nil
		}
	}
	s.mu.Lock()
	close(s.ready)
	early := s.early
	s.early = nil
	s.mu.Unlock()
	s.add(ctx, waiting)
	s.add(ctx, early)
	<-ctx.Done()
	s.wait.Wait()
	return nil
}

// Wake adds news. What is added while Run reads what was waiting may be among that or not.
func (s *Sender) Wake(ctx context.Context, news []News) {
	s.mu.Lock()
	select {
	case <-s.ready:
		s.mu.Unlock()
		s.add(ctx, news)
	default:
		s.early = append(s.early, news...)
		s.mu.Unlock()
	}
}

func (s *Sender) add(ctx context.Context, news []News) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range news {
		if n.State != Waiting {
			continue
		}
		q := s.queues[n.Target]
		if q == nil {
			q = &queue{target: n.Target, wake: make(chan struct{}, 1), hurried: make(chan struct{}, 1), known: map[string]bool{}, retry: map[string]schema.Millis{}}
			s.queues[n.Target] = q
			s.wait.Go(func() { s.serve(ctx, q) })
		}
		q.add(n)
	}
}

func (q *queue) add(n News) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.known[n.ID] {
		return
	}
	q.known[n.ID] = true
	at, _ := slices.BinarySearchFunc(q.news, n.Due+1, func(o News, due schema.Millis) int { return cmp.Compare(o.Due, due) })
	q.news = slices.Insert(q.news, at, n) // after those that are due at the same moment
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next is what is to be told now: the first that is due, with all that goes under its
// key; or how long there is nothing.
func (q *queue) next(now schema.Millis) (due []News, pause time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	pause = time.Hour
	held := map[string]bool{} // signals of which something earlier is to be told first
	for _, n := range q.news {
		if n.Due > now {
			pause = min(pause, time.Duration(n.Due-now)*time.Millisecond)
			break
		}
		if wait := q.retry[n.ID] - now; wait > 0 || held[n.About.SignalID] {
			held[n.About.SignalID] = true
			if wait > 0 {
				pause = min(pause, time.Duration(wait)*time.Millisecond)
			}
			continue
		}
		if len(due) == 0 || n.Digest == due[0].Digest && len(due) < PerDigest(q.target) {
			due = append(due, n)
		}
		if n.Digest == "" && len(due) > 0 {
			break
		}
	}
	return due, pause
}

func (q *queue) remove(done []News) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ids := map[string]bool{}
	for _, n := range done {
		ids[n.ID] = true
		delete(q.known, n.ID)
		delete(q.retry, n.ID)
	}
	q.news = slices.DeleteFunc(q.news, func(n News) bool { return ids[n.ID] })
}

func (s *Sender) serve(ctx context.Context, q *queue) {
	for ctx.Err() == nil {
		due, pause := q.next(schema.MillisOf(s.deps.Now()))
		if len(due) == 0 {
			select {
			case <-q.wake:
			case <-time.After(min(pause, 5*time.Second)): // the clock may be moved
			case <-ctx.Done():
			}
			continue
		}
		if !s.seal(ctx, q, due) {
			return
		}
		if pause = s.tell(ctx, q, due); pause > 0 && !q.rest(ctx, pause) {
			return
		}
	}
}

// rest waits for so long, or until somebody asks for the next attempt; false: the context
// ended.
func (q *queue) rest(ctx context.Context, pause time.Duration) bool {
	select {
	case <-time.After(pause):
		return true
	case <-q.hurried:
		return true
	case <-ctx.Done():
		return false
	}
}

// sealed parts the key of a digest from what it was sealed with.
const sealed = " sealed "

// seal settles what is in a digest before it is told: what comes late, or is too much for
// one, is told under a key of its own. Told again after a crash it is the same.
func (s *Sender) seal(ctx context.Context, q *queue, due []News) bool {
	if due[0].Digest == "" || strings.Contains(due[0].Digest, sealed) {
		return true
	}
	key := due[0].Digest + sealed + due[0].ID
	for i := range due {
		due[i].Digest = key
		due[i].Version++
	}
	if !s.put(ctx, due) {
		return false
	}
	s.keep(q, due)
	return true
}

// put writes news, however often it takes: what was told must be known before anything
// else is told. It is false where the context ended before.
func (s *Sender) put(ctx context.Context, news []News) bool {
	for {
		err := s.deps.Store.Put(ctx, news)
		if err == nil {
			return true
		}
		s.deps.Log.Error("cannot write what is told; it is tried again", "error", err)
		if !sleep(ctx, 2*time.Second) {
			return false
		}
	}
}

// tell makes one attempt, writes what came of it, and says how long to pause.
func (s *Sender) tell(ctx context.Context, q *queue, due []News) (pause time.Duration) {
	outcome, ended := s.attempt(ctx, q.target, due)
	if ctx.Err() != nil {
		return 0 // it is told again after the next start, under the same key
	}
	now := schema.MillisOf(s.deps.Now())
	for i := range due {
		n := &due[i]
		n.Version++
		n.Answer = outcome.Answer
		if ended == "" {
			n.Attempts, n.Tried = n.Attempts+1, now
		}
		switch {
		case ended != "":
			n.State = ended
		case outcome.Done:
			n.State = Sent
		case outcome.Refused, now-n.Created > schema.Millis(givesUp.Milliseconds()):
			n.State = Failed
		}
	}
	if !s.put(ctx, due) {
		return 0
	}
	if due[0].State != Waiting {
		q.remove(due)
		q.failures = 0
		if due[0].State == Failed {
			s.deps.Log.Error("a target was not told, and will not be", "target", q.target, "news", len(due), "signal", due[0].About.SignalID, "answer", outcome.Answer)
		}
		return 0
	}
	s.keep(q, due)
	q.failures++
	pause = backOff(q.failures)
	q.retryAfter(due, now+schema.Millis(max(backOff(int(due[0].Attempts)), pause).Milliseconds()))
	if q.failures == 1 || q.failures%20 == 0 {
		s.deps.Log.Warn("a target can't be told; it is tried again", "target", q.target, "attempts", q.failures, "answer", outcome.Answer)
	}
	return max(pause, min(outcome.RetryAfter, time.Hour))
}

// backOff is how long to pause after so many failures.
func backOff(failures int) time.Duration {
	pause := min(longest, firstPause<<min(max(failures-1, 0), 20))
	return pause + time.Duration(rand.Int64N(int64(pause)/4+1))
}

func (q *queue) retryAfter(news []News, at schema.Millis) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, n := range news {
		q.retry[n.ID] = at
	}
}

// keep puts the news back as it is after an attempt.
func (s *Sender) keep(q *queue, tried []News) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.news {
		for _, n := range tried {
			if q.news[i].ID == n.ID {
				q.news[i] = n
			}
		}
	}
}

// attempt tells the target, unless there is no need any more.
func (s *Sender) attempt(ctx context.Context, handle string, due []News) (o Outcome, ended State) {
	target, ok := TargetOf(Targets(ctx, s.deps.Settings), handle)
	if !ok {
		o := Outcome{Answer: "there is no such target any more, or it is disabled"}
		if schema.MillisOf(s.deps.Now())-max(due[0].Created, due[0].Due) < schema.Millis(comesBack.Milliseconds()) {
			return o, ""
		}
		return o, Failed
	}
	if due[0].Kind == Escalated {
		triaged, err := s.deps.IsTriaged(ctx, due[0].About.SignalID)
		if err != nil {
			return Outcome{Answer: err.Error()}, ""
		}
		if triaged {
			return Outcome{Answer: "somebody took care of it in time"}, Dropped
		}
	}
	if over, answer, err := s.within(ctx, due); err != nil || !over {
		return Outcome{Answer: answer, Done: err == nil}, ""
	}
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	return s.deps.Teller.Tell(ctx, target, due[0].Key(), due), ""
}

// holdsAlerts are the types of targets that keep an alert or an issue of each signal, or
// one of a digest.
var holdsAlerts = []string{"pagerduty", "opsgenie", "jira"}

// within finds the digest that the opening of a signal was told in, for who keeps an alert
// of it. An alert ends with the last of its signals: until then it reports that there is
// nothing to tell, and why.
func (s *Sender) within(ctx context.Context, due []News) (tell bool, answer string, err error) {
	n := &due[0]
	if n.Kind == Opened || n.Digest != "" || !slices.Contains(holdsAlerts, typeOf(n.Target)) {
		return true, "", nil
	}
	told, err := s.deps.Store.Of(ctx, []string{n.About.SignalID})
	if err != nil {
		return false, err.Error(), err
	}
	var opening *News
	for i := range told {
		if o := &told[i]; o.Target == n.Target && o.Kind == Opened && o.About.Version <= n.About.Version && (opening == nil || o.About.Version > opening.About.Version) {
			opening = o
		}
	}
	if opening == nil || opening.Digest == "" {
		return true, "", nil
	}
	n.Within = opening.Key()
	if !n.Kind.Ends() || typeOf(n.Target) == "jira" { // an issue is commented on
		return true, "", nil
	}
	open, all, err := s.open(ctx, n.Target, opening.Digest, n.About.SignalID)
	if err != nil {
		return false, err.Error(), err
	}
	return open == 0, fmt.Sprintf("of %d signals that were told in one, %d are open still: the last one ends the alert", all, open), nil
}

// open counts the signals of a digest, but for one that ends, of which nothing was found
// that ends them.
func (s *Sender) open(ctx context.Context, target, digest, ends string) (open, all int, err error) {
	in, err := s.deps.Store.InDigest(ctx, target, digest)
	if err != nil {
		return 0, 0, err
	}
	signals := make([]string, 0, len(in))
	for _, n := range in {
		signals = append(signals, n.About.SignalID)
	}
	told, err := s.deps.Store.Of(ctx, signals)
	if err != nil {
		return 0, 0, err
	}
	newest := map[string]News{}
	for _, n := range told {
		if o, ok := newest[n.About.SignalID]; n.Target == target && n.Kind != Escalated && n.Kind != Responded && (!ok || n.About.Version > o.About.Version || n.About.Version == o.About.Version && n.Created > o.Created) {
			newest[n.About.SignalID] = n
		}
	}
	for _, id := range signals {
		if id != ends && !newest[id].Kind.Ends() {
			open++
		}
	}
	return open, len(signals), nil
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// cut is a text of so many bytes at most.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xc0 == 0x80 {
		most--
	}
	return fmt.Sprintf("%s… (cut)", s[:most])
}
