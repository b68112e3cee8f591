package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"nightjar/schema"
)

// wideEvent has so many attribute keys, the same in every event.
func wideEvent(g *generator, keys int) schema.Event {
	g.made++
	e := schema.Event{Seq: uint64(g.made), At: schema.MillisOf(firstDay), Source: "wide", Status: "info", Message: "a wide event"}
	e.Seen = e.At
	g.json = append(g.json[:0], '{')
	for k := range keys {
		switch k % 4 {
		case 0:
			g.write(`"section%d":{"field%d":%d}`, k, k, g.IntN(1000))
		default:
			g.write(`"attribute.number%d":"value-%s"`, k, g.hex(6))
		}
	}
	e.Attributes, _ = schema.ParseAttributes(string(append(g.json, '}')))
	return e
}

// TestWideEvents says how many files a stream of wide events makes the server
// open, and what their insert costs. It runs with -wide EVENTS.
func TestWideEvents(t *testing.T) {
	if *flagWide == 0 {
		t.Skip("runs with -wide")
	}
	w := newWorld(t, 1000)
	g := newGenerator(5, 1<<30)
	g.made = 1000
	most, what := 0, ""
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				if n, of := openFiles(w.pid); n > most {
					most, what = n, of
				}
			}
		}
	}()
	var theirs []float64
	started := time.Now()
	cpu := threadsCPU(t, w.pid)
	for n := 0; n < *flagWide; n += 2000 {
		events := make([]schema.Event, 2000)
		for i := range events {
			events[i] = wideEvent(g, 312)
		}
		it := threadsCPU(t, w.pid)
		if err := w.sink.Insert(t.Context(), fmt.Sprint("wide ", n), events); err != nil {
			t.Fatal(err)
		}
		theirs = append(theirs, (threadsCPU(t, w.pid)-it)/2)
	}
	t.Logf("%d events in %s, %.0f µs of server CPU an event to the end of the insert (median), most files %d", *flagWide, time.Since(started).Round(time.Second), median(theirs), most)
	w.settle(t)
	close(done)
	var files, parts, bytes uint64
	w.row(t, "SELECT sum(files), count(), sum(bytes_on_disk) FROM system.parts WHERE database = currentDatabase() AND table = 'events' AND active", &files, &parts, &bytes)
	t.Logf("settled after %s and %.0f s CPU: most files open %d (%s); %d parts, %d files, %d MB", time.Since(started).Round(time.Second), (threadsCPU(t, w.pid)-cpu)/1e3, most, what, parts, files, bytes>>20)
}

// openFiles is how many files a process has open, and how many in which folders.
func openFiles(pid int) (n int, what string) {
	names, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	folders := map[string]int{}
	for _, name := range names {
		if to, err := os.Readlink(name); err == nil {
			folders[filepath.Base(filepath.Dir(to))]++
		}
	}
	return len(names), fmt.Sprint(folders)
}
