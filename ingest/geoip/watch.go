package geoip

import (
	"context"
	"os"
	"time"
)

// Watch looks at the files every so often, and reads all of them anew when one
// has changed and is no longer being written to. It tells how each reload went;
// one that failed is tried again when the files change again.
func (d *Databases) Watch(ctx context.Context, every time.Duration, told func(error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var last, tried []os.FileInfo
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := d.stat()
		settled := allSame(now, last)
		last = now
		if settled && !allSame(now, tried) && !allSame(now, d.current.Load().stat()) {
			tried = now
			told(d.Reload())
		}
	}
}

// stat is the state of the files on disk; nil for one that is not there.
func (d *Databases) stat() []os.FileInfo {
	out := make([]os.FileInfo, len(d.paths))
	for i, path := range d.paths {
		if info, err := os.Stat(path); err == nil {
			out[i] = info
		}
	}
	return out
}

// stat is the state in which the files were read.
func (s *set) stat() []os.FileInfo {
	out := make([]os.FileInfo, len(s.files))
	for i, f := range s.files {
		out[i] = f.was
	}
	return out
}

func allSame(a, b []os.FileInfo) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) || a[i] != nil && !same(a[i], b[i]) {
			return false
		}
	}
	return true
}
