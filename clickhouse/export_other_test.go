//go:build !linux

package clickhouse

// CanConfine says why this system cannot confine a server.
func CanConfine() error { return confine(childSpec{}) }
