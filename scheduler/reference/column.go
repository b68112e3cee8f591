package reference

import (
	"fmt"
	"sync"
)

// Kind says how the values of a column are compared with those of events.
type Kind string

// The kinds. Comparison is of whole texts and knows upper from lower case, but in
// domains, where there is no such difference.
const (
	Auto     Kind = "" // addresses and networks as CIDR, domains, all else as Exact
	Exact    Kind = "exact"
	CIDR     Kind = "cidr"     // addresses and networks, which an event's address is in
	Prefix   Kind = "prefix"   // what an event's value begins with
	Wildcard Kind = "wildcard" // patterns: * is any run of characters, ? is one
)

// Kinds are those that can be named.
var Kinds = []Kind{Exact, CIDR, Prefix, Wildcard}

// Version counts the changes of a table.
type Version uint32

// column is the values of a column in every version from some on. Those of the
// first version that it knows count for all before.
type column struct {
	kind Kind

	mu    sync.RWMutex
	texts *texts // with the words since, rows and past
	past  []stretch
	find  finder
}

// The words beside a value.
const (
	wordSince = iota // version since which it is there, when it is
	wordRows         // how many rows have it
	wordPast         // its last stretch before, 1 + index into past
	valueWords
)

// stretch is when a value was there: from <= version < to.
type stretch struct {
	from, to Version
	before   uint32 // the one before, 1 + index
}

// finder finds the values of a column that an event's value is in.
type finder interface {
	// key is the form in which a value of the table is kept; ok is false for one
	// that is none of the kind.
	key(value string) (key string, ok bool)
	// added is told of every new value.
	added(r ref)
	// candidates calls is with values until it returns true.
	candidates(value string, is func(ref) bool) bool
}

func newColumn(kind Kind) (*column, error) {
	c := &column{kind: kind, texts: newTexts(valueWords)}
	switch kind {
	case Auto:
		c.find = &auto{networks{texts: c.texts}}
	case Exact:
		c.find = exact{c.texts}
	case CIDR:
		c.find = &networks{texts: c.texts}
	case Prefix:
		c.find = &prefixes{texts: c.texts}
	case Wildcard:
		c.find = newPatterns(c.texts)
	default:
		return nil, fmt.Errorf("unknown kind %q of a column; there are %v", kind, Kinds)
	}
	return c, nil
}

// has reports whether the event's value is in the column in a version.
func (c *column) has(value string, v Version) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.find.candidates(value, func(r ref) bool { return c.inForce(r, v) })
}

func (c *column) inForce(r ref, v Version) bool {
	_, ok := c.stretchAt(r, v)
	return ok
}

// intern is the place of a value of the table; 0 for one without meaning: an
// empty one, or one that is none of the kind. The lock is held.
func (c *column) intern(value string) (ref, error) {
	if value == "" {
		return 0, nil
	}
	key, ok := c.find.key(value)
	if !ok {
		return 0, nil
	}
	r, isNew, err := c.texts.add(key)
	if isNew {
		c.find.added(r)
	}
	return r, err
}

// add says that one row more has the value, from a version on. Changes come in
// order of version.
func (c *column) add(r ref, v Version) {
	if r == 0 {
		return
	}
	rows := c.texts.word(r, wordRows)
	if rows == 0 {
		c.reopen(r, v)
	}
	c.texts.setWord(r, wordRows, rows+1)
}

// reopen begins a stretch, or goes on with one that ended in this very version.
func (c *column) reopen(r ref, v Version) {
	if n := c.texts.word(r, wordPast); n > 0 && c.past[n-1].to == v {
		v = c.past[n-1].from
		c.texts.setWord(r, wordPast, c.past[n-1].before)
	}
	c.texts.setWord(r, wordSince, uint32(v))
}

// drop says that one row fewer has the value, from a version on.
func (c *column) drop(r ref, v Version) {
	if r == 0 {
		return
	}
	rows := c.texts.word(r, wordRows) - 1
	c.texts.setWord(r, wordRows, rows)
	if since := Version(c.texts.word(r, wordSince)); rows == 0 && since < v {
		c.past = append(c.past, stretch{since, v, c.texts.word(r, wordPast)})
		c.texts.setWord(r, wordPast, uint32(len(c.past)))
	}
}

// replace says that one row has another value from a version on. The values of a
// row that there is not are empty.
func (c *column) replace(old, new string, v Version) error {
	if old == new {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	from, err := c.intern(old)
	if err != nil {
		return err
	}
	to, err := c.intern(new)
	if err != nil {
		return err
	}
	c.drop(from, v)
	c.add(to, v)
	return nil
}

// size is the memory that the column takes, in bytes, and how many values it
// knows.
func (c *column) size() (bytes, values int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	n := c.texts.size() + 12*cap(c.past)
	if f, ok := c.find.(interface{ size() int }); ok { // beside the texts
		n += f.size()
	}
	return n, c.texts.n
}
