package vars

import (
	"cmp"
	"container/list"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"nightjar/secl"
)

// Scope is whom a variable has a value for.
type Scope string

// The scopes.
const (
	Global    Scope = ""
	Process   Scope = "process"
	Container Scope = "container"
	CGroup    Scope = "cgroup"
)

// Key identifies a process, a container or a cgroup.
type Key struct {
	ID   uint64
	Name string
}

// World tells whom an event is about.
type World interface {
	// Ancestor is the process of the context, and with i above 0 its i-th parent.
	Ancestor(c *secl.Context, i int) (Key, bool)
	// Container and CGroup are those of that process.
	Container(c *secl.Context) (Key, bool)
	CGroup(c *secl.Context) (Key, bool)
	// PID is the scope to evaluate in for the process with that id.
	PID(c *secl.Context, pid int64) (scope any, ok bool)
}

// DefaultSize is how many members an array has at most, unless a policy says
// otherwise.
const DefaultSize = 100

// maxEntities bounds for how many processes, containers or cgroups a variable
// has a value. The one that was set longest ago goes first, and is counted; before it go
// those of processes that ended, of which their children have inherited.
const maxEntities = 65536

// maxInheritance bounds how far up a value is looked for.
const maxInheritance = 256

// Declaration is what policies say of a variable.
type Declaration struct {
	Name      string
	Scope     Scope
	Type      secl.Type
	Default   any  // a bool, int64, string or netip.Prefix, or a slice; nil: the zero value
	Inherited bool // a process without a value has that of its parent
	Private   bool // not reported with signals
}

// FullName is the name that an expression reads.
func (d *Declaration) FullName() string {
	if d.Scope == Global {
		return d.Name
	}
	return string(d.Scope) + "." + d.Name
}

// Store has the variables of a rule set. It belongs to one goroutine.
type Store struct {
	world   World
	list    []*Variable
	byName  map[string]*Variable
	evicted uint64
}

// NewStore makes an empty store.
func NewStore(w World) *Store { return &Store{world: w, byName: map[string]*Variable{}} }

// Evicted counts values that were dropped because a variable had one for too
// many processes, containers or cgroups.
func (s *Store) Evicted() uint64 { return s.evicted }

// Get finds a variable by its full name; nil if there is none.
func (s *Store) Get(name string) *Variable { return s.byName[name] }

// All are the variables in the order of their declaration.
func (s *Store) All() []*Variable { return s.list }

// Declare adds a variable.
func (s *Store) Declare(d Declaration) *Variable {
	v := &Variable{Declaration: d, store: s, values: map[Key]*list.Element{}, order: list.New()}
	v.Var = &secl.Var{Name: d.FullName(), Read: v.reader()}
	s.list = append(s.list, v)
	s.byName[v.FullName()] = v
	return v
}

// Forget drops what a scope has for a process, container or cgroup that ended. What the
// children of a process may inherit is kept for them, and is the first to go when there
// are too many.
func (s *Store) Forget(scope Scope, key Key) {
	for _, v := range s.list {
		switch {
		case v.Scope != scope:
		case v.Inherited:
			v.retire(key)
		default:
			v.drop(key)
		}
	}
}

// Resume takes the values of the variables that another store declares alike. That one
// must not be used any more.
func (s *Store) Resume(from *Store) {
	for _, v := range s.list {
		old := from.byName[v.FullName()]
		if old != nil && old.Scope == v.Scope && old.Type == v.Type && old.Inherited == v.Inherited {
			v.values, v.order = old.values, old.order
		}
	}
	s.evicted += from.evicted
}

// Variable is a declared variable and its values.
type Variable struct {
	Declaration
	Var    *secl.Var // how an expression reads it
	store  *Store
	values map[Key]*list.Element // of *value
	order  *list.List            // the value that was set last is in front
}

// value is what a variable has for one key.
type value struct {
	key     Key
	bool    bool
	int     int64
	text    string
	net     netip.Prefix
	ints    []int64
	texts   []string
	nets    []netip.Prefix
	expires []int64 // of each member of an array, or of the value; 0: never
	ended   bool    // whose it was is gone
}

