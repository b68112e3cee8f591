package auditd

import "strings"

// Event are the lines of one event.
type Event struct {
	// Line is the number of the first one, from 1.
	Line int
	// Text are the lines, in the order in which they came, with "\n" between them;
	// valid until the next event.
	Text string
	// Open: more of it may come.
	Open bool
}

// Joiner brings the lines of an event together. Events come out in the order of
// their first lines. An event is over when its last record says so (EOE, or PROCTITLE
// behind a SYSCALL), when it has but one, or when a record two seconds younger has
// come. What is no record is an event of its own.
type Joiner struct {
	emit    func(Event) error
	pending []*joined
	byKey   map[key]*joined
	newest  int64
	bytes   int
	resting bool
}

type key struct {
	node   string
	millis int64
	serial uint64
}

type joined struct {
	key    key
	line   int
	lines  []string
	over   bool
	called bool // it has a SYSCALL
}

// Bounds of what waits for more of it.
const (
	patience   = 2000 // ms
	maxPending = 512
	maxBytes   = 4 << 20
)

// NewJoiner hands events to emit.
func NewJoiner(emit func(Event) error) *Joiner {
	return &Joiner{emit: emit, byKey: map[key]*joined{}}
}

// Add takes a line, without its end.
func (j *Joiner) Add(line string, number int) error {
	line = strings.TrimRight(line, "\r\n")
	if strings.Trim(line, "-") == "" || strings.HasPrefix(line, "time->") {
		return nil // what ausearch writes between events
	}
	r, ok := Parse(line)
	if !ok {
		j.push(&joined{line: number, lines: []string{line}, over: true})
		return j.release(finished)
	}
	k := key{r.Node, r.Millis, r.Serial}
	e := j.byKey[k]
	switch {
	case e == nil && r.Type == "EOE":
		return nil // of an event that is over, or of one that had nothing else
	case e == nil:
		e = &joined{key: k, line: number}
		j.byKey[k] = e
		j.push(e)
	}
	e.lines = append(e.lines, line)
	j.bytes += len(line)
	e.called = e.called || r.Type == "SYSCALL"
	e.over = e.over || r.Type == "EOE" || r.Type == "PROCTITLE" && e.called || isSingle(r.Type)
	j.newest = max(j.newest, r.Millis)
	return j.release(finished)
}

func (j *Joiner) push(e *joined) { j.pending = append(j.pending, e) }

// What release hands over.
const (
	finished   = false // events that are over
	everything = true
)

// release hands over the events at the front that are over, or everything.
func (j *Joiner) release(all bool) error {
	for len(j.pending) > 0 {
		e := j.pending[0]
		over := e.over || j.resting || e.key.millis+patience <= j.newest || len(j.pending) > maxPending || j.bytes > maxBytes
		if !over && !all {
			return nil
		}
		j.pending = j.pending[1:]
		delete(j.byKey, e.key)
		text := strings.Join(e.lines, "\n")
		j.bytes -= len(text) - (len(e.lines) - 1)
		if err := j.emit(Event{Line: e.line, Text: text, Open: !over}); err != nil {
			return err
		}
	}
	j.pending = nil // what was read is garbage now
	return nil
}

// Close hands over what is left: nothing more will come.
func (j *Joiner) Close() error { return j.release(everything) }

// Rest hands over what is left when nothing has come for so long that nothing more
// will.
func (j *Joiner) Rest() error {
	j.resting = true
	defer func() { j.resting = false }()
	return j.release(finished)
}
