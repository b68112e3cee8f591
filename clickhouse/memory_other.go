//go:build !linux

package clickhouse

func machineMemory() int64 { return 0 }
