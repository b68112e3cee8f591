//go:build !linux

package pipeline

import "time"

var started = time.Now()

// threadTime is the time that has passed: what a thread has used is not known here.
func threadTime() time.Duration { return time.Since(started) }
