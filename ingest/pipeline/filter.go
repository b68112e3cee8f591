package pipeline

import (
	"errors"
	"fmt"
	"slices"

	"nightjar/compiler"
	"nightjar/schema"
)

// Filter is a log search: which records a pipeline or a category is for. The zero
// Filter is for all.
type Filter struct {
	Query string `json:"query"`

	query *compiler.Query
	match func(*schema.Event) bool
	paths []string // of the attributes that it reads
	all   bool     // it may read any
}

// filter reads a member that is a filter; absent: all records.
func (o *object) filter(key string) Filter {
	f := Filter{}
	n := o.find(key)
	if n != nil && n.kind == textNode { // as people write it
		f.Query = n.text
		o.compile(&f, n, o.path(key))
		return f
	}
	if inner := o.inner(key); inner != nil {
		f.Query = inner.textOr("query", "")
		o.compile(&f, inner.find("query"), inner.path("query"))
		inner.end()
		return f
	}
	o.compile(&f, n, o.path(key))
	return f
}

func (o *object) compile(f *Filter, n *node, at string) {
	q, err := compiler.ParseQuery(f.Query)
	var bad *compiler.Error
	switch {
	case errors.As(err, &bad):
		o.problemAt(n, at, fmt.Sprintf("the query, at %d:%d: %s", bad.Line, bad.Column, bad.Message), bad.Hint)
		return
	case err != nil:
		o.problemAt(n, at, err.Error(), "")
		return
	}
	f.query, f.match = q, q.Matcher()
	f.paths, f.all = q.Attributes()
}

// matches asks of the record as it is now. The paths of all filters that are asked one
// after the other with no change between are better given together: see event.
func (x *run) matches(f *Filter) bool {
	if f.match == nil || isAll(f.query.Root) {
		return true
	}
	return f.match(x.event(f.paths, f.all))
}

func isAll(n compiler.Node) bool {
	_, all := n.(compiler.MatchAll)
	return all
}

// choice is several filters that are asked together: the first that matches is chosen.
type choice struct {
	filters []*Filter
	paths   []string
	all     bool
}

func newChoice(filters []*Filter) choice {
	c := choice{filters: filters}
	for _, f := range filters {
		c.paths, c.all = append(c.paths, f.paths...), c.all || f.all
	}
	slices.Sort(c.paths)
	c.paths = slices.Compact(c.paths)
	return c
}

// first is which filter is the first that matches; −1: none.
func (x *run) first(c *choice) int {
	if len(c.filters) == 0 {
		return -1
	}
	e := x.event(c.paths, c.all)
	for i, f := range c.filters {
		if f.match == nil || f.match(e) {
			return i
		}
	}
	return -1
}
