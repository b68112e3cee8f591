package probe

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"nightjar/agent/bpf"
)

// Kills is the table of what is killed at exec; it implements respond.Table.
type Kills struct{ p *Probe }

// Kills is the probe's table of what is killed at exec.
func (p *Probe) Kills() *Kills { return &Kills{p} }

// SetKills replaces the paths and names of programs that are killed.
func (k *Kills) SetKills(by map[string]bpf.Kill) error {
	now := map[bpf.KillText]bpf.Kill{}
	for text, kill := range by {
		var key bpf.KillText
		if len(text) >= len(key.Text) {
			return fmt.Errorf("%q is longer than the %d bytes that the kernel looks at", text, len(key.Text)-1)
		}
		for i := range len(text) {
			key.Text[i] = int8(text[i])
		}
		now[key] = kill
	}
	if err := replace(k.p.objects.Maps["kills"], now); err != nil {
		return err
	}
	return k.p.objects.Variables["kill_files"].Set(uint32(len(now)))
}

// SetKillInodes replaces the inodes of programs that are killed under whatever name.
func (k *Kills) SetKillInodes(by map[bpf.KillInode]bpf.Kill) error {
	return replace(k.p.objects.Maps["kill_inodes"], by)
}

// SetSpared replaces the inodes of programs that never are killed.
func (k *Kills) SetSpared(inodes []bpf.KillInode) error {
	now := map[bpf.KillInode]uint8{}
	for _, i := range inodes {
		now[i] = 1
	}
	return replace(k.p.objects.Maps["spared"], now)
}

// SetLease lets so many be killed of a lease since the beginning.
func (k *Kills) SetLease(slot uint32, most uint64) error {
	return k.p.objects.Maps["lease_most"].Put(slot, most)
}

// Taken is how many were killed of a lease since the beginning.
func (k *Kills) Taken(slot uint32) (uint64, error) {
	var n uint64
	err := k.p.objects.Maps["lease_taken"].Lookup(slot, &n)
	return n, err
}

// Born is when the living process of a pid began, in ns since boot, exactly. It knows of
// those that began after Since; false: there is none. Its error says that it can't tell.
func (p *Probe) Born(pid int) (start uint64, ok bool, err error) {
	var missed uint32
	if err := p.objects.Variables["births_missed"].Get(&missed); err != nil {
		return 0, false, err
	}
	if missed != 0 {
		return 0, false, errors.New("more processes live than the kernel's table has room for")
	}
	switch err := p.objects.Maps["births"].Lookup(uint32(pid), &start); {
	case errors.Is(err, ebpf.ErrKeyNotExist):
		return 0, false, nil
	case err != nil:
		return 0, false, err
	}
	return start, true, nil
}

// Since is when the probe began to see every process, in ns since boot.
func (p *Probe) Since() uint64 { return p.since }

// Leases is how many leases there can be.
func (k *Kills) Leases() uint32 { return k.p.objects.Maps["lease_most"].MaxEntries() }

// Arm lets the programs kill, or not.
func (k *Kills) Arm(armed bool) error {
	var v uint32
	if armed {
		v = 1
	}
	return k.p.objects.Variables["kill_armed"].Set(v)
}

// Done is how many signals the kernel has sent.
func (k *Kills) Done() (uint64, error) {
	var n uint64
	err := k.p.objects.Variables["kills_done"].Get(&n)
	return n, err
}

// replace makes a table have these entries and no others. What is in both is never away.
func replace[K comparable, V any](m *ebpf.Map, now map[K]V) error {
	var old []K
	var key K
	var value V
	for it := m.Iterate(); it.Next(&key, &value); {
		if _, stays := now[key]; !stays {
			old = append(old, key)
		}
	}
	for _, key := range old {
		if err := m.Delete(&key); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return err
		}
	}
	for key, value := range now {
		if err := m.Put(&key, &value); err != nil {
			return err
		}
	}
	return nil
}
