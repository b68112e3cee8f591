package pipeline

import (
	"errors"
	"fmt"
	"slices"

	"nightjar/compiler/search"
	"nightjar/ingest/record"
	"nightjar/schema"
)

// Filter is a log search: which records a pipeline or a category is for. The zero
// Filter is for all.
type Filter struct {
	Query string `json:"query"`

	query *search.Query
	match func(*schema.Event) bool
	reads reads
}

// reads is what of a record's attributes filters look at.
type reads struct {
	paths []string
	all   bool // it may be any
	// reserved are those of the paths that are names of reserved fields: what an event
	// came with there has been taken out of its attributes.
	reserved []string
	// one is the path, where there is but one and it is of no reserved field.
	one *record.Path
}

func (r *reads) add(paths []string, all bool) {
	r.paths, r.all = append(r.paths, paths...), r.all || all
	slices.Sort(r.paths)
	r.paths = slices.Compact(r.paths)
	r.reserved = nil
	for _, p := range r.paths {
		if slices.Contains(cameNames, p) {
			r.reserved = append(r.reserved, p)
		}
	}
	r.one = nil
	if len(r.paths) == 1 && !r.all && len(r.reserved) == 0 {
		if p, err := record.ParsePath(r.paths[0]); err == nil {
			r.one = &p
		}
	}
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
	q, err := search.Parse(f.Query)
	var bad *schema.SyntaxError
	switch {
	case errors.As(err, &bad):
		o.problemAt(n, at, fmt.Sprintf("the query, at %d:%d: %s", bad.Line, bad.Column, bad.Message), bad.Hint)
		return
	case err != nil:
		o.problemAt(n, at, err.Error(), "")
		return
	}
	f.query, f.match = q, q.Matcher()
	f.reads.add(q.Attributes())
}

// matches asks of the record as it is now.
func (x *run) matches(f *Filter) bool {
	if f.match == nil || isAll(f.query.Root) {
		return true
	}
	return f.match(x.event(&f.reads))
}

func isAll(n search.Node) bool {
	_, all := n.(search.MatchAll)
	return all
}

// choice is several filters that are asked together: the first that matches is chosen.
type choice struct {
	filters []*Filter
	reads   reads
}

func newChoice(filters []*Filter) choice {
	c := choice{filters: filters}
	for _, f := range filters {
		c.reads.add(f.reads.paths, f.reads.all)
	}
	return c
}

// first is which filter is the first that matches; −1: none.
func (x *run) first(c *choice) int {
	if len(c.filters) == 0 {
		return -1
	}
	e := x.event(&c.reads)
	for i, f := range c.filters {
		if f.match == nil || f.match(e) {
			return i
		}
	}
	return -1
}