// reader makes the reader of the variable's type.
func (v *Variable) reader() any {
	none := &value{}
	if err := none.set(v.Default); err != nil {
		panic(fmt.Sprintf("variable %s: %v", v.FullName(), err)) // no policy can say that
	}
	find := func(c *secl.Context) *value {
		if got := v.find(c); got != nil {
			return got
		}
		return none
	}
	switch v.Type {
	case secl.Type{Kind: secl.Bool}:
		return func(c *secl.Context) bool { return find(c).bool }
	case secl.Type{Kind: secl.Int}:
		return func(c *secl.Context) int64 { return find(c).int }
	case secl.Type{Kind: secl.String}:
		return func(c *secl.Context) string { return find(c).text }
	case secl.Type{Kind: secl.Net}:
		return func(c *secl.Context) netip.Prefix { return find(c).net }
	case secl.Type{Kind: secl.Int, Array: true}:
		return func(c *secl.Context) []int64 { return find(c).ints }
	case secl.Type{Kind: secl.Net, Array: true}:
		return func(c *secl.Context) []netip.Prefix { return find(c).nets }
	default:
		return func(c *secl.Context) []string { return find(c).texts }
	}
}

// find is the value for the context; nil if there is none, or no longer.
func (v *Variable) find(c *secl.Context) *value {
	key, ok := v.key(c)
	if !ok {
		return nil
	}
	if got := v.live(key, c.Now); got != nil {
		return got
	}
	if !v.Inherited {
		return nil
	}
	for i := 1; i < maxInheritance; i++ {
		key, ok := v.store.world.Ancestor(c, i)
		if !ok {
			return nil
		}
		if got := v.live(key, c.Now); got != nil {
			return got
		}
	}
	return nil
}

// key is whom the context is about.
func (v *Variable) key(c *secl.Context) (Key, bool) {
	switch v.Scope {
	case Process:
		return v.store.world.Ancestor(c, 0)
	case Container:
		return v.store.world.Container(c)
	case CGroup:
		return v.store.world.CGroup(c)
	}
	return Key{}, true
}

// live is the value of a key without what has expired.
func (v *Variable) live(key Key, now int64) *value {
	e := v.values[key]
	if e == nil {
		return nil
	}
	got := e.Value.(*value)
	if got.expire(now, v.Type.Array) {
		v.drop(key)
		return nil
	}
	return got
}

// retire makes the value of a process that ended the next one to go.
func (v *Variable) retire(key Key) {
	if e := v.values[key]; e != nil {
		e.Value.(*value).ended = true
		v.order.MoveToBack(e)
	}
}

func (v *Variable) drop(key Key) {
	if e := v.values[key]; e != nil {
		v.order.Remove(e)
		delete(v.values, key)
	}
}

// expire drops members that have expired and tells whether nothing is left.
func (x *value) expire(now int64, array bool) bool {
	if !array {
		return len(x.expires) > 0 && x.expires[0] != 0 && x.expires[0] <= now
	}
	for i := 0; i < len(x.expires); {
		if x.expires[i] != 0 && x.expires[i] <= now {
			x.remove(i)
		} else {
			i++
		}
	}
	return len(x.expires) == 0
}

// remove drops the i-th member of an array.
func (x *value) remove(i int) {
	x.expires = slices.Delete(x.expires, i, i+1)
	if len(x.ints) > 0 {
		x.ints = slices.Delete(x.ints, i, i+1)
	}
	if len(x.texts) > 0 {
		x.texts = slices.Delete(x.texts, i, i+1)
	}
	if len(x.nets) > 0 {
		x.nets = slices.Delete(x.nets, i, i+1)
	}
}

// Lifetime says how much of a value is kept, and how long.
type Lifetime struct {
	Size int           // members of an array; 0: DefaultSize
	TTL  time.Duration // of each member, or of the value; 0: until the entity ends
}

