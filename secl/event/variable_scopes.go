package event

import (
	"nightjar/secl"
	"nightjar/secl/vars"
)

// World tells whose variables an expression about an Event reads. In a context
// with a Scope, which is a *Process, they are that process's.
type World struct {
	ByPID func(pid int64) *Process // nil where there is no such process
}

var _ vars.World = World{}

func current(c *secl.Context) *Process {
	if p, ok := c.Scope.(*Process); ok {
		return p
	}
	return c.Event.(*Event).Process
}

// Ancestor is the process, or its i-th parent.
func (World) Ancestor(c *secl.Context, i int) (vars.Key, bool) {
	p := current(c)
	for ; i > 0 && p != nil; i-- {
		p = p.Parent
	}
	if p == nil {
		return vars.Key{}, false
	}
	return p.key(), true
}

// key tells a process from all others, also from earlier ones with its id.
func (p *Process) key() vars.Key {
	if p.Key != 0 {
		return vars.Key{ID: p.Key}
	}
	return vars.Key{ID: uint64(p.PID)}
}

// ContainerKey is whose values a container's variables have.
func ContainerKey(id string) vars.Key { return vars.Key{Name: id} }

// Container is that of the process.
func (World) Container(c *secl.Context) (vars.Key, bool) {
	id := c.Event.(*Event).Container.ID
	if p := current(c); p != nil && (id == "" || c.Scope != nil) {
		id = p.Container
	}
	return ContainerKey(id), id != ""
}

// CGroup is that of the process, told from an earlier one of the same path.
func (World) CGroup(c *secl.Context) (vars.Key, bool) {
	g := &c.Event.(*Event).CGroup
	if p := current(c); p != nil && (g.ID == "" || c.Scope != nil) {
		g = &p.CGroup
	}
	return vars.Key{ID: uint64(g.Inode), Name: g.ID}, g.ID != ""
}

// PID finds a process.
func (w World) PID(_ *secl.Context, pid int64) (any, bool) {
	if w.ByPID == nil {
		return nil, false
	}
	p := w.ByPID(pid)
	return p, p != nil
}
