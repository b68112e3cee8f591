package vars

import (
	"fmt"
	"testing"
	"time"

	"nightjar/secl"
)

// chain is a world of one line of processes: 3 is a child of 2, 2 of 1.
type chain struct{}

func (chain) Ancestor(c *secl.Context, i int) (Key, bool) {
	pid := c.Event.(int) - i
	return Key{ID: uint64(pid)}, pid > 0
}
func (chain) Container(*secl.Context) (Key, bool)  { return Key{}, false }
func (chain) CGroup(*secl.Context) (Key, bool)     { return Key{Name: "g"}, true }
func (chain) PID(*secl.Context, int64) (any, bool) { return nil, false }
func at(pid int, second float64) *secl.Context {
	return &secl.Context{Event: pid, Now: int64(second * 1e9)}
}

// TestAddingIsASetThatForgets holds the semantics of append: no doubles, the
// oldest goes first, every addition renews the time that a member has.
func TestAddingIsASetThatForgets(t *testing.T) {
	v := NewStore(chain{}).Declare(Declaration{Name: "x", Scope: CGroup, Type: secl.Type{Kind: secl.String, Array: true}})
	life := Lifetime{Size: 2, TTL: 10 * time.Second}
	for _, step := range []struct {
		second float64
		add    string
		want   string
	}{{0, "a", "[a]"}, {1, "b", "[a b]"}, {2, "a", "[b a]"}, {3, "c", "[a c]"}, {11.5, "", "[a c]"}, {12.5, "", "[c]"}, {13, "", "[]"}} {
		c := at(1, step.second)
		if step.add != "" {
			if err := v.Set(c, step.add, true, life); err != nil {
				t.Fatal(err)
			}
		}
		if got := fmt.Sprint(v.Value(c)); got != step.want {
			t.Errorf("after %v s: got %s, want %s", step.second, got, step.want)
		}
	}
}

// TestAChildSeesWhatItsParentHasUntilItHasItsOwn holds inherited variables.
func TestAChildSeesWhatItsParentHasUntilItHasItsOwn(t *testing.T) {
	s := NewStore(chain{})
	v := s.Declare(Declaration{Name: "x", Scope: Process, Type: secl.Type{Kind: secl.Int}, Inherited: true, Default: int64(7)})
	own := s.Declare(Declaration{Name: "y", Scope: Process, Type: secl.Type{Kind: secl.Int}})
	for _, set := range []*Variable{v, own} {
		if err := set.Set(at(1, 0), int64(1), false, Lifetime{}); err != nil {
			t.Fatal(err)
		}
	}
	if v.Value(at(3, 0)) != int64(1) || own.Value(at(3, 0)) != int64(0) {
		t.Errorf("a grandchild has %v and %v, want 1 and 0", v.Value(at(3, 0)), own.Value(at(3, 0)))
	}
	if err := v.Set(at(2, 0), int64(2), false, Lifetime{}); err != nil {
		t.Fatal(err)
	}
	if v.Value(at(3, 0)) != int64(2) || v.Value(at(1, 0)) != int64(1) {
		t.Error("the nearest ancestor decides")
	}
	s.Forget(Process, Key{ID: 2})
	s.Forget(Process, Key{ID: 1})
	if v.Value(at(3, 0)) != int64(2) || own.Value(at(1, 0)) != int64(0) {
		t.Errorf("when they are gone it is %v, want 2: who ends before its child does not hide what it did; what nobody inherits is %v, want 0", v.Value(at(3, 0)), own.Value(at(1, 0)))
	}
}

// TestWhatIsKeptForChildrenGoesFirst holds that values of processes that ended take no
// room from those of the living, and do not count as lost.
func TestWhatIsKeptForChildrenGoesFirst(t *testing.T) {
	s := NewStore(chain{})
	v := s.Declare(Declaration{Name: "x", Scope: Process, Type: secl.Type{Kind: secl.Int}, Inherited: true})
	set := func(pid int) {
		if err := v.Set(at(pid, 0), int64(pid), false, Lifetime{}); err != nil {
			t.Fatal(err)
		}
	}
	for pid := 1; pid <= maxEntities; pid++ {
		set(pid)
	}
	s.Forget(Process, Key{ID: maxEntities})
	set(maxEntities + 1)
	if _, kept := v.values[Key{ID: maxEntities}]; kept || len(v.values) != maxEntities || s.Evicted() != 0 {
		t.Errorf("kept %t of %d values, %d evicted", kept, len(v.values), s.Evicted())
	}
}

// TestWithoutAnEntityNothingIsSet holds that there are no values of nobody.
func TestWithoutAnEntityNothingIsSet(t *testing.T) {
	v := NewStore(chain{}).Declare(Declaration{Name: "x", Scope: Container, Type: secl.Type{Kind: secl.Bool}})
	if err := v.Set(at(1, 0), true, false, Lifetime{}); err != nil || v.Value(at(1, 0)) != false {
		t.Errorf("got %v, %v", v.Value(at(1, 0)), err)
	}
}

// TestTheNumberOfEntitiesIsBounded holds that processes that never end can't use
// up the memory, and that what goes is counted.
func TestTheNumberOfEntitiesIsBounded(t *testing.T) {
	s := NewStore(chain{})
	v := s.Declare(Declaration{Name: "x", Scope: Process, Type: secl.Type{Kind: secl.Int}})
	for pid := 1; pid <= maxEntities+10; pid++ {
		if err := v.Set(at(pid, 0), int64(pid), false, Lifetime{}); err != nil {
			t.Fatal(err)
		}
	}
	if len(v.values) != maxEntities || s.Evicted() != 10 || v.Value(at(10, 0)) != int64(0) || v.Value(at(11, 0)) != int64(11) {
		t.Errorf("%d values, %d evicted", len(v.values), s.Evicted())
	}
}
