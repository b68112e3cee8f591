package reference

import (
	"sort"

	"nightjar/compiler"
	"nightjar/schema"
)

var _, _ compiler.Roster = (*Tables)(nil), (*Memory)(nil)

// Values calls use with the values that a loaded column has at a moment, as they
// are kept, and since when each is there, until it returns false. In a column of
// networks, prefixes or patterns these are what it has, not what is in them.
func (s *Tables) Values(name, field string, at schema.Millis, use func(value string, since schema.Millis) bool) {
	c, v, changes := s.columnAt(name, field, at)
	if c == nil {
		return
	}
	for _, r := range c.refsAt(v) {
		if !use(r.text, momentOf(changes, r.since)) {
			return
		}
	}
}

// Since is since when a value that a loaded column has at a moment is there.
func (s *Tables) Since(name, field, value string, at schema.Millis) (since schema.Millis, ok bool) {
	c, v, changes := s.columnAt(name, field, at)
	if c == nil {
		return 0, false
	}
	version, ok := c.since(value, v)
	return momentOf(changes, version), ok
}

func (s *Tables) columnAt(name, field string, at schema.Millis) (*filled, Version, []moment) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.inForce(name, at)
	if t == nil {
		return nil, 0, nil
	}
	i := t.field(field)
	if i < 0 {
		return nil, 0, nil
	}
	return t.columns[i], t.versionAt(at), t.changes
}

// momentOf is when a version of a table's rows began; the first one that is known
// counts for all before.
func momentOf(changes []moment, v Version) schema.Millis {
	n := sort.Search(len(changes), func(i int) bool { return changes[i].version >= v })
	if n == len(changes) {
		return schema.MinMillis
	}
	return changes[n].at
}

// Values calls use with the values of a column. They were always there.
func (m *Memory) Values(name, field string, _ schema.Millis, use func(value string, since schema.Millis) bool) {
	c := m.tables[name][field]
	if c == nil {
		return
	}
	for _, r := range c.refsAt(onlyVersion) {
		if !use(r.text, schema.MinMillis) {
			return
		}
	}
}

// Since says whether a column has a value. Then it was always there.
func (m *Memory) Since(name, field, value string, _ schema.Millis) (since schema.Millis, ok bool) {
	c := m.tables[name][field]
	if c == nil {
		return 0, false
	}
	_, ok = c.since(value, onlyVersion)
	return schema.MinMillis, ok
}

// listed is a value of a column, and the version since which it is there.
type listed struct {
	text  string
	since Version
}

// refsAt are the values that the column has in a version.
func (c *column) refsAt(v Version) []listed {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var out []listed
	for _, r := range c.texts.slots {
		if r == 0 {
			continue
		}
		if since, ok := c.stretchAt(r, v); ok {
			out = append(out, listed{string(c.texts.bytes(r)), since})
		}
	}
	return out
}

// since is the version since which a value that the column has in a version is
// there.
func (c *column) since(value string, v Version) (Version, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	key, ok := c.find.key(value)
	if !ok {
		return 0, false
	}
	r := c.texts.find(hashOf(key), key)
	if r == 0 {
		return 0, false
	}
	return c.stretchAt(r, v)
}

// stretchAt is where the stretch of a value begins that a version lies in.
func (c *column) stretchAt(r ref, v Version) (since Version, ok bool) {
	if since := Version(c.texts.word(r, wordSince)); c.texts.word(r, wordRows) > 0 && since <= v {
		return since, true
	}
	for n := c.texts.word(r, wordPast); n > 0; n = c.past[n-1].before {
		if s := c.past[n-1]; s.from <= v && v < s.to {
			return s.from, true
		}
	}
	return 0, false
}
