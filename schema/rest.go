package schema

import "strings"

// Division says of some events which of their paths go to column rest, and which
// forms the catalogue must have before they are stored.
type Division struct {
	Missing []PathShapes
	// Rest are the paths whose leaves go to column rest; nil: none.
	Rest map[string]bool
	// Beyond: some of them are more than the catalogue holds.
	Beyond bool
	// Leaves are how many go there, Sources whose they are.
	Leaves  int
	Sources map[string]int
}

// Divide decides where the leaves of the events go: those at a path that is new
// to column attributes, and that admit refuses or the catalogue has no room for,
// go to column rest. What admit has said of a path holds for all of the events.
//
// Half of the catalogue's room is for what attributes holds.
func (c *Catalogue) Divide(events []Event, admit func(e *Event) bool) Division {
	k := c.load()
	d := divider{k: k, fresh: map[string]Shapes{}, Division: Division{Beyond: k.beyond}}
	for i := range events {
		e := &events[i]
		e.Attributes.Shapes(func(path string, s Shapes) { d.divide(e, path, s, admit) })
	}
	d.Missing = d.missing()
	return d.Division
}

type divider struct {
	Division
	k     *catalogued
	fresh map[string]Shapes
	added int // paths that the catalogue does not have
}

func (d *divider) divide(e *Event, path string, s Shapes, admit func(*Event) bool) {
	known := d.k.paths[path]
	if known&s == s {
		return
	}
	held := (known | d.fresh[path]) & Alone
	if _, typed := typedPaths[path]; typed || held != 0 {
		d.note(path, s, Below, MaxCataloguedPaths)
		return
	}
	if !d.Rest[path] {
		room := !d.k.overflow && len(path) <= MaxCataloguedBytes && len(d.k.paths)+d.added+strings.Count(path, ".") < MaxCataloguedPaths
		if room && admit(e) && d.note(path, s, Below, MaxCataloguedPaths) {
			return
		}
		if d.Rest == nil {
			d.Rest, d.Sources = map[string]bool{}, map[string]int{}
		}
		d.Rest[path] = true
	}
	d.Leaves++
	d.Sources[e.Source]++
	if !d.note(path, InRest, Below|InRest, MaxCataloguedPaths/2) {
		d.Beyond = true
	}
}

// note adds a form of a path, and what that makes of those that it is below of. It
// reports whether the catalogue has room for all of them.
func (d *divider) note(path string, s, above Shapes, room int) bool {
	whole := true
	for {
		known, ok := d.k.paths[path]
		fresh, added := d.fresh[path]
		switch {
		case (known|fresh)&s == s && (ok || added):
			return whole // and so are those above
		case ok || added:
			d.fresh[path] = fresh | s
		case len(path) > MaxCataloguedBytes: // any form is looked for
		case len(d.k.paths)+d.added < room:
			d.fresh[path] = s
			d.added++
		default:
			whole = false
		}
		at := strings.LastIndexByte(path, '.')
		if at < 0 {
			return whole
		}
		path, s = path[:at], above
	}
}

// missing is what the catalogue lacks of what was noted.
func (d *divider) missing() (missing []PathShapes) {
	for path, s := range d.fresh {
		known, ok := d.k.paths[path]
		if !ok && d.Beyond {
			s |= InRest // of it and of what is below, some may have gone there before
		}
		if s &^= known; s != 0 {
			missing = append(missing, PathShapes{path, s})
		}
	}
	return missing
}
