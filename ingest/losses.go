package ingest

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"sync"

	"nightjar/schema"
)

// Loss is acknowledged events that are gone.
type Loss struct {
	// First and Last are arrival numbers; 0: only how many is known.
	First, Last uint64 `json:",omitempty"`
	Events      uint64 `json:",omitempty"`
	// Since is from when on they arrived, Until up to when; 0: not known.
	Since, Until schema.Millis `json:",omitempty"`
	Reason       string        `json:",omitempty"`
	// Part is the part of the store that they went with, if one did.
	Part string `json:",omitempty"`
	// At is when it was found.
	At schema.Millis
	// Kind is empty, or skipped: the numbers were never given to an event; or
	// accepted: By has acknowledged what came before, and said Comment.
	Kind    string `json:",omitempty"`
	By      string `json:",omitempty"`
	Comment string `json:",omitempty"`

	accepted Acceptance
}

// Acceptance is that somebody knows of a gap: who, since when, and what they said. The zero
// Acceptance: nobody said so.
type Acceptance struct {
	At          schema.Millis
	By, Comment string
}

const (
	lossSkipped  = "skipped"
	lossAccepted = "accepted"
)

// losses keeps them in a file of a line each, so that each counts once, however
// often it is found.
type losses struct {
	in   *Intake
	file *os.File

	mu       sync.Mutex
	found    []Loss       // of kind skipped, too
	accepted []Acceptance // in their order
	total    uint64
}

func openLosses(in *Intake, path string) (*losses, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open losses: %w", err)
	}
	l := &losses{in: in, file: f}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var loss Loss
		if err := json.Unmarshal(lines.Bytes(), &loss); err != nil {
			in.deps.Log.Error("a line of the record of losses cannot be read", "file", path, "error", err)
			continue
		}
		l.take(loss)
	}
	if err := lines.Err(); err != nil {
		f.Close()
		return nil, fmt.Errorf("read losses: %w", err)
	}
	in.metrics.lost.Add(float64(l.total))
	return l, nil
}

// take adds a line. The lock is held, or nobody else has the losses.
func (l *losses) take(loss Loss) {
	switch loss.Kind {
	case lossAccepted:
		said := Acceptance{At: loss.At, By: loss.By, Comment: loss.Comment}
		l.accepted = append(l.accepted, said)
		for i := range l.found {
			if l.found[i].accepted == (Acceptance{}) {
				l.found[i].accepted = said
			}
		}
	case lossSkipped:
		l.found = append(l.found, loss)
	default:
		l.total += loss.Events
		l.found = append(l.found, loss)
	}
}

// add counts what of a loss was not found before, says it, and makes it durable.
func (l *losses) add(loss Loss) {
	l.mu.Lock()
	defer l.mu.Unlock()
	loss.At = schema.MillisOf(l.in.deps.Now())
	for _, fresh := range l.unknown(loss) {
		if fresh.First > 0 {
			fresh.Events = fresh.Last - fresh.First + 1
		}
		l.take(fresh)
		l.write(fresh)
		if fresh.Kind == lossSkipped {
			continue
		}
		l.in.metrics.lost.Add(float64(fresh.Events))
		l.in.deps.Log.Error("acknowledged events are lost", "events", fresh.Events, "first", fresh.First, "last", fresh.Last,
			"arrived", momentOrUnknown(fresh.Since), "reason", fresh.Reason, "then", "nightjar status says so until nightjar status --accept-loss")
	}
	l.in.notify()
}

func momentOrUnknown(at schema.Millis) string {
	if at == 0 {
		return "unknown"
	}
	return at.String()
}

// unknown is what of a loss is in none that was found. The lock is held.
func (l *losses) unknown(loss Loss) []Loss {
	if loss.First == 0 {
		if slices.ContainsFunc(l.found, func(k Loss) bool { return k.Part == loss.Part && loss.Part != "" }) {
			return nil
		}
		return []Loss{loss}
	}
	rest := []Span{{loss.First, loss.Last}}
	for _, known := range l.found {
		if known.First > 0 {
			rest = without(rest, Span{known.First, known.Last})
		}
	}
	out := make([]Loss, len(rest))
	for i, r := range rest {
		out[i] = loss
		out[i].First, out[i].Last = r.First, r.Last
	}
	return out
}

// skip notes numbers that no event was given.
func (l *losses) skip(first, last uint64) {
	if first <= last {
		l.add(Loss{First: first, Last: last, Kind: lossSkipped})
	}
}

// accept notes that an operator has seen what was lost and set aside by now. The
// counters stay.
func (l *losses) accept(by, comment string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := Loss{Kind: lossAccepted, At: schema.MillisOf(l.in.deps.Now()), By: by, Comment: comment}
	if err := l.writeTo(line); err != nil {
		return err
	}
	l.take(line)
	return nil
}

// write is best effort: what is not durable is found, and said, at the next start.
func (l *losses) write(loss Loss) {
	if err := l.writeTo(loss); err != nil {
		l.in.deps.Log.Error("a loss is not noted on disk, and would be counted again after a restart", "error", err)
	}
}

func (l *losses) writeTo(loss Loss) error {
	line, err := json.Marshal(loss)
	if err != nil {
		return fmt.Errorf("note a loss: %w", err)
	}
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("note a loss: %w", err)
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("note a loss: %w", err)
	}
	return nil
}

// lost are the losses, without the numbers that were skipped.
func (l *losses) lost() []Loss {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.found), func(k Loss) bool { return k.Kind == lossSkipped })
}

