package service

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	pb "nightjar/api/v1"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// Events deletes events. access/clickhouse has the statements.
type Events interface {
	// Settle returns when what was acknowledged before is stored.
	Settle(ctx context.Context) error
	// Count is how many events the query finds, from inclusive, to exclusive, and
	// CountSignals how many signals.
	Count(ctx context.Context, q *search.Query, from, to schema.Millis) (uint64, error)
	CountSignals(ctx context.Context, q *search.Query, from, to schema.Millis) (uint64, error)
	// Delete deletes the events, and says how many.
	Delete(ctx context.Context, q *search.Query, from, to schema.Millis) (uint64, error)
}

// Unreached says what deleting events does not reach.
var Unreached = []string{
	"signals, with the events that they show as samples, and what was told of them: they say why somebody acted, and go after their own time (--retention)",
	"what rules remember: groups and values of matches go after their time (--retention), known values are kept as hashes, and baselines as numbers",
	"the state of rules that the events made: signals stay as they are, and a backtest no longer finds these events",
	"backups that were made before: make a new one, and let the old ones go",
	"the files of the parts that had them: the server removes those some minutes later; and what memory holds of the newest events, until others push it out",
	"reference tables, notes of analysts and the audit log, where somebody wrote such things there",
	"other systems that the events, or notifications, were sent to",
}

// deletions serves DeletionService. A deletion is confirmed with what its preview
// answered: the query, the times and how many events there were, signed by this process.
type deletions struct {
	pb.UnimplementedDeletionServiceServer
	events Events
	now    func() time.Time
	key    []byte

	busy sync.Mutex // one deletion at a time
}

func newDeletions(events Events, now func() time.Time) *deletions {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return &deletions{events: events, now: now, key: key}
}

// confirmed is what a confirmation says.
type confirmed struct {
	Query    string
	From, To schema.Millis
	Events   uint64
	Until    schema.Millis
}

// confirmTime is how long a preview may be confirmed.
const confirmTime = 10 * time.Minute

// PreviewDeletion counts.
func (s *deletions) PreviewDeletion(ctx context.Context, in *pb.DeletionRequest) (*pb.DeletionPreview, error) {
	q, err := deletionQuery(in.GetQuery())
	if err != nil {
		return nil, err
	}
	c := confirmed{Query: in.GetQuery(), Until: schema.MillisOf(s.now().Add(confirmTime))}
	if c.From, err = moment("from", in.GetFrom(), 0, s.now()); err != nil {
		return nil, err
	}
	if c.To, err = moment("to", in.GetTo(), schema.MaxMillis, s.now()); err != nil {
		return nil, err
	}
	if c.From >= c.To {
		return nil, invalid("from", "it must be before to")
	}
	if c.Events, err = s.count(ctx, q, c); err != nil {
		return nil, err
	}
	signals, err := s.events.CountSignals(ctx, q, c.From, c.To)
	if err != nil {
		return nil, err
	}
	return &pb.DeletionPreview{Events: c.Events, Confirm: s.sign(c), Signals: signals, Unreached: Unreached}, nil
}

// deletionQuery refuses what would delete everything by mistake.
func deletionQuery(text string) (*search.Query, error) {
	if t := strings.TrimSpace(text); t == "" || t == "*" {
		return nil, invalid("query", "say which events, such as @usr.email:jane@example.org; what is to go by age goes by --retention")
	}
	q, err := search.Parse(text)
	if err != nil {
		return nil, invalid("query", err.Error())
	}
	return q, nil
}

func (s *deletions) count(ctx context.Context, q *search.Query, c confirmed) (uint64, error) {
	if err := s.events.Settle(ctx); err != nil {
		return 0, err
	}
	return s.events.Count(ctx, q, c.From, c.To)
}

// DeleteEvents deletes what was confirmed.
func (s *deletions) DeleteEvents(ctx context.Context, in *pb.DeletionRequest) (*pb.DeletionResult, error) {
	c, err := s.read(in.GetConfirm())
	if err != nil {
		return nil, err
	}
	if in.GetQuery() != c.Query {
		return nil, invalid("confirm", "it confirms another query; look at a preview of this one first")
	}
	q, err := deletionQuery(c.Query)
	if err != nil {
		return nil, err
	}
	if !s.busy.TryLock() {
		return nil, fmt.Errorf("another deletion is under way: %w", schema.ErrUnavailable)
	}
	defer s.busy.Unlock()
	n, err := s.count(ctx, q, c)
	if err != nil {
		return nil, err
	}
	if n != c.Events {
		return nil, invalid("confirm", fmt.Sprintf("there are %d such events by now, and %d were confirmed; look at a preview again", n, c.Events))
	}
	// It goes on when the caller hangs up: half of it would help nobody.
	if n, err = s.events.Delete(context.WithoutCancel(ctx), q, c.From, c.To); err != nil {
		return nil, err
	}
	return &pb.DeletionResult{Events: n, Unreached: Unreached}, nil
}

func (s *deletions) sign(c confirmed) string {
	text, _ := json.Marshal(c) // plain values: never fails
	return base64.RawURLEncoding.EncodeToString(append(s.mac(text), text...))
}

func (s *deletions) mac(text []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write(text)
	return m.Sum(nil)
}

func (s *deletions) read(confirm string) (c confirmed, err error) {
	text, err := base64.RawURLEncoding.DecodeString(confirm)
	if err != nil || len(text) < sha256.Size || !hmac.Equal(text[:sha256.Size], s.mac(text[sha256.Size:])) || json.Unmarshal(text[sha256.Size:], &c) != nil {
		return c, invalid("confirm", "it is not what a preview answered; look at one first, and send its confirm")
	}
	if schema.MillisOf(s.now()) > c.Until {
		return c, invalid("confirm", "the preview is older than ten minutes; look at one again")
	}
	return c, nil
}
