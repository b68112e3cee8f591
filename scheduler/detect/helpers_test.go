package detect

import (
	"runtime"

	"nightjar/schema"
)

const anHour = schema.Millis(3_600_000)

// mustHave is v, which there is.
func mustHave[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// heapInUse is what is live in memory, in bytes.
func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
