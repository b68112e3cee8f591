package bpf

import (
	"sync"
	"weak"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// Load is the programs and maps of the base provider, not yet in the kernel.
func Load() (*ebpf.CollectionSpec, error) { return loadBase() }

// LoadDeny is the programs and maps that deny, not yet in the kernel.
func LoadDeny() (*ebpf.CollectionSpec, error) { return loadDeny() }

// The types that the programs which deny and the agent share, made from deny.c.
type (
	// DenyFile names a file by its inode, for an operation.
	DenyFile = denyDenyFile
	// DenyIdentity is what is known of a file that is named by its inode.
	DenyIdentity = denyDenyIdentity
	// DenyPath names a file by its path, for an operation.
	DenyPath = denyDenyPath
	// DenyNet is a network: IPv4 as it is mapped into IPv6.
	DenyNet = denyDenyNet
	// DenyPorts are the ports of a network that are denied.
	DenyPorts = denyDenyPorts
	// DenyRange is a range of ports.
	DenyRange = denyDenyRange
)

// LoadDrop is the programs and maps that drop packets, not yet in the kernel.
func LoadDrop() (*ebpf.CollectionSpec, error) { return loadDrop() }

// The types that the programs which drop packets and the agent share, made from drop.c.
type (
	// DropTest is a test of a filter of packets.
	DropTest = dropDropTest
	// IsolatePeer is whom an isolated host may talk to.
	IsolatePeer = dropIsolatePeer
)

// KernelTypes are those of the running kernel, which take 0.03 s of CPU to read: those who
// load programs one after the other share them. They are let go of when nobody loads any.
func KernelTypes() *btf.Cache {
	kernelTypes.Lock()
	defer kernelTypes.Unlock()
	if c := kernelTypes.read.Value(); c != nil { // nobody has let go of them, or the collector not yet
		return c
	}
	c := btf.NewCache()
	kernelTypes.read = weak.Make(c)
	return c
}

var kernelTypes struct {
	sync.Mutex
	read weak.Pointer[btf.Cache]
}
