// Package abi has the numbers of the system calls that the agent traces, of the
// machine's own and, on x86-64, of programs of 32 bits.
package abi
