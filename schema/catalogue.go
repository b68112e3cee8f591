package schema

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Catalogue knows in which forms the values of every attribute path are stored,
// so that a statement looks for no others.
//
// The contract: whoever stores events adds their forms before the first of them
// can be read, and a statement may read only events that were stored before it
// was compiled. So take the highest arrival that is stored first, compile after
// that, and read no further. A statement without such a bound is right if
// Version is, after it ran, what it was when it was compiled; else run it again.
// A form that is named and was never stored costs time, one that is stored and
// was never named would cost a detection.
//
// The zero value knows nothing of what is stored, and says so: any form, for
// every path, until Complete. It is safe for use by several goroutines.
type Catalogue struct {
	adding sync.Mutex
	known  atomic.Pointer[catalogued]
}

// catalogued is never changed once it can be read.
type catalogued struct {
	paths    map[string]Shapes
	version  uint64
	complete bool
	overflow bool
	beyond   bool
}

// What a catalogue holds is bounded. A path beyond the bounds may have any form.
const (
	MaxCataloguedPaths = 20_000
	MaxCataloguedBytes = 512 // of one path
)

// PathShapes are forms of one path.
type PathShapes struct {
	Path   string
	Shapes Shapes
}

// nothingKnown is what the zero value holds.
var nothingKnown = &catalogued{}

func (c *Catalogue) load() *catalogued {
	if k := c.known.Load(); k != nil {
		return k
	}
	return nothingKnown
}

// Version changes whenever an answer of Shapes does.
func (c *Catalogue) Version() uint64 { return c.load().version }

// Len is how many paths are known.
func (c *Catalogue) Len() int { return len(c.load().paths) }

// Paths are the paths that are known, in no order.
func (c *Catalogue) Paths() []string { return slices.Collect(maps.Keys(c.load().paths)) }

// Overflowed tells whether there are more paths than the catalogue holds.
func (c *Catalogue) Overflowed() bool { return c.load().overflow }

// Shapes are the forms that the path's values may have, and Below where there
// may be values below it.
func (c *Catalogue) Shapes(path string) Shapes { return c.load().shapes(path) }

// Snapshot is Shapes as it is now, and the version it is of. A statement that
// asks for many paths, or that is kept, should be made of one.
func (c *Catalogue) Snapshot() (shapes func(path string) Shapes, version uint64) {
	k := c.load()
	return k.shapes, k.version
}

func (k *catalogued) shapes(path string) Shapes {
	if !k.complete || len(path) > MaxCataloguedBytes {
		return AllShapes
	}
	s, ok := k.paths[path]
	switch {
	case ok:
		return s
	case k.overflow:
		return AllShapes
	case k.beyond:
		return InRest
	}
	return 0
}

// IsComplete tells whether what is stored is known.
func (c *Catalogue) IsComplete() bool { return c.load().complete }

// Beyond tells whether there are paths in column rest that the catalogue does not
// hold.
func (c *Catalogue) Beyond() bool { return c.load().beyond }

// MissingShapes are forms of what is stored that the catalogue lacks, Below
// included. With overflow there are more paths in attributes than it can take, with
// beyond more in column rest.
func (c *Catalogue) MissingShapes(found map[string]Shapes) (missing []PathShapes, overflow, beyond bool) {
	k := c.load()
	d := divider{k: k, fresh: map[string]Shapes{}, Division: Division{Beyond: k.beyond}}
	overflow = k.overflow
	for path, s := range found {
		if s&InRest != 0 && !d.note(path, InRest, Below|InRest, MaxCataloguedPaths/2) {
			d.Beyond = true
		}
		if s &^= InRest; s != 0 && !d.note(path, s, Below, MaxCataloguedPaths) {
			overflow = true
		}
	}
	return d.missing(), overflow, d.Beyond
}

// Add makes forms known. With overflow there are paths in attributes that are not
// among them, with beyond there are such paths in column rest.
func (c *Catalogue) Add(shapes []PathShapes, overflow, beyond bool) {
	c.change(func(k *catalogued) {
		k.overflow, k.beyond = k.overflow || overflow, k.beyond || beyond
		for _, s := range shapes {
			k.paths[s.Path] |= s.Shapes
		}
	})
}

// Complete says that what is stored is known.
func (c *Catalogue) Complete() { c.change(func(k *catalogued) { k.complete = true }) }

func (c *Catalogue) change(apply func(*catalogued)) {
	c.adding.Lock()
	defer c.adding.Unlock()
	next := *c.load()
	next.paths = maps.Clone(next.paths)
	if next.paths == nil {
		next.paths = map[string]Shapes{}
	}
	next.version++
	apply(&next)
	c.known.Store(&next)
}
