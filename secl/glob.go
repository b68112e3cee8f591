package secl

import (
	"errors"
	"strings"
)

// glob is a pattern of a path. In it * stands for a run of characters within a
// segment, and ** alone for any number of segments; after the last slash for at
// least one, which may be empty.
type glob struct {
	exact      string // the whole path, where there is no star
	rooted     bool   // begins with a slash; a leading star also does without
	starts     bool   // begins with a star
	head, tail []*pattern
	deep       bool // ** stands between head and tail
}

// Whether the case of letters counts.
const (
	matchCase = false
	foldCase  = true
)

// newGlob reads a glob. There can be one ** in it.
func newGlob(text string, fold bool) (*glob, error) {
	g := &glob{rooted: strings.HasPrefix(text, "/"), starts: strings.HasPrefix(text, "*")}
	if !strings.Contains(text, "*") {
		if g.exact = text; fold {
			g.head = []*pattern{newPattern(text, foldCase)}
		}
		return g, nil
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(text, "/"), "/") {
		switch {
		case segment == "**" && g.deep:
			return nil, errors.New("** can stand in a path only once")
		case segment == "**":
			g.deep = true
		case g.deep:
			g.tail = append(g.tail, newPattern(segment, fold))
		default:
			g.head = append(g.head, newPattern(segment, fold))
		}
	}
	return g, nil
}

// match tells whether the glob stands for a path. The empty path is never meant.
func (g *glob) match(path string) bool {
	if path == "" {
		return false
	}
	if !g.deep && len(g.head) == 0 {
		return path == g.exact
	}
	if g.exact != "" {
		return g.head[0].match(path)
	}
	rest, rooted := strings.CutPrefix(path, "/")
	if rooted != g.rooted && !g.starts {
		return false
	}
	more := true // whether rest begins with a segment
	for _, p := range g.head {
		if !more {
			return false
		}
		var segment string
		if segment, rest, more = strings.Cut(rest, "/"); !p.match(segment) {
			return false
		}
	}
	if !g.deep {
		return !more
	}
	if len(g.tail) == 0 {
		return more
	}
	for i := len(g.tail) - 1; i >= 0; i-- {
		if !more {
			return false
		}
		at := strings.LastIndexByte(rest, '/')
		if !g.tail[i].match(rest[at+1:]) {
			return false
		}
		if more = at >= 0; more {
			rest = rest[:at]
		}
	}
	return true
}

// meets tells whether a path that begins with this one, or that this one begins
// with, could match: if not, nothing under the folder does.
func (g *glob) meets(path string) bool {
	path = strings.Trim(path, "/")
	head := g.head
	if g.exact != "" || !g.deep && len(head) == 0 {
		head = nil
		for segment := range strings.SplitSeq(strings.Trim(g.exact, "/"), "/") {
			head = append(head, &pattern{prefix: segment, exact: true})
		}
	}
	for _, p := range head {
		segment, rest, more := strings.Cut(path, "/")
		if !p.match(segment) {
			return false
		}
		if !more {
			return true
		}
		path = rest
	}
	return true
}

// GlobMeets tells whether a glob stands for a path, for something in the folder
// that the path is, or for a folder that it is in. A discarder of a folder must
// meet no glob of any rule.
func GlobMeets(text, path string) (bool, error) {
	g, err := newGlob(text, matchCase)
	if err != nil {
		return false, err
	}
	return g.meets(path), nil
}
