package event

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"nightjar/secl"
)

// declarer collects what Model says, and how each field is set from a value of
// JSON: both come from one line for each field.
type declarer struct {
	*secl.Model
	set map[string]func(*Event, any) error
}

// block is a struct within an event, and the names its fields have there.
type block[B any] struct {
	prefix string // with its dot
	stored string // what stored events have instead of the prefix; empty: the same
	event  string // the type of events that has it; empty: all
	// at finds the struct. With fresh it makes what is not there yet; without,
	// what is not there is empty.
	at func(e *Event, fresh bool) *B
	// each finds the struct of one element of the iterator, where there is one.
	each     func(e *Event, i int) *B
	iterator *secl.Iterator
	others   bool // they are of another process than the one of the event
}

// commandLine are the fields of a process whose length is its caller's choice, and
// mostOfOthers, in bytes, is what an event has of each of them of a parent or an ancestor: a
// shell whose script is an argument of 100 kB would otherwise be in the event of whatever
// runs under it, several times. Rules see all of it.
var commandLine = []string{"args", "argv", "args_flags", "args_options", "envs"}

const mostOfOthers = 1 << 10

// within is the block of a struct in the struct of b.
func within[A, B any](b block[A], name string, part func(*A) *B) block[B] {
	out := block[B]{prefix: b.prefix + name, event: b.event, iterator: b.iterator}
	if b.stored != "" {
		out.stored = b.stored + name
	}
	if at := b.at; at != nil {
		out.at = func(e *Event, fresh bool) *B { return part(at(e, fresh)) }
	}
	if each := b.each; each != nil {
		out.each = func(e *Event, i int) *B { return part(each(e, i)) }
	}
	return out
}

// stored are the types that fields are stored in.
type stored interface {
	bool | int64 | string | netip.Prefix | []bool | []int64 | []string | []netip.Prefix
}

// storedOfElements are the fields that events keep of every ancestor of a
// process; of all of them it would be too much.
var storedOfElements = strings.Fields("pid uid comm args argv args_flags args_options file.path file.name")

// option says more of a field.
type option func(*secl.Field)

func doc(s string) option    { return func(f *secl.Field) { f.Doc = s } }
func family(s string) option { return func(f *secl.Field) { f.Constants = s } }
func measured(f *secl.Field) { f.Measured = true }
func domain(f *secl.Field)   { f.Fold, f.Measured, f.Domain = true, true, true }
func secret(f *secl.Field)   { f.Stored = "" }
func isPath(f *secl.Field)   { f.Path, f.Measured, f.Check = true, true, checkPath }
func segments(f *secl.Field) { f.Path = true }

// field declares one field: its name, and where it is stored.
func field[B any, T stored](d *declarer, b block[B], name string, at func(*B) *T, options ...option) {
	f := secl.Field{Name: b.prefix + name, Event: b.event, Iterator: b.iterator, Stored: cmp.Or(b.stored, b.prefix) + name}
	if b.iterator != nil && !slices.Contains(storedOfElements, strings.TrimPrefix(b.prefix, b.iterator.Name+".")+name) {
		f.Stored = ""
	}
	if b.each != nil {
		each := b.each
		f.Read = func(c *secl.Context, i int) T { return *at(each(c.Event.(*Event), i)) }
	} else {
		find := b.at
		f.Read = func(c *secl.Context) T { return *at(find(c.Event.(*Event), orNone)) }
		d.set[f.Name] = func(e *Event, v any) error { return store(at(find(e, orNew)), v) }
	}
	if b.others && slices.Contains(commandLine, name) {
		f.StoredMost = mostOfOthers
	}
	for _, o := range options {
		o(&f)
	}
	d.AddField(f)
}

// store puts a value of JSON where a field is stored.
func store[T stored](to *T, v any) error {
	switch to := any(to).(type) {
	case *bool:
		return storeAs(to, v)
	case *string:
		return storeAs(to, v)
	case *int64:
		n, err := integer(v)
		*to = n
		return err
	case *netip.Prefix:
		n, err := network(v)
		*to = n
		return err
	case *[]string:
		return storeAll(to, v, func(v any) (s string, err error) { err = storeAs(&s, v); return s, err })
	case *[]bool:
		return storeAll(to, v, func(v any) (b bool, err error) { err = storeAs(&b, v); return b, err })
	case *[]int64:
		return storeAll(to, v, integer)
	case *[]netip.Prefix:
		return storeAll(to, v, network)
	}
	return fmt.Errorf("no way to store a %T", to)
}

func storeAs[T any](to *T, v any) error {
	got, ok := v.(T)
	if !ok {
		return fmt.Errorf("got %v, want a %T", v, *to)
	}
	*to = got
	return nil
}

func storeAll[T any](to *[]T, v any, one func(any) (T, error)) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("got %v, want a list", v)
	}
	*to = make([]T, len(list))
	for i, v := range list {
		got, err := one(v)
		if err != nil {
			return err
		}
		(*to)[i] = got
	}
	return nil
}

// integer reads a JSON number, which must be whole.
func integer(v any) (int64, error) {
	if n, ok := v.(interface{ Int64() (int64, error) }); ok {
		i, err := n.Int64()
		if err != nil {
			return 0, fmt.Errorf("%v is no whole number of 64 bits", v)
		}
		return i, nil
	}
	return 0, fmt.Errorf("got %v, want a whole number", v)
}

// network reads an address, or a network in CIDR notation.
func network(v any) (netip.Prefix, error) {
	s, ok := v.(string)
	if !ok {
		return netip.Prefix{}, fmt.Errorf("got %v, want an address", v)
	}
	if ip, err := netip.ParseAddr(s); err == nil {
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	return secl.ParseNet(s)
}
