package bpf

import "github.com/cilium/ebpf"

// Load is the programs and maps of the base provider, not yet in the kernel.
func Load() (*ebpf.CollectionSpec, error) { return loadBase() }
