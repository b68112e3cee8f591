package secl

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// lengthOf is the field that has the length of f: the bytes of a text, the
// members of an array.
func lengthOf(f *Field) *Field {
	length := &Field{Name: f.Name + ".length", Event: f.Event, Iterator: f.Iterator, Doc: "the length of " + f.Name, Never: f.Never}
	switch read := f.Read.(type) {
	case func(*Context) string:
		length.Read = func(c *Context) int64 { return int64(len(read(c))) }
	case func(*Context, int) string:
		length.Read = func(c *Context, i int) int64 { return int64(len(read(c, i))) }
	default:
		length.Read = lengthReader(f.Read)
		if length.Read == nil {
			length.Read = func(*Context) int64 { return 0 }
		}
	}
	return length
}

// lengthOfVar is the variable that has the length of v.
func lengthOfVar(v *Var) *Var {
	if read, ok := v.Read.(func(*Context) string); ok {
		return &Var{v.Name + ".length", func(c *Context) int64 { return int64(len(read(c))) }}
	}
	if read := lengthReader(v.Read); read != nil {
		return &Var{v.Name + ".length", read}
	}
	return nil
}

// lengthReader counts the members of an array; nil for a reader of no array.
func lengthReader(read any) any {
	switch read := read.(type) {
	case func(*Context) []bool:
		return func(c *Context) int64 { return int64(len(read(c))) }
	case func(*Context) []int64:
		return func(c *Context) int64 { return int64(len(read(c))) }
	case func(*Context) []string:
		return func(c *Context) int64 { return int64(len(read(c))) }
	case func(*Context) []netip.Prefix:
		return func(c *Context) int64 { return int64(len(read(c))) }
	case func(*Context, int) []string:
		return func(c *Context, i int) int64 { return int64(len(read(c, i))) }
	}
	return nil
}

// domainOf is the field that has the registrable part of the name that f has:
// of www.example.co.uk that is example.co.uk.
func domainOf(f *Field) *Field {
	read, ok := f.Read.(func(*Context) string)
	if !ok {
		panic(fmt.Sprintf("field %s has no name of a domain", f.Name))
	}
	return &Field{
		Name: f.Name + ".root_domain", Event: f.Event, Fold: true, Doc: "the registrable domain of " + f.Name,
		Read: func(c *Context) string { return rootDomain(read(c)) },
	}
}

// rootDomain is the registrable domain of a name; empty if it has none.
func rootDomain(name string) string {
	domain, err := publicsuffix.EffectiveTLDPlusOne(strings.TrimSuffix(strings.ToLower(name), "."))
	if err != nil {
		return ""
	}
	return domain
}