// Set gives the variable a value for whom the context is about. With add, to an
// array it adds what it does not have yet; what it has lives on for another TTL.
// Without an entity of the scope nothing happens.
func (v *Variable) Set(c *secl.Context, to any, add bool, l Lifetime) error {
	key, ok := v.key(c)
	if !ok {
		return nil
	}
	got := v.live(key, c.Now)
	if got == nil {
		got = v.fresh(c, key, add)
	} else {
		v.order.MoveToFront(v.values[key])
	}
	expires := int64(0)
	if l.TTL > 0 {
		expires = c.Now + int64(l.TTL)
	}
	if !v.Type.Array {
		got.expires = append(got.expires[:0], expires)
		return got.set(to)
	}
	if !add {
		got.clear()
	}
	return got.add(to, expires, cmp.Or(l.Size, DefaultSize))
}

// fresh makes the value of a key that has none. What is added to an inherited
// array is added to what was inherited.
func (v *Variable) fresh(c *secl.Context, key Key, add bool) *value {
	got := &value{key: key}
	if inherited := v.find(c); inherited != nil && add {
		got.ints, got.texts, got.nets = slices.Clone(inherited.ints), slices.Clone(inherited.texts), slices.Clone(inherited.nets)
		got.expires = slices.Clone(inherited.expires)
	}
	v.values[key] = v.order.PushFront(got)
	if len(v.values) > maxEntities {
		oldest := v.order.Back().Value.(*value)
		if !oldest.ended {
			v.store.evicted++
		}
		v.drop(oldest.key)
	}
	return got
}

func (x *value) clear() {
	x.ints, x.texts, x.nets, x.expires = x.ints[:0], x.texts[:0], x.nets[:0], x.expires[:0]
}

// set stores one value, or a whole array that never expires.
func (x *value) set(to any) error {
	switch to := to.(type) {
	case nil:
	case bool:
		x.bool = to
	case int64:
		x.int = to
	case string:
		x.text = to
	case netip.Prefix:
		x.net = to
	default:
		return x.add(to, 0, 1<<30)
	}
	return nil
}

// add adds one value or each of an array.
func (x *value) add(to any, expires int64, size int) error {
	switch to := to.(type) {
	case int64:
		x.ints = addTo(x, x.ints, to, expires, size)
	case string:
		x.texts = addTo(x, x.texts, to, expires, size)
	case netip.Prefix:
		x.nets = addTo(x, x.nets, to, expires, size)
	case []int64:
		for _, m := range to {
			x.ints = addTo(x, x.ints, m, expires, size)
		}
	case []string:
		for _, m := range to {
			x.texts = addTo(x, x.texts, m, expires, size)
		}
	case []netip.Prefix:
		for _, m := range to {
			x.nets = addTo(x, x.nets, m, expires, size)
		}
	default:
		return fmt.Errorf("a variable can't hold a %T", to)
	}
	return nil
}

// addTo moves a member to the end, where the youngest are. The oldest go when
// there are too many.
func addTo[T comparable](x *value, members []T, m T, expires int64, size int) []T {
	if i := slices.Index(members, m); i >= 0 {
		members = slices.Delete(members, i, i+1)
		x.expires = slices.Delete(x.expires, i, i+1)
	}
	members = append(members, m)
	x.expires = append(x.expires, expires)
	if over := len(members) - size; over > 0 {
		members = slices.Delete(members, 0, over)
		x.expires = slices.Delete(x.expires, 0, over)
	}
	return members
}

// Value is what the variable has in the context, for a report.
func (v *Variable) Value(c *secl.Context) any {
	switch read := v.Var.Read.(type) {
	case func(*secl.Context) bool:
		return read(c)
	case func(*secl.Context) int64:
		return read(c)
	case func(*secl.Context) string:
		return read(c)
	case func(*secl.Context) netip.Prefix:
		return read(c)
	case func(*secl.Context) []int64:
		return slices.Clone(read(c))
	case func(*secl.Context) []netip.Prefix:
		return slices.Clone(read(c))
	case func(*secl.Context) []string:
		return slices.Clone(read(c))
	}
	return nil
}