// content is what the file holds for whoever goes on without the blocks that are set
// aside: to them those are losses.
func (l *losses) content(gaps []Gap) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out, err := os.ReadFile(l.file.Name())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read losses: %w", err)
	}
	for _, g := range gaps {
		if g.State != GapAside {
			continue
		}
		line, err := json.Marshal(Loss{
			First: g.First, Last: g.Last, Events: g.Events, Since: g.Seen, At: schema.MillisOf(l.in.deps.Now()),
			Reason: "they were set aside, and not or not all stored, when the backup was made that this folder is of",
		})
		if err != nil {
			return nil, fmt.Errorf("note a loss: %w", err)
		}
		out = append(append(out, line...), '\n')
	}
	return out, nil
}

func (l *losses) close() error { return l.file.Close() }

// Gap is a stretch of arrivals that the sink does not have although others behind
// it are there, or that landed late.
type Gap struct {
	First, Last, Events uint64
	// Seen is when the first of them arrived, Since when the gap came to be; 0: not
	// known.
	Seen, Since schema.Millis
	// State is aside, stored or lost.
	State    string
	Reason   string
	Attempts int
	// Accepted is by whom it is known; zero: by nobody.
	Accepted Acceptance
}

// IsAccepted reports whether an operator has seen it.
func (g *Gap) IsAccepted() bool { return g.Accepted != Acceptance{} }

// States of a gap.
const (
	GapAside  = "aside"  // too much for the sink; it is tried again
	GapStored = "stored" // it was, and waits to be evaluated
	GapLost   = "lost"
)

// Gaps are those there are, in the order of arrivals.
func (in *Intake) Gaps() []Gap {
	var out []Gap
	in.losses.mu.Lock()
	accepted := in.losses.accepted
	in.losses.mu.Unlock()
	for _, l := range in.losses.lost() {
		out = append(out, Gap{First: l.First, Last: l.Last, Events: l.Events, Seen: l.Since, Since: l.At, State: GapLost, Reason: l.Reason, Accepted: l.accepted})
	}
	in.aside.mu.Lock()
	defer in.aside.mu.Unlock()
	for _, b := range in.aside.blocks {
		g := Gap{First: b.First, Last: b.Last, Events: uint64(b.Events), Seen: b.Seen, Since: b.Since, State: GapAside, Reason: b.Reason, Attempts: b.tries}
		if i := slices.IndexFunc(accepted, func(a Acceptance) bool { return b.Since <= a.At }); i >= 0 {
			g.Accepted = accepted[i]
		}
		if b.landed {
			g.State, g.Reason = GapStored, "stored late"
		}
		out = append(out, g)
	}
	slices.SortStableFunc(out, func(a, b Gap) int { return cmp.Compare(a.First, b.First) })
	return out
}

// eventsIn counts the events of gaps in these states that nobody accepted.
func (in *Intake) eventsIn(states ...string) (n uint64) {
	for _, g := range in.Gaps() {
		if slices.Contains(states, g.State) && !g.IsAccepted() {
			n += g.Events
		}
	}
	return n
}

// Evaluated forgets a gap that was stored and has been evaluated.
func (in *Intake) Evaluated(first uint64) error { return in.aside.evaluated(first) }

// AcceptLoss notes that an operator has seen the gaps there are: they hold nothing
// back from now on. What was lost stays counted, and what is set aside is tried on.
func (in *Intake) AcceptLoss(by, comment string) error {
	if err := in.losses.accept(by, comment); err != nil {
		return err
	}
	in.deps.Log.Warn("the gaps in what is stored were acknowledged", "by", by, "comment", comment, "gaps", len(in.Gaps()))
	in.notify()
	return nil
}

// Lost is how many acknowledged events are known to be lost, since the folder was
// made.
func (in *Intake) Lost() uint64 {
	in.losses.mu.Lock()
	defer in.losses.mu.Unlock()
	return in.losses.total
}

// acknowledged remembers the highest number that a sender was promised, beside the
// log, so that a log that lost its end is known as such. It is written without an
// fsync: after a power cut it may be lower, never higher.
type acknowledged struct {
	mu   sync.Mutex
	file *os.File
	last uint64
}

func openAcknowledged(path string) (*acknowledged, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the highest number acknowledged: %w", err)
	}
	a := &acknowledged{file: f}
	var b [12]byte
	if _, err := f.ReadAt(b[:], 0); err == nil && crc32.ChecksumIEEE(b[:8]) == binary.LittleEndian.Uint32(b[8:]) {
		a.last = binary.LittleEndian.Uint64(b[:])
	}
	return a, nil
}

func (a *acknowledged) note(last uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if last <= a.last {
		return
	}
	a.last = last
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 12), last)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	_, _ = a.file.WriteAt(b, 0) // a hint
}

func (a *acknowledged) close() error { return a.file.Close() }

// findLost says which of the acknowledged events above a number, up to which all is
// in the sink, the log should have and has not.
func (in *Intake) findLost(stored uint64) {
	say := func(first, last uint64, reason string) {
		if first = max(first, stored+1); first <= last {
			in.losses.add(Loss{First: first, Last: last, Reason: reason})
		}
	}
	if first := in.log.First(); first > 0 && in.mark.found {
		say(in.mark.state.Stored+1, first-1, "the oldest files of the intake log are missing")
	}
	for _, r := range in.report.Lost {
		say(r.First, r.Last, "a part of the intake log is missing or damaged")
	}
	if in.promised >= in.report.Next {
		say(in.report.Next, in.promised, "the end of the intake log is missing or damaged")
	}
}

// readSeqs are the numbers of the events in a dead-letter file.
func readSeqs(content []byte) map[uint64]bool {
	out := map[uint64]bool{}
	for line := range bytes.SplitSeq(content, []byte("\n")) {
		var e struct{ Seq uint64 }
		if json.Unmarshal(line, &e) == nil && e.Seq > 0 {
			out[e.Seq] = true
		}
	}
	return out
}
