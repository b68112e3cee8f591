package deny

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/cilium/ebpf"

	"nightjar/agent/bpf"
)

// IsolatorOptions say where an Isolator works.
type IsolatorOptions struct {
	// CGroup is the control group that is isolated: a folder of version 2; empty: its root,
	// which is every socket of the host, containers' too.
	CGroup string
}

// Isolator takes a host off the network, but for listed peers and its loopback. What no
// socket sends (frames written to a device, what is forwarded for machines) does not come
// by it; neither do names get looked up, unless the resolver is listed.
//
// It is in force as long as the agent runs: nothing is pinned, so that whatever ends the
// agent ends the isolation too. Whoever starts an agent sets it again, from its orders.
// Its methods may be called from any goroutine.
type Isolator struct {
	options IsolatorOptions
	mu      sync.Mutex
	active  *activeDrop
	allow   []netip.AddrPort
}

// NewIsolator makes one that isolates nothing yet.
func NewIsolator(o IsolatorOptions) *Isolator { return &Isolator{options: o} }

// Set isolates the host, or ends that. allow are the peers that it may talk to, whoever
// begins; port 0 is any port. Where it is isolated already, the list is replaced, and
// nobody who is in both lists loses a packet.
func (i *Isolator) Set(isolated bool, allow []netip.AddrPort) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !isolated {
		return i.end()
	}
	if err := i.isolate(allow); err != nil {
		return fmt.Errorf("isolate: %w", err)
	}
	return nil
}

func (i *Isolator) isolate(allow []netip.AddrPort) error {
	a := i.active
	if a == nil {
		var err error
		if a, err = loadDrop("isolate_out", "isolate_in"); err != nil {
			return err
		}
	}
	err := i.list(a, allow)
	if i.active == nil {
		if err == nil {
			err = i.attach(a)
		}
		if err != nil {
			return errors.Join(err, a.close())
		}
		i.active = a
	}
	if err == nil {
		i.allow = slices.Clone(allow)
	}
	return err
}

func (i *Isolator) attach(a *activeDrop) error {
	group, err := groupOr(i.options.CGroup)
	if err != nil {
		return err
	}
	return a.attach(group, []hook{{"isolate_out", ebpf.AttachCGroupInetEgress}, {"isolate_in", ebpf.AttachCGroupInetIngress}})
}

// list writes whom the host may talk to: new ones first.
func (i *Isolator) list(a *activeDrop, allow []netip.AddrPort) error {
	m := a.objects.Maps["isolate_allow"]
	key := func(p netip.AddrPort) *bpf.IsolatePeer {
		return &bpf.IsolatePeer{Address: words(p.Addr()), Port: p.Port()}
	}
	for _, p := range allow {
		if !p.Addr().IsValid() {
			return fmt.Errorf("%s is no address", p)
		}
		if err := m.Put(key(p), uint32(1)); err != nil {
			return fmt.Errorf("let %s through: %w", p, err)
		}
	}
	for _, p := range i.allow {
		if !slices.ContainsFunc(allow, func(q netip.AddrPort) bool { return *key(q) == *key(p) }) {
			if err := m.Delete(key(p)); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
				return err
			}
		}
	}
	return nil
}

func (i *Isolator) end() error {
	if i.active == nil {
		return nil
	}
	err := i.active.close()
	i.active, i.allow = nil, nil
	return err
}

// State is whether the host is isolated, and whom it may talk to then.
func (i *Isolator) State() (isolated bool, allow []netip.AddrPort) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.active != nil, slices.Clone(i.allow)
}

// Dropped is how many packets were dropped since the host is isolated.
func (i *Isolator) Dropped() uint64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.active == nil {
		return 0
	}
	return i.active.dropped()
}

// Close ends the isolation.
func (i *Isolator) Close() error { return i.Set(false, nil) }
