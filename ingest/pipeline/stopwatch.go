package pipeline

import (
	"runtime"
	"time"
)

// stopwatch measures how long a pipeline works. Where its time seems to be up, it may be
// that the machine was busy with others: then the processor's time counts from there on,
// so that a record does not come out half made because its machine is loaded.
type stopwatch struct {
	began time.Time
	// cpu is, once the time seemed to be up, the thread's time then; 0 before.
	cpu    time.Duration
	locked bool
}

func startWatch() stopwatch { return stopwatch{began: time.Now()} }

// wall is the time that has passed.
func (w *stopwatch) wall() time.Duration { return time.Since(w.began) }

// over reports whether the time is up; a budget below 0 never is.
func (w *stopwatch) over(budget time.Duration) bool {
	if budget < 0 || w.wall() <= budget {
		return false
	}
	if !w.locked {
		runtime.LockOSThread()
		w.locked, w.cpu = true, threadTime()
		return false
	}
	return threadTime()-w.cpu > budget
}

// pause stops the watch until what it returns is called.
func (w *stopwatch) pause() (resume func()) {
	at, cpu := time.Now(), time.Duration(0)
	if w.locked {
		cpu = threadTime()
	}
	return func() {
		w.began = w.began.Add(time.Since(at))
		if w.locked {
			w.cpu += threadTime() - cpu
		}
	}
}

// stop lets go of the thread.
func (w *stopwatch) stop() {
	if w.locked {
		runtime.UnlockOSThread()
		w.locked = false
	}
}
