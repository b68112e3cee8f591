// Package agent will watch a host through eBPF, evaluate SECL rules on what it
// sees, ship what matches, and kill or block where a rule says so.
//
// It never waits for the network while reading the kernel's ring buffer; what
// it drops, it counts.
package agent
