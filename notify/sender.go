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
	// IsTriaged reports whether somebody took care of a signal, or there is no such any
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

	mu     sync.Mutex
	early  []News            // added before Run has read what was waiting
	queues map[string]*queue // by target
	wait   sync.WaitGroup
}

// queue is what a target is still to be told, in order.
type queue struct {
	target string
	wake   chan struct{}

	mu       sync.Mutex
	news     []News // by when they are due
	known    map[string]bool
	failures int
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
	kind, _, _ := strings.Cut(strings.TrimPrefix(handle, "@"), "-")
	return cmp.Or(perDigestOf[kind], perDigest)
}

// Run tells until the context ends; what was waiting before this start first.
func (s *Sender) Run(ctx context.Context) error {
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
			q = &queue{target: n.Target, wake: make(chan struct{}, 1), known: map[string]bool{}}
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

// next is what is due, the first of it, with all that goes under its key; or how long
// there is nothing.
func (q *queue) next(now schema.Millis) (due []News, pause time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.news) == 0 {
		return nil, time.Hour
	}
	first := q.news[0]
	if first.Due > now {
		return nil, time.Duration(first.Due-now) * time.Millisecond
	}
	for _, n := range q.news {
		if n.ID == first.ID || first.Digest != "" && n.Digest == first.Digest && len(due) < PerDigest(q.target) {
			due = append(due, n)
		}
	}
	return due, 0
}

func (q *queue) remove(done []News) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ids := map[string]bool{}
	for _, n := range done {
		ids[n.ID] = true
		delete(q.known, n.ID)
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
		if pause = s.tell(ctx, q, due); pause > 0 && !sleep(ctx, pause) {
			return
		}
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
	pause = min(longest, firstPause<<min(q.failures-1, 20))
	pause += time.Duration(rand.Int64N(int64(pause)/4 + 1))
	if q.failures == 1 || q.failures%20 == 0 {
		s.deps.Log.Warn("a target can't be told; it is tried again", "target", q.target, "attempts", q.failures, "answer", outcome.Answer)
	}
	return max(pause, min(outcome.RetryAfter, time.Hour))
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
	target, ok := Targets(ctx, s.deps.Settings)[handle]
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
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	return s.deps.Teller.Tell(ctx, target, due[0].Key(), due), ""
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
